"""The body of the latency distribution: are the candidate's requests slower, all of them?

Requests fall into groups between levels of the control's recent latencies, the candidate's after
what is tolerated has been taken off. A group's score goes from 0 for the fastest to 1 for the
slowest. A bet is an exponential tilt: it pays e^(tilt * score) for every request of the candidate,
over what that is worth on average while the candidate is no slower. A shift of all requests shows
here long before it shows in the tail.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final

from rollout.domain.harm import BLOCK, Onset, When
from rollout.domain.wealth import Wealth, alternatives

TILTS: Final = (0.6, 1.3, 2.8, 7.0)
# So few requests, of the candidate and of both arms, are compared by permutation.
FEW, FEW_OF_BOTH = 20, 60
Groups = tuple[int, ...]


class Body:
    """The evidence that the candidate's times are shifted, absolute and relative to the control.

    groups: how many there are. Both must speak against the candidate, as in a Case.
    """

    def __init__(self, groups: int, planned: int) -> None:
        self._scores = [1 - index / (groups - 1) for index in range(groups)]
        self._weights = tuple(
            tuple(math.exp(tilt * score) for score in self._scores) for tilt in TILTS
        )
        self.absolute, self._onset_absolute = Wealth(alternatives(TILTS)), Onset(planned)
        self.relative, self._onset_relative = Wealth(alternatives(TILTS)), Onset(planned)
        self._phase = -1
        self._candidate = self._control = (0,) * groups

    @property
    def value(self) -> float:
        """The e-value."""
        return min(self.absolute.value, self.relative.value)

    def see(self, candidate: Groups, control: Groups, usual: Sequence[float], when: When) -> None:
        """One minute's requests per group, slowest first.

        usual: what part of the control's requests is above each level, the highest first.
        """
        if when.calm:
            self._see_usual(self.absolute, self._onset_absolute, candidate, usual, when)
        self._enter(when)
        self._candidate = _sum(self._candidate, candidate)
        self._control = _sum(self._control, control)
        if sum(self._control) >= BLOCK:
            self._close(when)

    def see_full(self, candidate: Groups, late: Groups, usual: Sequence[float], when: When) -> None:
        """One minute of full exposure, where what is usual stands in for a control.

        late: the candidate's groups after the limit, not only what is tolerated, is taken off.
        """
        self._see_usual(self.absolute, self._onset_absolute, candidate, usual, when)
        self._enter(when)
        self._see_usual(self.relative, self._onset_relative, late, usual, when)

    def _see_usual(
        self,
        wealth: Wealth,
        onset: Onset,
        candidate: Groups,
        usual: Sequence[float],
        when: When,
    ) -> None:
        asked = sum(candidate)
        prior = onset.prior(when.phase, active=asked > 0)
        if asked:
            shares = [more - less for less, more in pairwise((0.0, *usual, 1.0))]
            worth = [asked * math.log(_dot(weights, shares)) for weights in self._weights]
            wealth.bet(self._evidence(candidate, worth, when.phi), prior, when.minute)

    def _enter(self, when: When) -> None:
        if when.phase != self._phase:
            self._close(when)
            self._phase = when.phase

    def _close(self, when: When) -> None:
        """Compare the block so far and begin another."""
        asked, asked_control = sum(self._candidate), sum(self._control)
        active = asked > 0 and asked_control > 0
        prior = self._onset_relative.prior(self._phase, active=active)
        if active:
            pooled = _sum(self._candidate, self._control)
            worth = worths(pooled, asked, self._weights)
            self.relative.bet(self._evidence(self._candidate, worth, when.phi), prior, when.minute)
        self._candidate = self._control = (0,) * len(self._scores)

    def _evidence(self, candidate: Groups, worth: Sequence[float], phi: float) -> list[float]:
        """Per tilt. Correlation tempers it, which keeps the factor's expectation <= 1 (Jensen)."""
        total, tempered = _dot(self._scores, candidate), 1 + (sum(candidate) - 1) * phi
        return [
            (tilt * total - one) / tempered if one < math.inf else 0.0
            for tilt, one in zip(TILTS, worth, strict=True)
        ]


@lru_cache(maxsize=256)
def worths(pooled: Groups, asked: int, weights: tuple[tuple[float, ...], ...]) -> tuple[float, ...]:
    """Per tilt: ln of what the candidate's requests are worth on average, when it is no slower.

    pooled: both arms' requests per group, `asked` of which are the candidate's. While the arms are
    alike, which of them are is a draw without replacement. Few are drawn exactly; drawing with
    replacement is worth more (Hoeffding 1963), so it is used for many.

    A slower request of the candidate must never pay less, or a faster candidate than the control
    could make it pay on average. Drawn exactly it never does; with replacement while the tilt's
    largest weight is at most the number of requests for one of the candidate's. Otherwise there is
    no bet: infinity.
    """
    both = sum(pooled)
    if asked <= FEW and both <= FEW_OF_BOTH:
        return tuple([_drawn(pooled, asked, one) for one in weights])
    return tuple(
        [
            asked * math.log(_dot(one, pooled) / both)
            if asked == 1 or max(one) * asked <= both
            else math.inf
            for one in weights
        ]
    )


def _drawn(pooled: Groups, asked: int, weights: Sequence[float]) -> float:
    """ln of the mean product of the weights of `asked` requests drawn without replacement."""
    # Elementary symmetric polynomials, one request after the other.
    sums = [1.0] + [0.0] * asked
    for weight, requests in zip(weights, pooled, strict=True):
        for _ in range(requests):
            for count in range(asked, 0, -1):
                sums[count] += weight * sums[count - 1]
    return math.log(sums[asked] / math.comb(sum(pooled), asked))


def groups(above: Sequence[int], requests: int) -> Groups:
    """Requests per group, slowest first, from those above each level, the highest level first."""
    edges = (0, *above, requests)
    return tuple([more - less for less, more in pairwise(edges)])


def _dot(some: Sequence[float], more: Sequence[float]) -> float:
    return sum([one * other for one, other in zip(some, more, strict=True)])


def _sum(some: Groups, more: Groups) -> Groups:
    return tuple([one + other for one, other in zip(some, more, strict=True)])
