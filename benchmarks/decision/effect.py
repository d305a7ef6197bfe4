"""What the candidate does, minute by minute: its rates beside the control's."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from benchmarks.decision.latency import Floats
from benchmarks.decision.levels import WEIGHTS, Level
from benchmarks.decision.scenarios import Scenario
from benchmarks.decision.world import MOST_ERRORS, Flags, World

LATEST: Final = 0.85
SLOW_FROM: Final = 1.15


@dataclass(frozen=True)
class Effect:
    """A stretch of minutes. excess: the share of the candidate's answers that are bad because
    of the change, errors of a single tenant left out."""

    active: Flags
    control_error: Floats
    control_scale: Floats
    error: Floats
    shadow_error: Floats
    mismatch: Floats
    scale: Floats
    tail: Floats
    excess: Floats


def joined(parts: Sequence[Effect]) -> Effect:
    """Stretches that follow one another, as one."""
    each = {
        field.name: np.concatenate([getattr(part, field.name) for part in parts])
        for field in fields(Effect)
    }
    return Effect(**each)


class Candidate:
    """One candidate over a whole rollout; remembers when its harm began."""

    def __init__(self, level: Level, scenario: Scenario, chance: np.random.Generator) -> None:
        self.scenario = scenario
        self._level = level
        self._chance = chance
        planned = level.planned
        self._begins = chance.integers(planned // len(WEIGHTS), int(LATEST * planned))
        self._exposed_at: int | None = None
        self._weight = 0.0

    def activity(self, moments: Floats, weight: float) -> Floats:
        """How much of the change is there: 0 to 1. Stages are asked for in order."""
        onset = self.scenario.onset
        if weight < onset.weight or (weight == 0 and not onset.in_shadow):
            return np.zeros(len(moments))
        if self._exposed_at is None:
            self._exposed_at = int(moments[0])
        there = np.ones(len(moments))
        if onset.ramp:
            length = onset.ramp * self._level.minutes / 60
            there = ((moments - self._exposed_at + 1) / length).clip(0, 1)
        if onset.late:
            there = there * (moments >= self._begins)
        if onset.lasts:
            there = there * (moments < self._begins + onset.lasts)
        if onset.steps:
            there[0 if weight == self._weight else 1 :] = 0
            self._weight = weight
        if onset.every > 1:
            there = there * (self._chance.random(len(moments)) < 1 / onset.every)
        return np.asarray(there, dtype=np.float64)

    def effect(self, world: World, begin: int, minutes: int, weight: float) -> Effect:
        """What the candidate does in those minutes at that exposure."""
        stretch = slice(begin, begin + minutes)
        change, onset = self.scenario.change, self.scenario.onset
        there = self.activity(np.arange(begin, begin + minutes, dtype=np.float64), weight)
        if onset.in_storms:
            there = there * (world.storm[0][stretch] > 0)
        usual, usual_scale = world.conditions(stretch, weight)
        error = usual + there * self._further_errors(world, usual)
        error = error.clip(1e-9, MOST_ERRORS)
        factor = 1 + there * (change.scale - 1)
        tail = world.latency.tail_share + there * change.tail
        slow = world.latency.excess_slow(factor, tail, SLOW_FROM)
        mismatch = there * change.mismatch
        return Effect(
            active=there > 0,
            control_error=usual,
            control_scale=usual_scale,
            error=error,
            shadow_error=error if onset.in_shadow else usual,
            mismatch=mismatch,
            scale=usual_scale * factor,
            tail=tail,
            excess=(error - usual) + mismatch + slow,
        )

    def _further_errors(self, world: World, usual: Floats) -> Floats:
        change = self.scenario.change
        if change.error is not None:
            return np.full(len(usual), change.error - world.base_error)
        return np.asarray((change.times - 1) * usual)
