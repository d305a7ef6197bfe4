"""A root of a function of one variable by Brent's method.

R. P. Brent (1973), "Algorithms for Minimization without Derivatives", chapter 4: inverse quadratic
interpolation or a secant where they make progress, otherwise halving. What it returns at a step,
which has no root, matters for ties: the side on which the function is closer to zero.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

MOST_STEPS: Final = 1000


@dataclass
class _Bracket:
    """The best point, the one before it, and the one on the other side of the root."""

    best: float
    f_best: float
    last: float
    f_last: float
    other: float
    f_other: float


def root(function: Callable[[float], float], low: float, high: float, tolerance: float) -> float:
    """A point within `tolerance` of a change of sign between low and high."""
    f_low, f_high = function(low), function(high)
    if f_low == 0:
        return low
    at = _Bracket(high, f_high, low, f_low, low, f_low)
    for _ in range(MOST_STEPS):
        before = at.best - at.last
        if abs(at.f_other) < abs(at.f_best):
            at = _Bracket(at.other, at.f_other, at.best, at.f_best, at.best, at.f_best)
        least = 2 * sys.float_info.epsilon * abs(at.best) + tolerance / 2
        half = (at.other - at.best) / 2
        if abs(half) <= least or at.f_best == 0:
            break
        step = _step(at, before, half, least)
        if abs(step) < least:
            step = least if step > 0 else -least
        at.last, at.f_last = at.best, at.f_best
        at.best += step
        at.f_best = function(at.best)
        if (at.f_best > 0) == (at.f_other > 0):
            at.other, at.f_other = at.last, at.f_last
    return at.best


def _step(at: _Bracket, before: float, half: float, least: float) -> float:
    """How far to go from the best point: by interpolation if that is safe and worth it."""
    if abs(before) < least or abs(at.f_last) <= abs(at.f_best):
        return half
    width = 2 * half
    if at.last == at.other:
        slope = at.f_best / at.f_last
        p, q = width * slope, 1 - slope
    else:
        q, t1, t2 = at.f_last / at.f_other, at.f_best / at.f_other, at.f_best / at.f_last
        p = t2 * (width * q * (q - t1) - (at.best - at.last) * (t1 - 1))
        q = (q - 1) * (t1 - 1) * (t2 - 1)
    p, q = (p, -q) if p > 0 else (-p, q)
    if p < 0.75 * width * q - abs(least * q) / 2 and p < abs(before * q / 2):
        return p / q
    return half
