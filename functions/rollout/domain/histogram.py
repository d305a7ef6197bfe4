"""Histograms of latencies: of one minute, and one in which the past fades."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

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


def quantiles(upto: Sequence[float], masses: Sequence[float]) -> tuple[int, ...]:
    """For each mass the first bucket up to which there is as much.

    upto: what is in each bucket and those before it.
    """
    return tuple([min(bisect_left(upto, mass), len(upto) - 1) for mass in masses])
