"""What has been proven harmless so far: e-values against "the rate is still too high", and
intervals that hold at every look.
"""

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Final

# The certificate bets on rates this many times below the bound at once.
DIVISORS: Final = (1.5, 2.5, 5.0, 12.0, 40.0)
# What of the stake is on each of them.
Stakes = tuple[float, ...]
EVEN: Final[Stakes] = (1 / len(DIVISORS),) * len(DIVISORS)
# The part that stays even, whatever was seen before: the next phase may be another matter.
KEPT_EVEN: Final = 0.1
HALVINGS: Final = 60
MOST: Final = 10**9


def certificate(
    events: float,
    requests: float,
    bound: float,
    design: float = 1.0,
    stakes: Stakes = EVEN,
) -> float:
    """The e-value against "the rate is at least `bound`"; >= 1/beta certifies the contrary.

    A reversed likelihood ratio, mixed over rates below the bound, so it may be asked at every look
    (Ville's inequality). design >= 1 is the design effect 1 + (n - 1) phi of clumped events, by
    which the evidence is tempered. Counts may be discounted, so they need not be whole. stakes:
    chosen before the first of these requests.
    """
    if requests <= 0:
        return 1.0
    ok = requests - events
    total = 0.0
    for stake, (loss, gain) in zip(stakes, _slopes(bound), strict=True):
        total += stake * math.exp(min((events * loss + ok * gain) / design, 300.0))
    return total


def stakes_after(events: float, requests: float, bound: float) -> Stakes:
    """The stakes for requests to come, after so many events: most is on the likeliest rate.

    They are chosen before what they are staked on is seen, so the certificate stays one.
    """
    ok = requests - events
    logs = [events * loss + ok * gain for loss, gain in _slopes(bound)]
    best = max(logs)
    found = [math.exp(log - best) for log in logs]
    chosen = (1 - KEPT_EVEN) / sum(found)
    return tuple([KEPT_EVEN * even + chosen * one for even, one in zip(EVEN, found, strict=True)])


@lru_cache(maxsize=64)
def _slopes(bound: float) -> list[tuple[float, float]]:
    """Per divisor: the evidence of one event, and of one request without."""
    return [
        (-math.log(divisor), math.log((1 - bound / divisor) / (1 - bound))) for divisor in DIVISORS
    ]


def clean_requests_needed(
    events: float,
    requests: float,
    bound: float,
    beta: float,
    design: float = 1.0,
    stakes: Stakes = EVEN,
) -> int:
    """How many more clean requests certify the bound; 0 when it is certified."""

    def short(more: int) -> bool:
        return certificate(events, requests + more, bound, design, stakes) < 1 / beta

    if not short(0):
        return 0
    low, high = 0, 1
    while short(high) and high < MOST:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if short(middle):
            low = middle
        else:
            high = middle
    return high


def interval(events: int, requests: int, error: float) -> tuple[float, float]:
    """Bounds (low, high) that contain the rate at every look, except with chance `error`.

    The rates that a Beta(1/2, 1/2) mixture has not outbid 1/error to one (Robbins 1970; Howard et
    al., arXiv 1810.08240). For independent requests.
    """
    if requests == 0:
        return 0.0, 1.0
    ok = requests - events
    mixture = math.lgamma(events + 0.5) + math.lgamma(ok + 0.5) - math.lgamma(requests + 1)
    limit = mixture - math.log(math.pi) + math.log(error)
    centre = events / requests

    def refuted(rate: float) -> bool:
        log = events * math.log(rate) if events else 0.0
        log += ok * math.log1p(-rate) if ok else 0.0
        return log < limit

    low = _edge(refuted, 0.0, centre) if events else 0.0
    high = _edge(refuted, 1.0, centre) if ok else 1.0
    return low, high


def _edge(refuted: Callable[[float], bool], outside: float, inside: float) -> float:
    """Where refuted() turns, between a rate that is refuted and one that is not."""
    for _ in range(HALVINGS):
        middle = (outside + inside) / 2
        if refuted(middle):
            outside = middle
        else:
            inside = middle
    return outside
