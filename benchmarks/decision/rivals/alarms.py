"""CloudWatch alarms: M of the newest N datapoints breach; and CodeDeploy, which asks one."""

import math
from collections import deque
from collections.abc import Callable, Sequence
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

# Datapoints looked at beyond N, so that a late one does not count as missing.
SPARE: Final = 2


class State(Enum):
    """Of an alarm."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


@dataclass(frozen=True)
class Part:
    """One metric: counts of events and of requests in a minute, or a value and the requests.

    A datapoint breaches above `limit`; periods with fewer than `least` requests do not.
    """

    measure: Callable[[Reading], tuple[float, int]]
    limit: float
    breaching: int
    of: int
    least: int = 1
    period: int = 1


class Alarm:
    """One alarm over one metric, with missing data treated as `missing`."""

    def __init__(self, part: Part) -> None:
        self._part = part
        self._points: deque[float] = deque(maxlen=part.of + SPARE)
        self._minutes: list[tuple[float, int]] = []
        self._spent = 0
        self._state = State.INSUFFICIENT_DATA

    def see(self, reading: Reading) -> State:
        """The state after one more minute."""
        if reading.known:
            self._minutes.append(self._part.measure(reading))
        self._spent += 1
        if self._spent % self._part.period == 0:
            self._points.append(self._point() if self._minutes else NAN)
            self._minutes.clear()
            self._state = state(self._points, self._part.limit, self._part.breaching, self._part.of)
        return self._state

    def _point(self) -> float:
        requests = sum(count for _, count in self._minutes)
        if requests < self._part.least:
            return 0.0
        return sum(value * count for value, count in self._minutes if count) / requests


def state(points: Sequence[float], limit: float, breaching: int, of: int) -> State:
    """CloudWatch's rule: of the newest real datapoints in the evaluation range; NaN is missing."""
    real = [point for point in points if not math.isnan(point)][-of:]
    if not real:
        return State.INSUFFICIENT_DATA
    return State.ALARM if sum(point > limit for point in real) >= breaching else State.OK


def whole_function(reading: Reading) -> tuple[float, int]:
    """Both arms together, as the function's own metrics count; idle is no error."""
    requests = reading.control.requests + reading.candidate.requests
    errors = reading.control.errors + reading.candidate.errors
    return (errors / requests if requests else 0.0), requests


def candidate_errors(reading: Reading) -> tuple[float, int]:
    """The candidate's error rate; idle is no error."""
    requests = reading.candidate.requests
    return (reading.candidate.errors / requests if requests else 0.0), requests


def excess_errors(reading: Reading) -> tuple[float, int]:
    """The candidate's error rate less the control's, as metric math can say it."""
    rate, requests = candidate_errors(reading)
    control = reading.control.errors / reading.control.requests if reading.control.requests else 0.0
    return rate - control, requests


def p95_ratio(reading: Reading) -> tuple[float, int]:
    """Candidate over control; nothing to compare is no excess."""
    ratio = reading.p95_ratio
    fewer = min(reading.candidate.requests, reading.control.requests)
    return (0.0, 0) if math.isnan(ratio) else (ratio, fewer)


def mismatches(reading: Reading) -> tuple[float, int]:
    """Share of the compared answers that differ."""
    return (reading.mismatch_rate if reading.mirrored else 0.0), reading.mirrored


def shadow_failures(reading: Reading) -> tuple[float, int]:
    """Share of the mirrored requests the candidate fails."""
    return (reading.failure_rate if reading.mirrored else 0.0), reading.mirrored


class Alarms(Rival):
    """Any of the alarms rolls back; no data does not."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = tuple(parts)

    def reset(self) -> None:
        self._alarms = [Alarm(part) for part in self._parts]

    def judge(self, reading: Reading) -> str:
        states = [alarm.see(reading) for alarm in self._alarms]
        return ROLLBACK if State.ALARM in states else GO


class CodeDeploy(Alarms):
    """Watches while traffic is shifted, and only then: not before, and not after 100 %.

    An alarm that is already red when the shift begins stops the deployment.
    """

    def judge(self, reading: Reading) -> str:
        word = super().judge(reading)
        if word == ROLLBACK and not 0 < reading.weight < 1:
            return HOLD if reading.weight == 0 else GO
        return word


SEED_ALARM: Final = Part(whole_function, ERROR_LIMIT, 3, 5)
SEED_ALARM_5MIN: Final = Part(whole_function, ERROR_LIMIT, 1, 1, period=5)
ARM_ALARM: Final = Part(candidate_errors, ERROR_LIMIT, 3, 5)
ALL_ALARMS: Final = (
    ARM_ALARM,
    Part(p95_ratio, P95_LIMIT, 3, 5),
    Part(mismatches, MISMATCH_LIMIT, 3, 5),
    Part(shadow_failures, ERROR_LIMIT, 3, 5),
)
