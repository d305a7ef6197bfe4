"""Flagger: one tick a minute, one counter of failed checks that never goes down.

After pkg/controller/scheduler.go and scheduler_metrics.go. At a tick the counter is compared with
the threshold first, so the rollback comes one tick after the last failure that was needed. No
values are a failed check. Checks of the candidate include mirrored requests before any user.
"""

import math
from collections.abc import Iterator

from benchmarks.decision.rivals.base import (
    ERROR_LIMIT,
    GO,
    HOLD,
    MISMATCH_LIMIT,
    P95_LIMIT,
    ROLLBACK,
    Rival,
)
from benchmarks.decision.rivals.reading import Reading


class Flagger(Rival):
    """threshold: failed checks that roll back; Flagger's default is 1."""

    def __init__(self, threshold: int = 1) -> None:
        self._threshold = threshold

    def reset(self) -> None:
        self.failed_checks = 0

    def judge(self, reading: Reading) -> str:
        if self.failed_checks >= self._threshold:
            return ROLLBACK
        if any(not passes(value, limit) for value, limit in _checks(reading)):
            self.failed_checks += 1
            return HOLD
        return GO


def passes(value: float, limit: float) -> bool:
    """NaN, which is what no values are, does not."""
    return not math.isnan(value) and value <= limit


def _checks(reading: Reading) -> Iterator[tuple[float, float]]:
    """(value, maximum), in order; no latency before the first user, no control at 100 %."""
    if reading.live:
        yield reading.candidate.error_rate, ERROR_LIMIT
        if reading.weight < 1:
            yield reading.p95_ratio, P95_LIMIT
    else:
        yield reading.failure_rate, ERROR_LIMIT
    if reading.weight < 1:
        yield reading.mismatch_rate, MISMATCH_LIMIT
