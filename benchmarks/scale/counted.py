"""CloudWatch in memory with the counts of a traffic, minute by minute, under the flag that stands.

A minute's counts are drawn once, when they are first asked for, so that every look sees the same.
"""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from benchmarks.scale.traffic import DAY, GOOD, MINUTE, Candidate, Level, chance, rhythm
from ops.faults.services import CloudWatch
from rollout.adapters.metrics import SHADOW, WANTED
from rollout.domain.cohort import CANDIDATE, CONTROL
from rollout.domain.flag import FULL_BPS, Flag

Counts = npt.NDArray[np.int64]
COLUMNS: Final = {pair: number for number, pair in enumerate(WANTED)}
CONTROL_P95_MS: Final = 20.0


@dataclass(frozen=True)
class Stamp:
    """What a point of a series is read by."""

    at: int

    def timestamp(self) -> float:
        """Epoch second."""
        return float(self.at)


def minute_counts(
    per_second: float, flag: Flag, at: float, draw: np.random.Generator, candidate: Candidate
) -> Counts:
    """One minute's sums, in the order of WANTED, with everything compared that the flag says."""
    reads = draw.poisson(per_second * MINUTE)
    live = draw.binomial(reads, flag.exposure_at(at) / FULL_BPS)
    asked = draw.binomial(reads, flag.shadow_at(at) / FULL_BPS)
    failed = draw.binomial(asked, candidate.shadow_failures)
    found = {
        ("Requests", CONTROL): reads - live,
        ("Errors", CONTROL): draw.binomial(reads - live, GOOD.errors),
        ("Slow", CONTROL): draw.binomial(reads - live, GOOD.slow),
        ("Requests", CANDIDATE): live,
        ("Errors", CANDIDATE): draw.binomial(live, candidate.errors),
        ("Slow", CANDIDATE): draw.binomial(live, candidate.slow),
        ("Compared", SHADOW): asked - failed,
        ("Mismatched", SHADOW): draw.binomial(asked - failed, candidate.mismatches),
        ("Failed", SHADOW): failed,
    }
    return np.array([found[pair] for pair in WANTED], dtype=np.int64)


@dataclass
class Counted(CloudWatch):
    """The metrics of one stack at one level of traffic. points: how many were asked for."""

    level: Level | None = None
    seed: int = 1
    candidate: Candidate = GOOD
    points: int = 0
    queries: int = 0
    _minutes: dict[int, Counts] = field(default_factory=dict)
    _sums: dict[tuple[int, int], Counts] = field(default_factory=dict)
    _stamps: dict[int, Stamp] = field(default_factory=dict)

    def get_metric_data(self, given: dict[str, Any]) -> dict[str, Any]:
        """As CloudWatch answers: a point for each period that is over."""
        start, end = int(given["StartTime"].timestamp()), int(given["EndTime"].timestamp())
        results = []
        for query in given["MetricDataQueries"]:
            stat = query["MetricStat"]
            period = stat["Period"]
            moments = range(start, min(end, int(self.appconfig.clock()) - period + 1), period)
            self.queries += 1
            self.points += len(moments)
            values = [self._point(stat, at) for at in moments]
            stamps = [self._stamps.setdefault(at, Stamp(at)) for at in moments]
            answer = {"Id": query["Id"], "StatusCode": "Complete"}
            results.append({**answer, "Timestamps": stamps, "Values": values})
        return {"MetricDataResults": results}

    def _point(self, stat: dict[str, Any], at: int) -> float:
        metric = stat["Metric"]
        if metric["MetricName"] == "Latency":
            return CONTROL_P95_MS
        (arm,) = [d["Value"] for d in metric["Dimensions"] if d["Name"] == "arm"]
        return float(self._sum(at, stat["Period"])[COLUMNS[metric["MetricName"], arm]])

    def _sum(self, at: int, period: int) -> Counts:
        """Of the minutes of a period."""
        found = self._sums.get((at, period))
        if found is None:
            parts = [self.minute(moment) for moment in range(at, at + period, MINUTE)]
            found = self._sums[at, period] = np.sum(parts, axis=0)
        return found

    def minute(self, at: int) -> Counts:
        """The counts of the minute that begins at this epoch second."""
        found = self._minutes.get(at)
        if found is None:
            assert self.level is not None
            per_second = self.level.per_second * rhythm(at % DAY)
            draw = chance(self.seed, self.level.name, at)
            flag = self.appconfig.flag(at)
            found = self._minutes[at] = minute_counts(per_second, flag, at, draw, self.candidate)
        return found
