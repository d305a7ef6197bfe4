"""Exact one-sided confidence bounds for a rate, from counts.

Clopper & Pearson (1934), "The use of confidence or fiducial limits illustrated in the case of the
binomial", through the regularised incomplete beta function (continued fraction by Lentz's method;
Press et al., Numerical Recipes, section 6.4). Valid at every sample size, also for rare events.
"""

import math
from typing import Final

STEPS: Final = 400
TINY: Final = 1e-300
HALVINGS: Final = 70


def upper_bound(events: int, requests: int, error: float) -> float:
    """The largest rate not contradicted by the counts: P(rate above it is this lucky) <= error.

    Returns 1.0 without requests. Raises ValueError for counts that are no counts.
    """
    _check(events, requests)
    if events == requests:
        return 1.0
    if events == 0:
        return -math.expm1(math.log(error) / requests)
    # P(X <= k | p) = 1 - I_p(k + 1, n - k)
    return _solve(events + 1, requests - events, 1 - error)


def lower_bound(events: int, requests: int, error: float) -> float:
    """The smallest rate not contradicted by the counts: P(rate below it is this bad) <= error.

    Returns 0.0 without events. Raises ValueError for counts that are no counts.
    """
    _check(events, requests)
    if events == 0:
        return 0.0
    if events == requests:
        return math.exp(math.log(error) / requests)
    # P(X >= k | p) = I_p(k, n - k + 1)
    return _solve(events, requests - events + 1, error)


def requests_needed(events: int, rate: float, error: float) -> int:
    """The fewest requests, `events` of them bad, whose upper bound is at most `rate`.

    149 for 0 events, 2 % and error 0.05. Raises ValueError unless 0 < rate < 1.
    """
    if not 0 < rate < 1:
        raise ValueError(f"rate is {rate!r}; expected between 0 and 1, both excluded")
    low, high = events, events + 1
    while upper_bound(events, high, error) > rate:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if upper_bound(events, middle, error) > rate:
            low = middle
        else:
            high = middle
    return high


def events_needed(requests: int, rate: float, error: float) -> int:
    """The fewest events among `requests` whose lower bound exceeds `rate`; requests + 1 if none."""
    low, high = 0, requests + 1
    while high - low > 1:
        middle = (low + high) // 2
        if lower_bound(middle, requests, error) > rate:
            high = middle
        else:
            low = middle
    return high


def _check(events: int, requests: int) -> None:
    if not 0 <= events <= requests:
        raise ValueError(f"{events} of {requests}; expected 0 <= events <= requests")


def _solve(a: float, b: float, target: float) -> float:
    """p with I_p(a, b) = target, by bisection: the function is increasing in p."""
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if _incomplete_beta(a, b, middle) < target:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """Regularised I_x(a, b) for a, b > 0 and 0 <= x <= 1."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    log_front = (
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    # The fraction converges fast below the mean; above it, use the symmetry.
    if x < (a + 1) / (a + b + 2):
        return math.exp(log_front) * _fraction(a, b, x) / a
    return 1 - math.exp(log_front) * _fraction(b, a, 1 - x) / b


def _fraction(a: float, b: float, x: float) -> float:
    c, d = 1.0, _safe(1 - (a + b) * x / (a + 1))
    d = 1 / d
    value = d
    for m in range(1, STEPS + int(math.sqrt(max(a, b)))):
        for numerator in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / _safe(1 + numerator * d)
            c = _safe(1 + numerator / c)
            value *= d * c
        if abs(d * c - 1) < 1e-14:
            break
    return value


def _safe(value: float) -> float:
    return value if abs(value) > TINY else TINY
