"""Moments to places on a line, with long stretches in which nothing runs cut short."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final

# A gap may take this share of the time in which something runs, before it is cut short.
GAP_SHARE: Final = 0.12
STEPS: Final = (
    *(1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200),
    *(14_400, 21_600, 43_200, 86_400, 172_800, 604_800, 2_592_000),
)


@dataclass(frozen=True)
class Break:
    """A gap that was cut short: its place and how many seconds it is."""

    x: float
    seconds: float


@dataclass(frozen=True)
class Scale:
    """anchors: (moment, place), rising; between two it is linear."""

    anchors: tuple[tuple[float, float], ...]
    breaks: tuple[Break, ...]

    def x(self, at: float) -> float:
        """The place of a moment (epoch seconds); what lies outside is at the nearer end."""
        for (t0, x0), (t1, x1) in pairwise(self.anchors):
            if at <= t1:
                part = (at - t0) / (t1 - t0) if t1 > t0 else 0.0
                return x0 + (x1 - x0) * min(max(part, 0.0), 1.0)
        return self.anchors[-1][1]

    def ticks(self, apart: float) -> list[tuple[float, float]]:
        """(moment, place) of round moments that stand at least so far apart, outside of breaks."""
        first, last = self.anchors[0][0], self.anchors[-1][0]
        slopes = [(x1 - x0) / (t1 - t0) for (t0, x0), (t1, x1) in pairwise(self.anchors) if t1 > t0]
        steepest = max(slopes, default=1.0)
        step = next((one for one in STEPS if one * steepest >= apart), STEPS[-1])
        found: list[tuple[float, float]] = []
        at = first - first % step + (step if first % step else 0)
        while at <= last:
            x = self.x(at)
            near_break = any(abs(x - one.x) < apart / 2 for one in self.breaks)
            if not near_break and (not found or x - found[-1][1] >= apart):
                found.append((at, x))
            at += step
        return found


def scale(stretches: Iterable[tuple[float, float]], left: float, right: float) -> Scale:
    """A scale from left to right on which each stretch (first, last epoch second) has its length.

    Raises ValueError without any stretch.
    """
    busy = _merged(sorted(stretches))
    if not busy:
        raise ValueError("there is no stretch of time to show")
    running = sum(end - start for start, end in busy) or 1.0
    limit = running * GAP_SHARE
    gaps = [b[0] - a[1] for a, b in pairwise(busy)]
    shown = [min(gap, limit) for gap in gaps]
    unit = (right - left) / (running + sum(shown))
    anchors, breaks, x = [], [], left
    for number, (start, end) in enumerate(busy):
        anchors.append((start, x))
        x += (end - start) * unit
        anchors.append((end, x))
        if number < len(shown):
            if gaps[number] > limit:
                breaks.append(Break(x + shown[number] * unit / 2, gaps[number]))
            x += shown[number] * unit
    anchors[-1] = (anchors[-1][0], right)
    return Scale(tuple(anchors), tuple(breaks))


def _merged(stretches: list[tuple[float, float]]) -> list[tuple[float, float]]:
    found: list[tuple[float, float]] = []
    for start, end in stretches:
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def clock(at: float, with_day: bool = False) -> str:
    """A moment as 09:57:18, in UTC; with its day 11-24 09:57."""
    moment = datetime.fromtimestamp(at, UTC)
    return f"{moment:%m-%d %H:%M}" if with_day else f"{moment:%H:%M:%S}"
