"""When requests arrive and whose they are: a recorded or generated trace, replayed at a speed."""

import math
import random
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from statistics import NormalDist, median_low
from typing import Final

from ops.local.traffic_csv import read_rows
from rollout.adapters.users_control import PREFIX
from rollout.domain.errors import InvalidInputError

INTERVAL_S: Final = 300
DAY_S: Final = 86_400
SEED: Final = 20140410
# Published character of a load balancer's counts in five-minute intervals.
MEDIAN, P95, LEAST, MOST = 48, 170, 1, 656
# The counts are log-normal on either side of the median: above it fitted to the 95th percentile,
# below it to a minimum of 1 in two weeks.
SPREAD_ABOVE: Final = math.log(P95 / MEDIAN) / NormalDist().inv_cdf(0.95)
SPREAD_BELOW: Final = 1.3
PEAK_S: Final = 17 * 3600
DAILY_SWING: Final = 0.6
MEMORY: Final = 0.3
BURST_CHANCE, BURST_SIZE, BURST_DECAY = 0.01, 2.5, 0.5
# Web requests by popularity follow Zipf with exponents of 0.6 to 0.8: at 0.7 the most active of
# 10,000 users makes 2 % of the requests, the first hundred together 21 %.
ZIPF_EXPONENT: Final = 0.7


@dataclass(frozen=True)
class Interval:
    """A stretch of a trace: seconds since the trace began, its length in seconds, its count."""

    start_s: float
    length_s: float
    requests: int

    @property
    def end_s(self) -> float:
        return self.start_s + self.length_s


def read_csv(path: Path) -> list[Interval]:
    """A recorded trace: CSV with the columns `timestamp` (ISO 8601) and `value` (a count).

    A timestamp is the start of its interval; without a zone it is UTC. The usual spacing (the
    median) is the length of an interval; one that the next begins before then is shorter. Where
    intervals are missing nothing arrives, for as long as the gap lasted: see `gaps`.

    Raises InvalidInputError naming file, line, column and value.
    """
    rows = read_rows(path)
    spacings = [later.time_s - row.time_s for row, later in pairwise(rows)]
    usual = median_low(spacings)
    begin = rows[0].time_s
    return [
        Interval(row.time_s - begin, min(usual, spacing), row.requests)
        for row, spacing in zip(rows, [*spacings, usual], strict=True)
    ]


def gaps(trace: Sequence[Interval]) -> list[tuple[float, float]]:
    """The stretches no interval covers, as (start, length) in seconds."""
    return [
        (before.end_s, after.start_s - before.end_s)
        for before, after in pairwise(trace)
        if after.start_s > before.end_s
    ]


def generate(seed: int = SEED, intervals: int = 4032) -> list[Interval]:
    """A trace of our own, five minutes an interval, from midnight on.

    The order comes from a daily rhythm, short memory and bursts; the counts themselves from the
    published distribution, so that any seed has its median, 95th percentile and, from about two
    days on, its maximum. Raises InvalidInputError for fewer than one interval.
    """
    if intervals < 1:
        raise InvalidInputError(field="intervals", value=intervals, expected="1 or more")
    pressure = _pressure(random.Random(seed), intervals)
    counts = [0] * intervals
    for rank, index in enumerate(sorted(range(intervals), key=pressure.__getitem__)):
        counts[index] = _count_at((rank + 0.5) / intervals)
    if intervals * INTERVAL_S >= 2 * DAY_S:
        counts[max(range(intervals), key=pressure.__getitem__)] = MOST
    return [
        Interval(float(index * INTERVAL_S), float(INTERVAL_S), count)
        for index, count in enumerate(counts)
    ]


def _pressure(chance: random.Random, intervals: int) -> list[float]:
    """How busy each interval is, in no unit: only the order matters."""
    values, noise, burst = [], 0.0, 0.0
    for index in range(intervals):
        day = DAILY_SWING * math.cos(2 * math.pi * (index * INTERVAL_S - PEAK_S) / DAY_S)
        noise = MEMORY * noise + math.sqrt(1 - MEMORY**2) * chance.gauss(0, 1)
        burst *= BURST_DECAY
        if chance.random() < BURST_CHANCE:
            burst += BURST_SIZE
        values.append(day + noise + burst)
    return values


def _count_at(quantile: float) -> int:
    z = NormalDist().inv_cdf(quantile)
    count = MEDIAN * math.exp(z * (SPREAD_ABOVE if z > 0 else SPREAD_BELOW))
    return min(max(round(count), LEAST), MOST)


def arrivals(
    trace: Sequence[Interval], speed: float, seed: int, start_s: float = 0
) -> Iterator[float]:
    """Seconds from now at which requests arrive: strictly rising, without end.

    Each recorded request arrives once, uniformly within its interval: a Poisson process given
    the recorded counts. `speed` is recorded seconds per second; `start_s` is where in the trace
    to begin. The trace begins again when it ends, with other moments within the intervals.

    Raises InvalidInputError for a speed of 0 or less, and for a trace without a request.
    """
    if not (math.isfinite(speed) and speed > 0):
        raise InvalidInputError(field="speed", value=speed, expected="more than 0")
    if not any(interval.requests for interval in trace):
        raise InvalidInputError(field="traffic", value=0, expected="at least one request")
    origin, period = trace[0].start_s, trace[-1].end_s - trace[0].start_s
    return _replay(trace, period, speed, random.Random(seed), -(origin + start_s % period))


def _replay(
    trace: Sequence[Interval], period: float, speed: float, chance: random.Random, shift: float
) -> Iterator[float]:
    last = -math.inf
    while True:
        for interval in trace:
            for moment in _moments(interval, chance):
                offset = (moment + shift) / speed
                if offset >= 0:
                    last = max(offset, math.nextafter(last, math.inf))
                    yield last
        shift += period


def _moments(interval: Interval, chance: random.Random) -> Iterator[float]:
    """Uniform moments in rising order, one at a time, so that no count is too large to hold."""
    position = 0.0
    for left in range(interval.requests, 0, -1):
        # The smallest of `left` uniform moments in what remains of the interval.
        position += (1 - position) * (1 - (1 - chance.random()) ** (1 / left))
        yield interval.start_s + position * interval.length_s


class Visitors:
    """An endless iterator of user ids: a few users make many requests.

    The k-th most active user's share is proportional to k ** -exponent. Which user that is, is
    shuffled: an id's number says nothing about its activity. One thread at a time.
    """

    def __init__(self, users: int, seed: int, exponent: float = ZIPF_EXPONENT) -> None:
        if users < 1:
            raise InvalidInputError(field="users", value=users, expected="1 or more")
        self._chance = random.Random(seed)
        self._ids = [f"{PREFIX}{number}" for number in range(1, users + 1)]
        self._chance.shuffle(self._ids)
        self._until = list(accumulate(rank**-exponent for rank in range(1, users + 1)))

    def __iter__(self) -> "Visitors":
        return self

    def __next__(self) -> str:
        drawn = self._chance.random() * self._until[-1]
        return self._ids[bisect_left(self._until, drawn)]
