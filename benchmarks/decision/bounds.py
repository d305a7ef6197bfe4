"""How far a share observed in simulation may be from the truth."""

import math
from collections.abc import Callable

HALVINGS = 60


def first_at_most(
    most: float,
    falling: Callable[[float], float],
    low: float,
    high: float,
    halvings: int = HALVINGS,
) -> float:
    """The least argument between the two at which a falling function is at most so much."""
    for _ in range(halvings):
        middle = (low + high) / 2
        if falling(middle) > most:
            low = middle
        else:
            high = middle
    return high


def upper_bound(events: int, trials: int, doubt: float) -> float:
    """The largest share not contradicted: that few events have at least the chance `doubt`."""
    if events >= trials:
        return 1.0
    return first_at_most(doubt, lambda share: _at_most(events, trials, share), events / trials, 1.0)


def _at_most(events: int, trials: int, share: float) -> float:
    """The chance of at most so many events, 0 < share < 1."""
    yes, no = math.log(share), math.log1p(-share)
    return math.fsum(
        math.exp(_log_choices(trials, k) + k * yes + (trials - k) * no) for k in range(events + 1)
    )


def _log_choices(trials: int, chosen: int) -> float:
    rest = trials - chosen
    return math.lgamma(trials + 1) - math.lgamma(chosen + 1) - math.lgamma(rest + 1)
