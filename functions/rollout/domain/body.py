"""The body of the latency distribution: are the candidate's requests slower, all of them?

Requests fall into groups between levels of the control's recent latencies, the candidate's after
what is tolerated has been taken off. A group's score goes from 0 for the fastest to 1 for the
slowest. A bet is an exponential tilt: it pays e^(tilt * score) for every request of the candidate,
over what that is worth on average while the candidate is no slower. A shift of all requests shows
here long before it shows in the tail.
"""

import cmath
import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from operator import add
from typing import Final

from rollout.domain.bets import Bets
from rollout.domain.wealth import alternatives

TILTS: Final = (0.6, 1.3, 2.8, 7.0)
# Where more requests than this would be drawn twice, on average, the draw is without replacement;
# unless there are so many that a minute says enough as it is.
TWICE: Final = 0.1
MANY: Final = 400
# Of a Fourier sum, so many points on either side at most, and what floats may lose of it.
POINTS: Final = 4
ROUNDING: Final = 1e-14
# So near to the number drawn are the heads to expect, unless they are not after so many tries.
NEAR: Final = 0.5
TRIES: Final = 10
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
        pooled = tuple(map(add, candidate, control))
        return self._evidence(candidate, worths(pooled, sum(candidate), self._weights), phi)

    def _evidence(self, candidate: Groups, worth: Sequence[float], phi: float) -> list[float]:
        """Per tilt. Correlation tempers it, which keeps the factor's expectation <= 1 (Jensen)."""
        total, tempered = _dot(self._scores, candidate), 1 + (sum(candidate) - 1) * phi
        return [(tilt * total - one) / tempered for tilt, one in zip(TILTS, worth, strict=True)]


@lru_cache(maxsize=256)
def worths(pooled: Groups, asked: int, weights: tuple[tuple[float, ...], ...]) -> tuple[float, ...]:
    """Per tilt: ln of what the candidate's requests are worth on average, when it is no slower; or
    somewhat more, never less.

    pooled: both arms' requests per group, `asked` of which are the candidate's. While the arms are
    alike, which of them are is a draw without replacement. Drawing with replacement is worth more
    (Hoeffding 1963), and is good enough while hardly any would be drawn twice.

    A draw exactly paid for has expectation 1; and a slower request of the candidate never pays less
    there, so a faster candidate's is at most 1. What is worth more pays less than that, whatever
    the requests are.
    """
    both = sum(pooled)
    worth = [asked * math.log(_dot(one, pooled) / both) for one in weights]
    if both <= MANY and asked * (asked - 1) > 2 * TWICE * both:
        worth = [
            min(more, _drawn(pooled, asked, one)) for more, one in zip(worth, weights, strict=True)
        ]
    return tuple(worth)


def _drawn(pooled: Groups, asked: int, weights: Sequence[float]) -> float:
    """ln of the mean product of the weights of `asked` requests drawn without replacement, or a
    little more.

    Toss a coin for each request, its odds of heads the weight times some scale: but for a factor
    that is known, that mean is the chance of `asked` heads, a Fourier sum over the coins. Over few
    points it also counts heads that are off by a multiple of the number of points. That is never
    less, and hardly more where about as many heads as are drawn are to be expected.
    """
    both = sum(pooled)
    scale = (asked + 0.5) / (both - asked + 0.5) * both / _dot(weights, pooled)
    heads = _heads(weights, scale)
    for _ in range(TRIES):
        mean = _dot(heads, pooled)
        variance = mean - sum([n * head * head for n, head in zip(pooled, heads, strict=True)])
        if abs(asked - mean) < NEAR:
            break
        scale *= math.exp(max(-1.0, min(1.0, (asked - mean) / max(variance, NEAR))))
        heads = _heads(weights, scale)
    turns = _turns(min(POINTS, 2 + int(2 * math.sqrt(variance))))
    total = 1.0
    for turn in turns:
        term = turn**-asked
        for requests, head in zip(pooled, heads, strict=True):
            term *= (1 - head + head * turn) ** requests
        total += 2 * term.real
    chance = total / (1 + 2 * len(turns)) + ROUNDING
    tossed = sum([n * math.log1p(w * scale) for n, w in zip(pooled, weights, strict=True)])
    return math.log(chance / math.comb(both, asked)) + tossed - asked * math.log(scale)


def _heads(weights: Sequence[float], scale: float) -> list[float]:
    return [weight * scale / (1 + weight * scale) for weight in weights]


@lru_cache
def _turns(points: int) -> list[complex]:
    """So many points of the unit circle above the real axis, of all that divide it evenly."""
    return [cmath.rect(1, 2 * math.pi * k / (2 * points + 1)) for k in range(1, points + 1)]


def groups(above: Sequence[int], requests: int) -> Groups:
    """Requests per group, slowest first, from those above each level, the highest level first."""
    edges = (0, *above, requests)
    return tuple([more - less for less, more in pairwise(edges)])


def _dot(some: Sequence[float], more: Sequence[float]) -> float:
    return sum([one * other for one, other in zip(some, more, strict=True)])
