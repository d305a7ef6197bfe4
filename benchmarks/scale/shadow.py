"""The shadow: which reads are compared, and what becomes of the comparisons.

Under the share that Set Exposure writes into the flag. A comparison is an asynchronous invocation:
with all comparators busy it goes back and is tried again a second later, then two, four and so on,
until it is older than the template lets it be, and is dropped. Source: Lambda developer guide, "How
Lambda handles errors and retries with asynchronous invocation".
"""

import math
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Any, Final

import numpy as np

from benchmarks.decision.latency import Floats
from benchmarks.scale.lines import REQUEST_ID, Bytes
from benchmarks.scale.readers import arrivals
from benchmarks.scale.traffic import DAY, LAUNCH_AT, MINUTE, ROOT, Level, chance, rhythms
from ops.costs import prices
from ops.costs.lines import CANDIDATE_BYTES, CANDIDATE_GB_S, COMPARE_GB_S
from ops.templates import read_template
from rollout.domain.cohort import sampled
from rollout.domain.flag import FULL_BPS
from rollout.domain.plan import Phase, Plan
from rollout.domain.planner import shadow_expected

# A comparison: log-normal, as long as ops/costs/lines.py guesses it.
COMPARE_SECONDS, COMPARE_SPREAD = 0.060, 0.5
FIRST_RETRY_SECONDS: Final = 1.0
# Three times what twenty comparators do: with more they are as busy, and only more is dropped.
MOST_OFFERED: Final = 1_000.0
WINDOW_SECONDS: Final = 30.0
# A comparison that is dropped goes into a queue. Source: https://aws.amazon.com/sqs/pricing/
QUEUED_USD: Final = 0.40 / 1_000_000


@dataclass(frozen=True)
class Template:
    """What the template says of the comparator."""

    concurrency: int
    oldest_seconds: int

    @classmethod
    def read(cls) -> "Template":
        """From template.yaml, by default."""
        found: Any = read_template(ROOT / "template.yaml")
        function = found["Resources"]["CompareFunction"]["Properties"]
        oldest = function["EventInvokeConfig"]["MaximumEventAgeInSeconds"]
        return cls(int(found["Parameters"]["CompareConcurrency"]["Default"]), int(oldest))


@dataclass(frozen=True)
class Compared:
    """asked = done + dropped. waited: seconds until they began, mean and 95th percentile."""

    asked: int
    done: int
    dropped: int
    waited_mean: float
    waited_p95: float

    @property
    def reached(self) -> float:
        """The share that was compared."""
        return self.done / self.asked if self.asked else 1.0


def capacity(template: Template) -> float:
    """Comparisons a second that so many comparators do, all of them busy all the time."""
    return template.concurrency / COMPARE_SECONDS


def compared(
    moments: Floats, template: Template, seed: int, counted: tuple[float, float] = (0.0, math.inf)
) -> Compared:
    """What becomes of comparisons asked for at these seconds; counted: between which two."""
    draw = chance(seed, "comparators")
    mu = np.log(COMPARE_SECONDS) - COMPARE_SPREAD**2 / 2
    lasts = draw.lognormal(mu, COMPARE_SPREAD, len(moments)).tolist()
    asked = moments.tolist()
    turns = [(at, number, FIRST_RETRY_SECONDS) for number, at in enumerate(asked)]
    busy: list[float] = []
    waited: list[float] = []
    dropped, (first, last) = 0, counted
    while turns:
        now, number, wait = heappop(turns)
        while busy and busy[0] <= now:
            heappop(busy)
        age = now - asked[number]
        if age > template.oldest_seconds:
            dropped += first <= asked[number] < last
        elif len(busy) < template.concurrency:
            heappush(busy, now + lasts[number])
            if first <= asked[number] < last:
                waited.append(age)
        else:
            heappush(turns, (now + wait, number, 2 * wait))
    mean, p95 = (float(np.mean(waited)), float(np.quantile(waited, 0.95))) if waited else (0.0, 0.0)
    return Compared(len(waited) + dropped, len(waited), dropped, mean, p95)


def share_bps(plan: Plan, phase: Phase, level: Level, starts_at: float) -> int:
    """What Set Exposure writes into the flag, for a phase that begins so long after the launch."""
    return round(FULL_BPS * shadow_expected(plan, phase, level.forecast, starts_at))


def picked(plan: Plan, bps: int, reads: int, seed: int) -> int:
    """How many of so many reads the read path would send to the comparator."""
    ids = (REQUEST_ID.format(seed * 10**9 + number) for number in range(reads))
    return sum(sampled(plan.salt, request_id, bps) for request_id in ids)


def busiest(level: Level, bps: int, template: Template, seed: int, at: float) -> Compared:
    """A stretch of comparisons from a second of the day on, in a queue that is as full as it gets.

    It is filled before, and goes on to fill after: what is tried again meets what comes later.
    """
    draw = chance(seed, "shadow", level.name, bps)
    per_second = min(MOST_OFFERED, level.per_second * bps / FULL_BPS)
    full = template.oldest_seconds + WINDOW_SECONDS if per_second > 1 else 0.0
    seconds = WINDOW_SECONDS if per_second > 1 else DAY
    moments = arrivals(per_second, at - full, full + seconds + full, draw)
    return compared(moments, template, seed, (full, full + seconds))


@dataclass(frozen=True)
class Asked:
    """Of a whole rollout. a_second: in the busiest minute."""

    asked: float
    done: float
    a_second: float

    def usd(self, each: float) -> float:
        """What the shadow costs, when a comparison costs `each`."""
        return self.done * each + (self.asked - self.done) * QUEUED_USD


def asked_in_rollout(plan: Plan, level: Level, capacity: float) -> Asked:
    """Minute by minute; above the comparators' capacity, a second, nothing is compared."""
    asked, done, most = 0.0, 0.0, 0.0
    for phase, starts, ends in stretches(plan):
        share = share_bps(plan, phase, level, starts) / FULL_BPS
        middles = LAUNCH_AT + np.arange(starts, ends, MINUTE) + MINUTE / 2
        rates = level.per_second * rhythms(middles) * share
        asked += float(rates.sum()) * MINUTE
        done += float(np.minimum(rates, capacity).sum()) * MINUTE
        most = max(most, float(rates.max()))
    return Asked(asked, done, most)


def usd(bytes_: Bytes) -> float:
    """What one comparison costs: two invocations, their time, and their lines."""
    seconds = (COMPARE_GB_S + CANDIDATE_GB_S) * prices.LAMBDA_GB_SECOND
    gb = (bytes_.comparison + CANDIDATE_BYTES) / prices.GB
    return 2 * prices.LAMBDA_REQUEST + seconds + gb * prices.LOG_GB_INGESTED


def stretches(plan: Plan) -> list[tuple[Phase, float, float]]:
    """(phase, begin, end) in seconds after the launch: a share stands until the next phase."""
    found, starts = list[tuple[Phase, float, float]](), 0.0
    for phase in plan.phases:
        starts = max(starts, float(phase.starts_after_seconds))
        following = plan.after(phase.name)
        planned = following.starts_after_seconds if following else plan.cleanup_after_seconds
        ends = max(float(planned), starts + phase.bake_seconds)
        found.append((phase, starts, ends))
        starts = ends
    return found
