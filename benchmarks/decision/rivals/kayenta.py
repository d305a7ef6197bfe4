"""Kayenta's NetflixACAJudge-v1.0: distributions of per-minute values, arm against arm.

Error percentage and 95th percentile, direction `increase`, both of equal weight in one group. Each
stage is a canary analysis of its own over a growing window; with no control, at 100 %, none is run.
Differing answers have no counterpart on the control's side and are not judged.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

import numpy as np

from benchmarks.decision.latency import Floats
from benchmarks.decision.rivals.base import GO, HOLD, ROLLBACK, Rival
from benchmarks.decision.rivals.mannwhitney import TOLERANCE, interval, standardised
from benchmarks.decision.rivals.reading import NAN, Reading

CONFIDENCE: Final = 0.98
Z: Final = 2.3263478740408408
BAND: Final = 0.25
NOISE: Final = 1e-5
PASS, MARGINAL = 95.0, 75.0


class Label(Enum):
    """Of one metric."""

    PASS = "Pass"
    HIGH = "High"
    LOW = "Low"
    NODATA = "Nodata"


@dataclass(frozen=True)
class Effects:
    """The ratio of means from which an increase counts; Kayenta's default is 1."""

    errors: float = 1.0
    p95: float = 1.0


def classify(control: Sequence[float], experiment: Sequence[float], allowed: float = 1.0) -> Label:
    """One metric with direction `increase`; NaN values are removed, outliers kept."""
    y, x = _clean(control), _clean(experiment)
    if not len(x) or not len(y):
        return Label.NODATA
    values = np.concatenate([x, y])
    same = len(x) == len(y) and np.array_equal(np.sort(x), np.sort(y))
    if same or (values == values[0]).all():
        return Label.PASS
    if (x == x[0]).all() and (y == y[0]).all():
        x, y = _with_noise(x), _with_noise(y)
    return Label.HIGH if _increased(x, y) and _large(x, y, allowed) else Label.PASS


def _clean(values: Sequence[float]) -> Floats:
    found = np.asarray(values, dtype=np.float64)
    return np.asarray(found[~np.isnan(found)])


def _with_noise(values: Floats) -> Floats:
    chance = np.random.default_rng(len(values))
    return np.asarray(values + chance.normal(0, 1, len(values)) * values * NOISE)


def _increased(x: Floats, y: Floats) -> bool:
    """The interval lies above a quarter of the estimated shift."""
    if standardised(x, y, -TOLERANCE) <= Z:
        return False  # its lower end lies below 0: there is no need to find it
    low, estimate, _ = interval(x, y, CONFIDENCE)
    return low > BAND * abs(estimate)


def _large(x: Floats, y: Floats, allowed: float) -> bool:
    """The effect size, a ratio of means, is not looked at where a mean is 0."""
    if x.mean() == 0 or y.mean() == 0:
        return True
    return bool(x.mean() / y.mean() >= allowed)


def score(labels: Sequence[Label]) -> float:
    """0 to 100, for one group: the passing share; 0 if half of the metrics have no data."""
    if 2 * labels.count(Label.NODATA) >= len(labels):
        return 0.0
    judged = [label for label in labels if label is not Label.NODATA]
    return round(100 * judged.count(Label.PASS) / len(judged), 2)


class Kayenta(Rival):
    """parts: judgements in the planned minutes of a stage."""

    def __init__(self, effects: Effects | None = None, parts: int = 1) -> None:
        self._effects = effects or Effects()
        self._parts = parts

    def reset(self) -> None:
        self._begin(-1)

    def _begin(self, stage: int) -> None:
        self._stage = stage
        self._errors: tuple[list[float], list[float]] = ([], [])
        self._p95: tuple[list[float], list[float]] = ([], [])
        self._passed = False

    def judge(self, reading: Reading) -> str:
        if reading.weight >= 1:
            return GO
        if reading.stage != self._stage:
            self._begin(reading.stage)
        self._record(reading)
        if not self._due(reading):
            return GO if self._passed else HOLD
        found = score(self._labels(reading))
        if found <= MARGINAL:
            return ROLLBACK
        self._passed = self.schedule.over(reading) and found >= PASS
        return GO if self._passed else HOLD

    def _due(self, reading: Reading) -> bool:
        """At the end of each part, until the planned minutes are over."""
        planned = self.schedule.planned[reading.stage]
        part = max(1, planned // self._parts)
        spent = reading.stage_minute + 1
        return spent <= planned and (spent % part == 0 or spent == planned)

    def _labels(self, reading: Reading) -> list[Label]:
        labels = [classify(*self._errors, self._effects.errors)]
        if reading.live:
            labels.append(classify(*self._p95, self._effects.p95))
        return labels

    def _record(self, reading: Reading) -> None:
        live = reading.live
        candidate = reading.candidate.error_rate if live else reading.failure_rate
        self._errors[0].append(_percent(reading.control.error_rate))
        self._errors[1].append(_percent(candidate))
        self._p95[0].append(reading.control.p95_ms)
        self._p95[1].append(reading.candidate.p95_ms if live else NAN)


def _percent(rate: float) -> float:
    return rate if math.isnan(rate) else 100 * rate
