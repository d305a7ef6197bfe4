"""From latency histograms to slow requests: "p95 within 15 %" as a count.

Slow is, for the control, above its own recent p95 x; for the candidate, above `tolerance` times x.
So "the candidate's p95 is at most 15 % higher" becomes "at most 5 % of its requests are slow", a
rate that can be tested exactly. Lower levels say the same of the body of the distribution, where a
shift of all requests shows long before it shows in the tail.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

LEVEL: Final = 0.95
BODY: Final = (0.8, 0.6, 0.4, 0.2)
LEVELS: Final = (LEVEL, *BODY)
# Requests the reference remembers, and those the comparison of the two arms' p95 remembers.
MEMORY: Final = 2000
RECENT: Final = 500
RECENT_MINUTES: Final = 6
# So many minutes of one arm at most wait for the other to have answered as well.
WAITING: Final = 60
# Once no control is left, it is taken to have been as slow as in the slowest third of its minutes.
FROZEN: Final = 0.7
# Far from the least and the largest float: an age by which nothing is left, and a weight.
OLDEST: Final = 200.0
HEAVIEST: Final = 1e100


@dataclass(frozen=True)
class Latencies:
    """One arm's minute: the buckets it has requests in, rising, and how many in each.

    upto: the requests in the first so many of these buckets, from none of them to all.
    """

    buckets: Sequence[int]
    counts: Sequence[int]
    upto: Sequence[int]

    @property
    def total(self) -> int:
        """All requests that were timed."""
        return self.upto[-1]

    def above(self, bucket: int) -> int:
        """Requests in buckets above this one."""
        return self.upto[-1] - self.upto[bisect_right(self.buckets, bucket)]


def latencies(buckets: Sequence[int], counts: Sequence[int]) -> Latencies:
    """So many requests in each of these buckets, which may be in any order."""
    if list(buckets) != sorted(buckets):
        buckets, counts = zip(*sorted(zip(buckets, counts, strict=True)), strict=True)
    return Latencies(buckets, counts, list(accumulate(counts, initial=0)))


NO_LATENCIES: Final = latencies((), ())


@dataclass
class Fading:
    """A histogram in which a request counts for less the longer ago it was.

    weight: what a request counts for now. It grows, which spares making everything that is there
    smaller every minute. weighed: the sum of all buckets.
    """

    buckets: list[float]
    weight: float = 1.0
    weighed: float = 0.0

    def add(self, found: Latencies, age: float, share: float = 1.0) -> None:
        """One more minute, after which all before it counts for e^-age of what it did.

        share: what a request of this minute counts for.
        """
        if self.weighed:
            self.weight *= math.exp(min(age, OLDEST))
        if self.weight > HEAVIEST:
            self.buckets = [weighed / self.weight for weighed in self.buckets]
            self.weighed, self.weight = self.weighed / self.weight, 1.0
        buckets, weight = self.buckets, share * self.weight
        for bucket, count in zip(found.buckets, found.counts, strict=True):
            buckets[bucket] += weight * count
        self.weighed += weight * found.total

    @property
    def requests(self) -> float:
        """How many requests of now all that is there counts for."""
        return self.weighed / self.weight


@dataclass
class Reference:
    """The control's recent latencies, and both arms' latest ones, as fading histograms.

    ratio: width of a bucket, upper over lower edge. tolerance, limit: the ratios of p95 that are
    tolerated and that call for somebody. cutoffs: the buckets above which the control is slow, at
    each of LEVELS, read on the upper side of the estimate, so that its error does not count as
    harm; above the last bucket, where nothing is, while nothing is known.
    """

    ratio: float
    buckets: int
    tolerance: float
    limit: float
    cutoffs: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        self.cutoffs = self.cutoffs or (self.buckets,) * len(LEVELS)
        self._known, *self._recent = (Fading([0.0] * self.buckets) for _ in range(3))
        # In how many minutes each bucket was the first of the cut-offs.
        self._usual = [0] * (self.buckets + 1)
        self._frozen: int | None = None
        self._late = 0
        self._waiting: tuple[list[Latencies], list[Latencies]] = ([], [])

    def _cutoffs(self) -> tuple[int, ...]:
        total = self._known.requests
        if total < 1:
            return self.cutoffs
        weighed = self._known.weighed
        return _quantiles(self._known.buckets, [_upper(level, total) * weighed for level in LEVELS])

    def frozen(self) -> int:
        """The cut-off to go by at full exposure, where load can no longer be told from harm.

        The last minutes before it may have been quiet ones.
        """
        if self._frozen is None:
            total = sum(self._usual)
            self._frozen = _quantiles(self._usual, [FROZEN * total])[0] if total else self.buckets
        return self._frozen

    def shift(self, ratio: float) -> int:
        """A ratio of latencies, in whole buckets, rounded up."""
        return math.ceil(math.log(ratio) / math.log(self.ratio) - 1e-9)

    def see(self, control: Latencies, candidate: Latencies) -> None:
        """One minute."""
        if control.total:
            self._known.add(control, control.total / MEMORY)
            self.cutoffs = self._cutoffs()
            self._usual[self.cutoffs[0]] += 1
            self._frozen = None
        self._compare(control, candidate)

    def _compare(self, control: Latencies, candidate: Latencies) -> None:
        """Add to `recent` what came in since both arms last had something to compare.

        At a few requests an hour they hardly ever have in the same minute. Such a stretch weighs
        alike in both arms, or a storm in one of them would be compared with calm in the other.
        """
        for waiting, found in zip(self._waiting, (control, candidate), strict=True):
            if found.total:
                waiting.append(found)
                del waiting[:-WAITING]
        if not all(self._waiting):
            return
        asked, answered = (sum(one.total for one in waiting) for waiting in self._waiting)
        age = answered / max(RECENT, RECENT_MINUTES * answered)
        for recent, waiting, share in zip(
            self._recent, self._waiting, (answered / asked, 1.0), strict=True
        ):
            for index, found in enumerate(waiting):
                recent.add(found, 0.0 if index else age, share)
            waiting.clear()

    def slower(self) -> bool:
        """Whether the candidate's p95 of late is above `limit` times the control's."""
        control, candidate = self._recent
        if control.requests < 1 or candidate.requests < 1:
            return False
        mass, below = LEVEL * control.weighed, sum(control.buckets[: self._late])
        # Most often the control's p95 is where it was, and need not be looked for.
        if not below < mass <= below + control.buckets[self._late]:
            (self._late,) = _quantiles(control.buckets, [mass])
        # The candidate's lies in this bucket or above where less than 95 % lies below it.
        first = self._late + math.ceil(math.log(self.limit) / math.log(self.ratio))
        return sum(candidate.buckets[:first]) < LEVEL * candidate.weighed


def _upper(level: float, total: float) -> float:
    return min(0.999, level + 1.5 * math.sqrt(level * (1 - level) / (1.5 * total)))


def _quantiles(histogram: Sequence[float], masses: Sequence[float]) -> tuple[int, ...]:
    """For each mass the first bucket up to which there is as much."""
    upto = list(accumulate(histogram))
    return tuple([min(bisect_left(upto, mass), len(upto) - 1) for mass in masses])
