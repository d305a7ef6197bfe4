"""How much one minute's counts speak for one rate or odds ratio and against another.

Natural logarithms of likelihood ratios: for one effect after the other, so that what they share is
computed once, and what does not change from minute to minute not again.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

# The hypergeometric is summed up for so few events or requests of the candidate, among so few of
# both arms; beyond, the binomial that bounds it is as good.
FEW, FEW_OF_BOTH = 20, 150
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
    """Per odds ratio: the evidence of one block for "the candidate's odds are so many times the
    control's", against "they are not the worse ones".

    candidate, control: (events, requests) of the same minutes. Given how many events there were in
    both arms, the candidate's are hypergeometric while the arms are alike, and fewer while its odds
    are the better ones (Fisher's conditional argument); a binomial is wider than that. Correlation
    tempers the factor, which keeps its expectation <= 1 (Jensen).
    """
    (bad, asked), (bad_control, asked_control) = candidate, control
    events, requests = bad + bad_control, asked + asked_control
    if asked == 0 or asked_control == 0 or events == 0:
        return [0.0] * len(odds)
    tempered = 1 + (asked - 1) * phi
    if requests <= FEW_OF_BOTH and min(events, asked) <= FEW:
        means = _log_means(events, asked, asked_control, tuple(odds))
    else:
        means = [events * math.log((one * asked + asked_control) / requests) for one in odds]
    return [(bad * math.log(one) - mean) / tempered for one, mean in zip(odds, means, strict=True)]


# A quiet service has the same few counts again and again.
@lru_cache(maxsize=1024)
def _log_means(events: int, asked: int, asked_control: int, odds: tuple[float, ...]) -> list[float]:
    """Per odds ratio: ln of the mean of odds ** k, over the k of so many events that fall on so
    many requests of both arms' when the arms are alike (the hypergeometric distribution).
    """
    least, most = max(0, events - asked_control), min(events, asked)
    weights = [1.0]
    for k in range(least, most):
        step = (asked - k) * (events - k) / ((k + 1) * (asked_control - events + k + 1))
        weights.append(weights[-1] * step)
    total = sum(weights)
    return [
        least * math.log(one)
        + math.log(sum([weight * one**k for k, weight in enumerate(weights)]) / total)
        for one in odds
    ]
