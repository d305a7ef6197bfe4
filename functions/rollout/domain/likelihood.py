"""How much one minute's counts speak for one rate or odds ratio and against another.

Natural logarithms of likelihood ratios: for one effect after the other, so that what they share is
computed once, and what does not change from minute to minute not again.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

# Below so many expected pairs of correlated requests a minute, binomials do, and are cheaper.
INDEPENDENT: Final = 1e-3


def independent(requests: int, phi: float) -> bool:
    """Whether so few requests are as good as independent."""
    return phi * (requests - 1) < INDEPENDENT


# While phi is what was declared or the least there is, the few requests that a tenant or a quiet
# service has are counts that were there before.
@lru_cache(maxsize=1024)
def absolutes(
    counts: tuple[int, ...], null: float, rates: tuple[float, ...], phi: float, least: float = 0.0
) -> tuple[float, ...]:
    """Per rate: the evidence of (events, requests) for it against "the rate is at most `null`".

    A likelihood ratio of beta-binomials with intra-minute correlation phi, so that errors that
    come in clumps are not taken for many. The factor's expectation is <= 1 for every count with a
    mean of at most `null` and a correlation of at most phi, provided rate >= null + phi. Rates of
    at most `least` are too near to the null to be bet on: 0.
    """
    events, requests = counts
    ok = requests - events
    if requests == 0:
        return (0.0,) * len(rates)
    if independent(requests, phi):
        binomials = _binomials(null, rates, least)
        return tuple([events * gain + ok * loss for gain, loss in binomials])
    # ln of B(events + a, ok + b) / B(a, b). a + b is the same for all, so ln gamma of the sums
    # cancels.
    betas = _betas(null, rates, least, phi)
    rising = [math.lgamma(ok + b) - log_b for _, b, _, log_b in betas]
    if events:
        rising = [
            log + (math.lgamma(events + a) - log_a)
            for log, (a, _, log_a, _) in zip(rising, betas, strict=True)
        ]
    base = rising[0]
    return tuple([log - base for log in rising[1:]])


@lru_cache(maxsize=256)
def _binomials(null: float, rates: tuple[float, ...], least: float) -> list[tuple[float, float]]:
    """Per rate: the evidence of one event, and of one request without."""
    return [
        (math.log(rate / null), math.log((1 - rate) / (1 - null))) if rate > least else (0.0, 0.0)
        for rate in rates
    ]


# The tenants have phi in common, and it seldom changes from one minute to the next.
@lru_cache(maxsize=64)
def _betas(
    null: float, rates: tuple[float, ...], least: float, phi: float
) -> list[tuple[float, float, float, float]]:
    """a and b of the beta distribution, and ln gamma of both: of the null, then per rate.

    A rate too near to the null has the null's, which makes its evidence 0.
    """
    size = 1 / phi - 1
    found = []
    for rate in (null, *rates):
        mean = rate if rate > least else null
        a, b = size * mean, size * (1 - mean)
        found.append((a, b, math.lgamma(a), math.lgamma(b)))
    return found


def relatives(
    candidate: tuple[int, ...], control: tuple[int, ...], odds: Sequence[float], phi: float
) -> Sequence[float]:
    """Per odds ratio: the evidence of one block for "the candidate's events are so many times as
    frequent as the control's", against "they are not more frequent".

    candidate, control: (events, requests) of the same minutes, in each of which every arm has a
    rate of its own, with the same mean and correlation phi. With c = phi / (1 - phi), an event of
    the candidate pays 1 + gain, one of the control 1 - loss. A beta-binomial's generating function
    is at most that of Poisson counts whose mean is gamma distributed, so the expectation is at most
    ((1 - c asked gain) (1 + c asked_control loss)) ** (-mean / c), whatever the mean; it is 1 for
    the loss below, which for phi = 0 makes the likelihood ratio of binomials, given how many events
    there were. The gain is the one whose evidence grows fastest at these odds.
    """
    (bad, asked), (bad_control, asked_control) = candidate, control
    if asked == 0 or asked_control == 0 or bad + bad_control == 0:
        return [0.0] * len(odds)
    ratio, clump = asked / asked_control, asked * phi / (1 - phi)
    found = []
    for one in odds:
        linear = one * (2 * clump + ratio) + 1
        square = one * clump * (clump + ratio)
        gain = 2 * (one - 1) / (linear + math.sqrt(linear**2 - 4 * square * (one - 1)))
        loss = ratio * gain / (1 - clump * gain)
        found.append(bad * math.log1p(gain) + bad_control * math.log1p(-loss))
    return found
