"""Argo Rollouts: background analysis of a canary, one AnalysisRun over the whole rollout.

After analysis/analysis.go, utils/evaluate and the documented examples. Three metrics with a lone
success condition each. Metrics of the candidate include mirrored requests while no user is exposed.
A ratio over a window without requests is NaN, which fails a comparison; a window without any
telemetry is an empty vector, which is an expression error, and measured again after 10 seconds.
"""

import math
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from benchmarks.decision.rivals.base import (
    ERROR_LIMIT,
    GO,
    HOLD,
    MISMATCH_LIMIT,
    P95_LIMIT,
    ROLLBACK,
    Rival,
)
from benchmarks.decision.rivals.reading import NAN, Reading


class Phase(Enum):
    """Of a measurement or a metric."""

    RUNNING = "Running"
    SUCCESSFUL = "Successful"
    INCONCLUSIVE = "Inconclusive"
    ERROR = "Error"
    FAILED = "Failed"


@dataclass(frozen=True)
class Limits:
    """Argo's defaults; -1 disables the failure and inconclusive limits, 0 the success limit."""

    failure: int = 0
    inconclusive: int = 0
    consecutive_error: int = 4
    consecutive_success: int = 0
    count: int = 0


@dataclass
class Tally:
    """What has been measured of one metric."""

    successful: int = 0
    failed: int = 0
    inconclusive: int = 0
    errors: int = 0
    consecutive_errors: int = 0
    consecutive_successes: int = 0

    def add(self, phase: Phase) -> None:
        self.successful += phase is Phase.SUCCESSFUL
        self.failed += phase is Phase.FAILED
        self.inconclusive += phase is Phase.INCONCLUSIVE
        self.errors += phase is Phase.ERROR
        self.consecutive_errors = self.consecutive_errors + 1 if phase is Phase.ERROR else 0
        succeeded = phase is Phase.SUCCESSFUL
        self.consecutive_successes = self.consecutive_successes + 1 if succeeded else 0

    @property
    def count(self) -> int:
        """Measurements; those that ended in an error are not counted."""
        return self.successful + self.failed + self.inconclusive


def measure(
    value: float,
    success: Callable[[float], bool] | None = None,
    failure: Callable[[float], bool] | None = None,
) -> Phase:
    """The phase of one measurement. A failure condition is looked at first."""
    if failure is not None and failure(value):
        return Phase.FAILED
    if success is None:
        return Phase.SUCCESSFUL
    if success(value):
        return Phase.SUCCESSFUL
    return Phase.FAILED if failure is None else Phase.INCONCLUSIVE


def assess(tally: Tally, limits: Limits) -> Phase:
    """The phase of a metric: the later of Argo's rules wins."""
    phase = _within(tally, limits)
    if 0 <= limits.failure < tally.failed:
        phase = Phase.FAILED
    if 0 <= limits.inconclusive < tally.inconclusive:
        phase = Phase.INCONCLUSIVE
    if tally.consecutive_errors > limits.consecutive_error:
        phase = Phase.ERROR
    return phase


def _within(tally: Tally, limits: Limits) -> Phase:
    """The phase while no limit is exceeded."""
    wanted = limits.consecutive_success
    if 0 < wanted <= tally.consecutive_successes:
        return Phase.SUCCESSFUL
    if not 0 < limits.count <= tally.count:
        return Phase.RUNNING
    if wanted > 0:
        return Phase.INCONCLUSIVE if limits.failure >= 0 else Phase.FAILED
    return Phase.SUCCESSFUL


def effective_count(count: int, interval: bool) -> int:
    """After how many measurements a metric ends; 0 for never."""
    if count > 0:
        return count
    return 0 if interval else 1


ATTEMPTS_A_MINUTE: Final = 6
ABORTING: Final = (Phase.FAILED, Phase.ERROR)
METRICS: Final = {
    "error rate": ERROR_LIMIT,
    "p95 ratio": P95_LIMIT,
    "mismatch rate": MISMATCH_LIMIT,
}


class Argo(Rival):
    """interval: minutes between measurements; window: minutes each looks back on.

    The first measurement comes when a window is full. every: each of its minutes has to pass, as
    in the CloudWatch example; otherwise their sum. pass_nan: the condition lets no requests pass.
    """

    def __init__(
        self,
        interval: int = 5,
        window: int = 5,
        failure_limit: int = 3,
        every: bool = False,
        pass_nan: bool = False,
    ) -> None:
        self._interval, self._window = interval, window
        self._limits = Limits(failure=failure_limit)
        self._every, self._pass_nan = every, pass_nan

    def reset(self) -> None:
        self._recent = {name: deque[Reading](maxlen=self._window) for name in METRICS}
        self._tallies = {name: Tally() for name in METRICS}
        self._wait = dict.fromkeys(METRICS, self._window)
        self._paused = False

    def judge(self, reading: Reading) -> str:
        phases = [self._look(name, reading) for name in _metrics(reading)]
        if any(phase in ABORTING for phase in phases):
            return ROLLBACK
        self._paused = self._paused or Phase.INCONCLUSIVE in phases
        return HOLD if self._paused else GO

    def _look(self, name: str, reading: Reading) -> Phase:
        tally, recent = self._tallies[name], self._recent[name]
        recent.append(reading)
        self._wait[name] -= 1
        if self._wait[name] <= 0:
            self._wait[name] = self._interval
            if any(reading.known for reading in recent):
                tally.add(self._measure(name, recent))
            else:
                self._wait[name] = 1
                for _ in range(ATTEMPTS_A_MINUTE):
                    tally.add(Phase.ERROR)
        return assess(tally, self._limits)

    def _measure(self, name: str, recent: Iterable[Reading]) -> Phase:
        limit = METRICS[name]
        groups = [[reading] for reading in recent] if self._every else [recent]
        values = [_value(name, group) for group in groups]
        if self._pass_nan:
            values = [value for value in values if not math.isnan(value)] or [0.0]
        return measure(NAN if any(map(math.isnan, values)) else max(values), lambda v: v <= limit)


def _metrics(reading: Reading) -> tuple[str, ...]:
    """Those that can be measured at all: no latency before the first user, no control at 100 %."""
    if not reading.live:
        return ("error rate", "mismatch rate")
    if reading.weight >= 1:
        return ("error rate",)
    return tuple(METRICS)


def _value(name: str, readings: Iterable[Reading]) -> float:
    """One metric over some minutes."""
    found = list(readings)
    if name == "p95 ratio":
        ratios = [one.p95_ratio for one in found if not math.isnan(one.p95_ratio)]
        return sum(ratios) / len(ratios) if ratios else NAN
    if name == "mismatch rate":
        return _ratio((one.mismatches, one.mirrored) for one in found)
    return _ratio(
        (one.candidate.errors, one.candidate.requests) if one.live else (one.failures, one.mirrored)
        for one in found
    )


def _ratio(counts: Iterable[tuple[int, int]]) -> float:
    parts, wholes = zip(*counts, strict=True)
    return sum(parts) / sum(wholes) if sum(wholes) else NAN
