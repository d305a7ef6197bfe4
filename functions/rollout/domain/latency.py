"""From latency histograms to slow requests: "p95 within 15 %" as a count.

Slow is, for the control, above its own recent p95 x; for the candidate, above `tolerance` times x.
So "the candidate's p95 is at most 15 % higher" becomes "at most 5 % of its requests are slow", a
rate that can be tested exactly. Lower levels say the same of the body of the distribution, where a
shift of all requests shows long before it shows in the tail.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

LEVEL: Final = 0.95
BODY: Final = (0.8, 0.5)
LEVELS: Final = (LEVEL, *BODY)
# Requests the reference remembers, and those the comparison of the two arms' p95 remembers.
MEMORY: Final = 2000
RECENT: Final = 500
RECENT_MINUTES: Final = 6
# Once no control is left, it is taken to have been as slow as in the slowest third of its minutes.
FROZEN: Final = 0.7
Pairs = Iterable[Sequence[int]]


@dataclass
class Reference:
    """The control's recent latencies, and both arms' latest ones, as forgetting histograms.

    ratio: width of a bucket, upper over lower edge. tolerance, limit: the ratios of p95 that are
    tolerated and that call for somebody. cutoffs: the buckets above which the control is slow, at
    each of LEVELS, read on the upper side of the estimate, so that its error does not count as
    harm; above the last bucket, where nothing is, while nothing is known.
    """

    ratio: float
    buckets: int
    tolerance: float
    limit: float
    known: list[float] = field(default_factory=list)
    recent: list[list[float]] = field(default_factory=list)
    usual: list[float] = field(default_factory=list)
    cutoffs: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        self.known = self.known or [0.0] * self.buckets
        self.cutoffs = self.cutoffs or (self.buckets,) * len(LEVELS)
        self.usual = self.usual or [0.0] * (self.buckets + 1)
        self.recent = self.recent or [[0.0] * self.buckets, [0.0] * self.buckets]

    def _cutoffs(self) -> tuple[int, ...]:
        total = sum(self.known)
        if total < 1:
            return self.cutoffs
        return _quantiles(self.known, [_upper(level, total) * total for level in LEVELS])

    def frozen(self) -> int:
        """The cut-off to go by at full exposure, where load can no longer be told from harm.

        The last minutes before it may have been quiet ones.
        """
        total = sum(self.usual)
        return _quantiles(self.usual, [FROZEN * total])[0] if total else self.buckets

    def shift(self, ratio: float) -> int:
        """A ratio of latencies, in whole buckets, rounded up."""
        return math.ceil(math.log(ratio) / math.log(self.ratio) - 1e-9)

    def see(self, control: Pairs, candidate: Pairs) -> None:
        """One minute's [bucket, count] pairs."""
        asked = sum(count for _, count in control)
        _forget(self.known, math.exp(-asked / MEMORY))
        _add(self.known, control)
        self.cutoffs = self._cutoffs()
        if asked:
            self.usual[self.cutoffs[0]] += 1
        answered = sum(count for _, count in candidate)
        if asked and answered:
            keep = math.exp(-answered / max(RECENT, RECENT_MINUTES * answered))
            # Every minute weighs alike in both arms, or a storm in one of them would be compared
            # with calm in the other.
            for histogram, pairs, weight in zip(
                self.recent, (control, candidate), (answered / asked, 1.0), strict=True
            ):
                _forget(histogram, keep)
                _add(histogram, pairs, weight)

    def slower(self) -> bool:
        """Whether the candidate's p95 of late is above `limit` times the control's."""
        totals = [sum(histogram) for histogram in self.recent]
        if min(totals) < 1:
            return False
        control, candidate = (
            _quantiles(histogram, [LEVEL * total])[0]
            for histogram, total in zip(self.recent, totals, strict=True)
        )
        return candidate - control >= math.log(self.limit) / math.log(self.ratio)


def above(pairs: Pairs, bucket: int) -> int:
    """Requests in buckets above this one."""
    return sum([count for index, count in pairs if index > bucket])


def _upper(level: float, total: float) -> float:
    return min(0.999, level + 1.5 * math.sqrt(level * (1 - level) / (1.5 * total)))


def _quantiles(histogram: Sequence[float], masses: Sequence[float]) -> tuple[int, ...]:
    """For each mass the first bucket up to which there is as much."""
    upto = list(accumulate(histogram))
    return tuple(min(bisect_left(upto, mass), len(upto) - 1) for mass in masses)


def _forget(histogram: list[float], keep: float) -> None:
    if keep < 1:
        histogram[:] = [count * keep for count in histogram]


def _add(histogram: list[float], pairs: Pairs, weight: float = 1.0) -> None:
    for bucket, count in pairs:
        histogram[bucket] += weight * count
