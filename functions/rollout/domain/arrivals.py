"""How long until so many more requests have come, and how sure that is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, variance
from typing import Final

# Fewer periods say nothing about how much the counts vary from one to the next.
LEAST_PERIODS: Final = 8
HALVINGS: Final = 40
TERMS: Final = 10_000
TINY: Final = 1e-300
PRECISE: Final = 1e-12


@dataclass(frozen=True)
class Wait:
    """Seconds: the middle of what is to be expected, and the bounds of the chance asked for."""

    likely: float
    soonest: float
    latest: float


NONE: Final = Wait(0.0, 0.0, 0.0)


def wait(
    needed: int, counts: Sequence[int], period_seconds: float, chance: float = 0.9
) -> Wait | None:
    """The time that `needed` more requests take, from the counts of the periods so far.

    The rate is taken for steady and is known from the counts only (Jeffreys' prior): the number of
    requests in a time to come is then negative binomial, and the wait for the k-th of them follows
    a beta prime distribution. Where the counts vary more than Poisson's do, so much less is known.
    chance: that the wait lies within the bounds. None while no request has come.

    Source: Gelman et al., Bayesian Data Analysis, 3rd edition, section 2.6.
    """
    if needed <= 0:
        return NONE
    seen, spent = sum(counts), len(counts) * period_seconds
    if seen <= 0 or spent <= 0:
        return None
    clump = dispersion(counts)
    shape, size = needed / clump, seen / clump + 0.5
    tail = (1 - chance) / 2
    soonest, likely, latest = (spent * _ratio(shape, size, p) for p in (tail, 0.5, 1 - tail))
    return Wait(likely, soonest, latest)


def dispersion(counts: Sequence[int]) -> float:
    """Variance over mean of the counts, at least 1; 1 where there are too few to tell."""
    if len(counts) < LEAST_PERIODS or not any(counts):
        return 1.0
    return max(1.0, variance(counts) / fmean(counts))


def _ratio(shape: float, size: float, probability: float) -> float:
    """The quantile of a beta prime distribution."""
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if incomplete_beta(shape, size, middle) < probability:
            low = middle
        else:
            high = middle
    return high / (1 - high) if high < 1 else math.inf


def incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function I_x(a, b), for a, b > 0 and x in 0..1.

    Source: NIST Digital Library of Mathematical Functions, 8.17.22 (a continued fraction), by
    Lentz's method.
    """
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    # The fraction converges fast on this side of the mean; the other side is its mirror.
    if x > (a + 1) / (a + b + 2):
        return 1 - incomplete_beta(b, a, 1 - x)
    log = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    log += a * math.log(x) + b * math.log1p(-x)
    return math.exp(log) * _fraction(a, b, x) / a


def _fraction(a: float, b: float, x: float) -> float:
    c, d = 1.0, 1 / _apart(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / _apart(1 + term * d)
            c = _apart(1 + term / c)
            value *= c * d
        if abs(c * d - 1) < PRECISE:
            break
    return value


def _apart(value: float) -> float:
    """From zero, by which it is divided."""
    return value if abs(value) > TINY else TINY
