"""What is often written by hand: a z-test for two proportions, repeated every minute."""

import math
from typing import Any, Final

import numpy as np

from benchmarks.decision.rivals.base import GO, HOLD, ROLLBACK, Rival
from benchmarks.decision.rivals.reading import P95, SHARED, Reading

Z: Final = 2.3263478740408408  # one-sided 1 %
LEAST: Final = 30
MISMATCH_TOLERATED: Final = 0.005


def two_proportions(events: int, trials: int, events_control: int, trials_control: int) -> float:
    """z of the difference under equality; 0 with nothing to compare."""
    if not trials or not trials_control:
        return 0.0
    pooled = (events + events_control) / (trials + trials_control)
    variance = pooled * (1 - pooled) * (1 / trials + 1 / trials_control)
    if variance <= 0:
        return 0.0
    return (events / trials - events_control / trials_control) / math.sqrt(variance)


def one_proportion(events: int, trials: int, expected: float) -> float:
    """z of a share against an expected one; 0 without trials."""
    if not trials:
        return 0.0
    return (events / trials - expected) / math.sqrt(expected * (1 - expected) / trials)


class ZTest(Rival):
    """Counts of the whole rollout so far, looked at every minute: errors, slow requests (above the
    control's 95th percentile), differing answers, failures in shadow."""

    def start(self, message: dict[str, Any]) -> None:
        buckets = message["hist"]["bins"]
        self._times = np.zeros((2, buckets), dtype=np.int64)
        super().start(message)

    def minute(self, message: dict[str, Any]) -> str:
        reading = SHARED.read(self.schedule, message)
        if reading.live and reading.known:
            for arm, name in enumerate(("control", "candidate")):
                pairs = message[name]["lat"]
                if pairs:
                    buckets, counts = zip(*pairs, strict=True)
                    self._times[arm, list(buckets)] += counts
        return super().minute(message)

    def reset(self) -> None:
        self._errors = {True: [0, 0, 0, 0], False: [0, 0, 0, 0]}
        self._differing = [0, 0]

    def judge(self, reading: Reading) -> str:
        candidate = (reading.candidate.errors, reading.candidate.requests)
        if not reading.live:
            candidate = (reading.failures, reading.mirrored)
        added = (*candidate, reading.control.errors, reading.control.requests)
        counts = [sum(pair) for pair in zip(self._errors[reading.live], added, strict=True)]
        self._errors[reading.live] = counts
        self._differing[0] += reading.mismatches
        self._differing[1] += reading.mirrored
        if self._worse(counts, reading.live):
            return ROLLBACK
        return GO if counts[1] >= LEAST else HOLD

    def _worse(self, counts: list[int], live: bool) -> bool:
        found = []
        if min(counts[1], counts[3]) >= LEAST:
            found.append(two_proportions(counts[0], counts[1], counts[2], counts[3]))
            if live:
                found.append(two_proportions(*self._slow()))
        if self._differing[1] >= LEAST:
            found.append(one_proportion(self._differing[0], self._differing[1], MISMATCH_TOLERATED))
        return any(z > Z for z in found)

    def _slow(self) -> tuple[int, int, int, int]:
        control, candidate = self._times
        level = int(np.searchsorted(np.cumsum(control), P95 * control.sum()))
        return (
            int(candidate[level + 1 :].sum()),
            int(candidate.sum()),
            int(control[level + 1 :].sum()),
            int(control.sum()),
        )
