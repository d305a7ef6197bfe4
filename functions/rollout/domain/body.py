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

from rollout.domain.bets import Bets
from rollout.domain.wealth import alternatives

TILTS: Final = (0.6, 1.3, 2.8, 7.0)
# So few requests, of the candidate and of both arms, are compared by permutation.
FEW, FEW_OF_BOTH = 20, 60
Groups = tuple[int, ...]


class Tilts(Bets[Sequence[float]]):
    """Bets that the candidate's times are shifted. A null is what part of the requests is above
    each level, the highest first.

    groups: how many there are.
    """

    def __init__(self, groups: int) -> None:
        super().__init__(alternatives(TILTS))
        self._scores = [1 - index / (groups - 1) for index in range(groups)]
        self._weights = tuple(
            tuple(math.exp(tilt * score) for score in self._scores) for tilt in TILTS
        )

    def asked(self, counts: Groups) -> int:
        return sum(counts)

    def against(self, counts: Groups, null: Sequence[float], phi: float) -> Sequence[float]:
        asked = sum(counts)
        shares = [more - less for less, more in pairwise((0.0, *null, 1.0))]
        worth = [asked * math.log(_dot(weights, shares)) for weights in self._weights]
        return self._evidence(counts, worth, phi)

    def between(self, candidate: Groups, control: Groups, phi: float) -> Sequence[float]:
        pooled = tuple([one + other for one, other in zip(candidate, control, strict=True)])
        return self._evidence(candidate, worths(pooled, sum(candidate), self._weights), phi)

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
