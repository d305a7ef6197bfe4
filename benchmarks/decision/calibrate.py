"""python -m benchmarks.decision.calibrate: the best alarm that hardly ever rolls back wrongly.

Rollouts with seeds of their own; every setting of a grid; for each metric the one that lets through
the least harm among those with few false rollbacks. What it prints is written down in
`rivals/calibrated.py`.
"""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import click
import numpy as np
from rich.progress import track

from benchmarks.decision.latency import Floats
from benchmarks.decision.levels import LEVELS
from benchmarks.decision.rivals.alarms import (
    candidate_errors,
    excess_errors,
    mismatches,
    p95_ratio,
    shadow_failures,
)
from benchmarks.decision.rivals.reading import Schedule
from benchmarks.decision.scenarios import HARMFUL, HEALTHY, SCENARIOS, TOLERABLE
from benchmarks.decision.simulate import Rollout

SEED: Final = 9_000_001
METRICS: Final = {
    "errors": candidate_errors,
    "excess": excess_errors,
    "p95": p95_ratio,
    "mismatches": mismatches,
    "shadow": shadow_failures,
}
LIMITS: Final = {
    "errors": (0.02, 0.025, 0.03, 0.04, 0.05, 0.07, 0.10, 0.15),
    "excess": (0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.07, 0.10, 0.15),
    "p95": (1.2, 1.25, 1.3, 1.4, 1.5, 1.75, 2.0, 2.5),
    "mismatches": (0.007, 0.01, 0.015, 0.02, 0.03, 0.05),
    "shadow": (0.015, 0.02, 0.025, 0.03, 0.04, 0.05),
}
SHAPES: Final = ((1, 1), (2, 2), (3, 3), (3, 5), (5, 5), (8, 10), (12, 15), (20, 30))
LEASTS: Final = (1, 5, 10, 20, 50, 100)
PERIODS: Final = (1, 5, 15, 60)
# False rollbacks allowed to each metric. Four are watched: together at most 1 %.
BUDGET: Final = 0.0025


@dataclass(frozen=True, order=True)
class Choice:
    """One alarm: breaching of `of` periods above `limit`, each with `least` requests or more."""

    limit: float
    breaching: int
    of: int
    least: int
    period: int


@dataclass
class Found:
    """What a choice did: wrong rollbacks, missed harm, logarithms of bad answers let through."""

    wrong: int = 0
    missed: int = 0
    let_through: float = 0.0


def first_alarm(values: Floats, requests: Floats, choice: Choice) -> int | None:
    """The minute the alarm goes off."""
    period = choice.period
    usable = len(values) // period * period
    counts = requests[:usable].reshape(-1, period).sum(axis=1)
    events = (values * requests)[:usable].reshape(-1, period).sum(axis=1)
    rates = events / np.maximum(counts, 1)
    breaches = (rates > choice.limit) & (counts >= choice.least)
    total = np.concatenate([[0], np.cumsum(breaches)])
    begin = np.maximum(np.arange(1, len(total)) - choice.of, 0)
    red = np.flatnonzero(total[1:] - total[begin] >= choice.breaching)
    return int((red[0] + 1) * period - 1) if len(red) else None


def choices(metric: str) -> Iterator[Choice]:
    """The grid."""
    for limit, (breaching, of), least, period in itertools.product(
        LIMITS[metric], SHAPES, LEASTS, PERIODS
    ):
        if period * of <= 24 * 60:
            yield Choice(limit, breaching, of, least, period)


@click.command()
@click.option("--rollouts", type=click.IntRange(1), default=20, show_default=True)
def main(rollouts: int) -> None:
    """Find the calibrated alarm's settings."""
    found = {metric: {choice: Found() for choice in choices(metric)} for metric in METRICS}
    harmless = list(_rollouts((HEALTHY, TOLERABLE), rollouts))
    most = BUDGET * len(harmless)
    for rollout in track(harmless, "Harmless"):
        _try(rollout, found)
        for metric, tried in found.items():
            found[metric] = {choice: one for choice, one in tried.items() if one.wrong <= most}
    for rollout in track(list(_rollouts((HARMFUL,), max(1, rollouts // 4))), "Harmful"):
        _try(rollout, found)
    for metric, tried in found.items():
        best = min(tried, key=lambda choice: (tried[choice].let_through, choice))
        click.echo(f"{metric}: {best} {tried[best]}, {len(harmless)} harmless rollouts")


def _rollouts(kinds: tuple[str, ...], count: int) -> Iterator[Rollout]:
    for replicate, level, scenario in itertools.product(
        range(count), LEVELS.values(), SCENARIOS.values()
    ):
        if scenario.kind in kinds:
            yield Rollout(level, scenario, (SEED, replicate))


def _try(rollout: Rollout, found: dict[str, dict[Choice, Found]]) -> None:
    chunk = rollout.whole()
    schedule = Schedule.of(rollout.start)
    readings = [schedule.read(message) for message in chunk.messages]
    served = np.cumsum(chunk.bad)
    for metric, measure in METRICS.items():
        points = [measure(reading) for reading in readings]
        values, requests = np.array(points, dtype=np.float64).T
        for choice, result in found[metric].items():
            _note(result, first_alarm(values, requests, choice), rollout, served)


def _note(result: Found, alarm: int | None, rollout: Rollout, served: Floats) -> None:
    if rollout.scenario.kind != HARMFUL:
        result.wrong += alarm is not None
    else:
        result.missed += alarm is None
        result.let_through += math.log1p(float(served[-1 if alarm is None else alarm]))


if __name__ == "__main__":
    main()
