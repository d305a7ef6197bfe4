"""Noise: fields in which the control differs from itself, and whether the candidate differs more.

The control is asked twice for some requests: at random, and when the candidate differs. A field
in which the two control answers differ is noise in that request. Over many requests each field has
pairs: the candidate differed and the control did not differ from itself, or the reverse. If
the candidate is no worse than a second control, either is as likely, so an exact one-sided
sign test on those pairs (McNemar) says whether it is worse.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

# The chance that any field at all is wrongly taken to differ beyond its noise.
ALPHA: Final = 0.01
# Random pairs of control answers before the first test.
LEAST_PAIRS: Final = 25
# A field is noisy when so large a part of its mismatches meets a control that differs from itself.
NOISY_SHARE: Final = 0.1
# Mismatches after which a field is known: then the control need not be asked about it again.
SETTLED: Final = 50
# Answers with ever new fields must not fill the memory.
MOST_FIELDS: Final = 1000


@dataclass
class Counts:
    """One field's counts.

    alone: random pairs in which only the candidate differed; itself: only the control did.
    mismatched: requests in which the candidate differed and the control was asked again;
    unstable: those of them in which the control differed from itself as well.
    """

    alone: int = 0
    itself: int = 0
    mismatched: int = 0
    unstable: int = 0

    @property
    def noisy(self) -> bool:
        """Whether the control's own changes explain a good part of the mismatches."""
        return self.unstable > 0 and self.unstable >= NOISY_SHARE * self.mismatched

    @property
    def settled(self) -> bool:
        """Whether enough mismatches were looked at to know."""
        return self.mismatched >= SETTLED


def chance(alone: int, itself: int) -> float:
    """The chance of at least `alone` of the pairs on the candidate's side, if both are as likely.

    Exact: the upper tail of a binomial with probability one half.
    """
    pairs = alone + itself
    if alone <= 0:
        return 1.0
    scale = pairs * math.log(2) - math.lgamma(pairs + 1)
    terms = (
        math.exp(-math.lgamma(k + 1) - math.lgamma(pairs - k + 1) - scale)
        for k in range(alone, pairs + 1)
    )
    return min(1.0, math.fsum(terms))


def beyond(fields: Mapping[str, Counts], alpha: float = ALPHA) -> frozenset[str]:
    """The fields in which the candidate differs more often than the control from itself.

    Holm's procedure: with chance at most `alpha` is any field in it that does not. Fields without
    a pair on either side cannot be tested and cost nothing.
    """
    tested = sorted(
        (chance(counts.alone, counts.itself), name)
        for name, counts in fields.items()
        if counts.alone + counts.itself
    )
    found = []
    for rank, (p, name) in enumerate(tested):
        if p > alpha / (len(tested) - rank):
            break
        found.append(name)
    return frozenset(found)


@dataclass
class Noise:
    """What one comparator has learnt of the noise, field by field, since it started."""

    pairs: int = 0
    fields: dict[str, Counts] = field(default_factory=dict)
    worse: frozenset[str] = frozenset()
    _next_test: int = LEAST_PAIRS
    _alpha: float = ALPHA / 2

    def must_ask(self, differing: Collection[str]) -> bool:
        """Whether asking the control again can still decide if this request is a mismatch."""
        known = [self.fields.get(name, Counts()) for name in differing]
        if any(counts.settled and not counts.noisy for counts in known):
            return False
        return not all(counts.settled for counts in known)

    def see(
        self, differing: Collection[str], unstable: Collection[str], *, at_random: bool
    ) -> None:
        """Learn from one request for which the control was asked twice.

        differing: fields in which the candidate differs from the control's first answer; unstable:
        in which the second does. at_random: it was asked whatever the candidate said.
        """
        for name in {*differing, *unstable}:
            counts = self._counts(name)
            counts.mismatched += name in differing
            counts.unstable += name in differing and name in unstable
            if at_random:
                counts.alone += name in differing and name not in unstable
                counts.itself += name in unstable and name not in differing
        if at_random:
            self.pairs += 1
            self._test()

    def excuses(self, name: str) -> bool:
        """Whether a difference in the field says nothing against the candidate."""
        counts = self.fields.get(name)
        return counts is not None and counts.noisy and name not in self.worse

    def _counts(self, name: str) -> Counts:
        if name not in self.fields and len(self.fields) >= MOST_FIELDS:
            return Counts()
        return self.fields.setdefault(name, Counts())

    def _test(self) -> None:
        """Test whenever the pairs have doubled, each time with half of the chance that is left."""
        if self.pairs >= self._next_test:
            self.worse |= beyond(self.fields, self._alpha)
            self._next_test, self._alpha = 2 * self._next_test, self._alpha / 2


def counted(differing: Collection[str], unstable: Collection[str], noise: Noise) -> frozenset[str]:
    """The fields that make this request a mismatch; none when all that differs is noise."""
    return frozenset(name for name in differing if name not in unstable and not noise.excuses(name))
