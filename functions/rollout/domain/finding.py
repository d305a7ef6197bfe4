"""What one shadow comparison came to, and what of it goes into the request's log line."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from rollout.domain.difference import Comparison, Difference
from rollout.domain.shapes import example

OK, DIFF, FAILED = "SHADOW-OK", "SHADOW-DIFF", "SHADOW-FAILED"
SHOWN: Final = 20
EXAMPLES: Final = 5


@dataclass(frozen=True)
class Finding:
    """One comparison.

    counts: the fields that make it a mismatch. unstable: those in which the control's second
    answer differs from its first; None when it was not asked again. at_random: it was asked
    whatever the candidate said.
    """

    outcome: str
    found: Comparison = field(default_factory=Comparison)
    counts: frozenset[str] = frozenset()
    unstable: frozenset[str] | None = None
    at_random: bool = False

    @property
    def paths(self) -> list[str]:
        """ "field:kind" of every difference that counts, in order, each once."""
        return _reasons(item for item in self.found.differences if item.field in self.counts)


def different(kind: str) -> Finding:
    """A mismatch of the whole answer."""
    return Finding(DIFF, Comparison((Difference("", kind),)), frozenset({""}))


def notes(finding: Finding, rules: Sequence[str], *, first: bool) -> dict[str, Any]:
    """What the mismatch report reads, without anybody's data; {} when there is nothing for it.

    rules: the cleaning rules as text; first: this sandbox has not told them yet.
    """
    found = finding.found
    asked = finding.unstable is not None
    if not (found.differences or found.matched or asked or first):
        return {}
    told = {f"{item.field}:{item.kind}": item for item in reversed(found.differences)}
    noise = [reason for reason, item in told.items() if item.field not in finding.counts]
    return {
        "noted": 1,
        "noise_paths": sorted(noise)[:SHOWN],
        "unstable": sorted(finding.unstable or ())[:SHOWN],
        "asked_again": int(asked),
        "at_random": int(finding.at_random and asked),
        "rules_matched": [rules[number] for number in found.matched],
        "examples": {reason: example(told[reason]) for reason in sorted(told)[:EXAMPLES]},
        **({"rules": list(rules)} if first else {}),
    }


def _reasons(differences: Iterable[Difference]) -> list[str]:
    return sorted({f"{difference.field}:{difference.kind}" for difference in differences})
