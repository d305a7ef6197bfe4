"""The Mann-Whitney interval for a shift between two samples, as Kayenta computes it.

W(shift) is the standardised rank sum of x - shift among y, with mid-ranks, ties in the variance and
a correction for continuity towards zero. The interval are the shifts at which it crosses z and -z,
the estimate where it crosses zero; all within [min x - max y, max x - min y].
"""

from statistics import NormalDist
from typing import Final

import numpy as np

from benchmarks.decision.latency import Floats
from benchmarks.decision.rivals.brent import root

TOLERANCE: Final = 1e-4


def standardised(x: Floats, y: Floats, shift: float, correct: bool = True) -> float:
    """W: large where x - shift lies above y."""
    moved, ordered = x - shift, np.sort(y)
    below = np.searchsorted(ordered, moved, side="left").sum()
    not_above = np.searchsorted(ordered, moved, side="right").sum()
    distance = (below + not_above) / 2 - len(x) * len(y) / 2
    correction = 0.5 * np.sign(distance) if correct else 0.0
    return float((distance - correction) / _spread(moved, y))


def _spread(x: Floats, y: Floats) -> float:
    n, m = len(x), len(y)
    both = n + m
    _, counts = np.unique(np.concatenate([x, y]), return_counts=True)
    ties = float((counts.astype(float) ** 3 - counts).sum())
    variance = n * m / 12 * ((both + 1) - ties / (both * (both - 1)))
    return float(np.sqrt(variance)) if variance > 0 else np.inf


def interval(x: Floats, y: Floats, confidence: float) -> tuple[float, float, float]:
    """(low, estimate, high) of the shift from y to x."""
    z = NormalDist().inv_cdf(1 - (1 - confidence) / 2)
    return (
        _crossing(x, y, z, correct=True),
        _crossing(x, y, 0.0, correct=False),
        _crossing(x, y, -z, correct=True),
    )


def _crossing(x: Floats, y: Floats, level: float, correct: bool) -> float:
    """The shift at which W falls through `level`."""
    low, high = float(x.min() - y.max()), float(x.max() - y.min())
    if standardised(x, y, low, correct) <= level:
        return low
    if standardised(x, y, high, correct) >= level:
        return high
    return root(lambda shift: standardised(x, y, shift, correct) - level, low, high, TOLERANCE)
