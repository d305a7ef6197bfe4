"""What a metric system would show of one minute: rates and percentiles, per arm."""

import math
from dataclasses import dataclass
from typing import Any, Final

NAN: Final = math.nan
P95: Final = 0.95

Pairs = list[list[int]]


@dataclass(frozen=True)
class Count:
    """One arm's requests and errors; its 95th percentile in milliseconds, NaN without requests."""

    requests: int
    errors: int
    p95_ms: float

    @property
    def error_rate(self) -> float:
        """A fraction; NaN without requests."""
        return self.errors / self.requests if self.requests else NAN


@dataclass(frozen=True)
class Reading:
    """One minute. known: the telemetry was there; without it all counts are 0."""

    known: bool
    stage: int
    weight: float
    stage_minute: int
    control: Count
    candidate: Count
    mirrored: int
    mismatches: int
    failures: int

    @property
    def live(self) -> bool:
        """Users are exposed."""
        return self.weight > 0

    @property
    def p95_ratio(self) -> float:
        """Candidate over control; NaN unless both answered."""
        return self.candidate.p95_ms / self.control.p95_ms

    @property
    def mismatch_rate(self) -> float:
        """Of the compared requests; NaN without any."""
        return self.mismatches / self.mirrored if self.mirrored else NAN

    @property
    def failure_rate(self) -> float:
        """Of the mirrored requests; NaN without any."""
        return self.failures / self.mirrored if self.mirrored else NAN


@dataclass(frozen=True)
class Schedule:
    """The stages' planned minutes, and the histogram's scale."""

    planned: tuple[int, ...]
    first_ms: float
    ratio: float

    @classmethod
    def of(cls, start: dict[str, Any]) -> "Schedule":
        return cls(
            tuple(stage["minutes"] for stage in start["schedule"]),
            start["hist"]["first_ms"],
            start["hist"]["ratio"],
        )

    def over(self, reading: Reading) -> bool:
        """This is the last planned minute of the stage, or a later one."""
        return reading.stage_minute >= self.planned[reading.stage] - 1

    def read(self, message: dict[str, Any]) -> Reading:
        """The message of one minute, as metrics."""
        known = message["control"] is not None
        shadow = message["shadow"] or {"n": 0, "mismatch": 0, "err": 0}
        return Reading(
            known=known,
            stage=message["stage_index"],
            weight=message["weight"],
            stage_minute=message["stage_minute"],
            control=self._count(message["control"]),
            candidate=self._count(message["candidate"]),
            mirrored=shadow["n"],
            mismatches=shadow["mismatch"],
            failures=shadow["err"],
        )

    def _count(self, arm: dict[str, Any] | None) -> Count:
        if not arm or not arm["n"]:
            return Count(0, 0, NAN)
        return Count(arm["n"], arm["err"], self.quantile_ms(arm["lat"], arm["n"], P95))

    def quantile_ms(self, pairs: Pairs, requests: int, level: float) -> float:
        """The middle of the bucket in which that share of the requests is reached."""
        if not requests:
            return NAN
        left = level * requests
        for bucket, count in pairs:
            left -= count
            if left <= 0:
                return float(self.first_ms * self.ratio ** (bucket + 0.5))
        return NAN


class Shared:
    """Reads each message of a rollout once, however many judges ask for it."""

    def __init__(self) -> None:
        self._start: dict[str, Any] | None = None
        self._known: dict[int, tuple[dict[str, Any], Reading]] = {}

    def start(self, message: dict[str, Any]) -> None:
        if message is not self._start:
            self._start = message
            self._known.clear()

    def read(self, schedule: Schedule, message: dict[str, Any]) -> Reading:
        found = self._known.get(message["t"])
        if found is None or found[0] is not message:
            found = self._known[message["t"]] = message, schedule.read(message)
        return found[1]


SHARED: Final = Shared()
