"""A rollout's mismatches, counted again with what all comparators together learnt of the noise.

Each sandbox of the comparator learns by itself, so each counts a few mismatches before it knows a
noisy field, and one that dies early knows little. All of them wrote down what they saw.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from rollout.domain import noted
from rollout.domain.difference import DIGEST, ERROR
from rollout.domain.finding import SHOWN
from rollout.domain.noise import Noise
from rollout.domain.noise import counted as counting

# A control that failed is no noise, and of a digest nobody knows which field differs.
CERTAIN: Final = frozenset({ERROR, DIGEST})


@dataclass(frozen=True)
class Recount:
    """Mismatches over the lines of a rollout, twice.

    live: as each comparator counted at the time. pooled: with the noise that all of them had seen
    in the end. excused: fields that are noise then; beyond_noise: those of them that count all the
    same, since the candidate differs there more often than the control from itself.
    """

    live: int
    pooled: int
    excused: tuple[str, ...]
    beyond_noise: tuple[str, ...]


class Pool:
    """Adds up lines, oldest first."""

    def __init__(self) -> None:
        self._noise = Noise()
        # (fields that the control's second answer did not explain, counts in any case, counted).
        self._seen: Counter[tuple[frozenset[str], bool, bool]] = Counter()

    def add(self, line: Mapping[str, Any]) -> None:
        """One line that has something to report."""
        live, excused = noted.counted(line), noted.excused(line)
        reasons = [*live, *excused]
        differing = frozenset(map(noted.field_of, reasons))
        unstable = frozenset(noted.texts(line, "unstable"))
        # A line shows SHOWN of each at most: where it may be cut, it counts as it did.
        cut = len(live) >= SHOWN
        certain = cut or any(noted.kind_of(reason) in CERTAIN for reason in live)
        if line.get("asked_again"):
            self._noise.see(differing, unstable, at_random=bool(line.get("at_random")))
        if differing:
            self._seen[differing - unstable, certain, bool(live)] += 1

    def recount(self) -> Recount:
        """Both counts over the lines so far."""
        noise = self._noise
        noisy = [name for name, counts in noise.fields.items() if counts.noisy]
        return Recount(
            sum(times for (_, _, live), times in self._seen.items() if live),
            sum(
                times
                for (fields, certain, _), times in self._seen.items()
                if certain or counting(fields, (), noise)
            ),
            tuple(sorted(name for name in noisy if noise.excuses(name))),
            tuple(sorted(name for name in noisy if not noise.excuses(name))),
        )
