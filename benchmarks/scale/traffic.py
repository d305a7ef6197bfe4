"""How much traffic there is, when in the day, and what a candidate does with it."""

import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.decision.latency import Floats
from benchmarks.decision.world import Weather
from ops.local.traffic import PEAK_S
from rollout.adapters import plan_documents
from rollout.domain.forecast import Forecast
from rollout.domain.plan import Plan

DAY: Final = 86_400
HOUR: Final = 3600
MINUTE: Final = 60
# As in benchmarks/decision: how much the day's busiest moment is above its mean.
SWING: Final = Weather().swing
LAUNCH_AT: Final = 9 * HOUR
ROOT: Final = Path(__file__).parents[2]
PLANS: Final = ROOT / "plans"


@dataclass(frozen=True)
class Level:
    """Reads a day on average, and the plan that suits them."""

    name: str
    per_day: float
    plan_name: str = "beta"

    @property
    def per_second(self) -> float:
        """On average."""
        return self.per_day / DAY

    def at(self, after: float) -> float:
        """Reads a second, so many seconds after the launch."""
        return self.per_second * rhythm((LAUNCH_AT + after) % DAY)

    @cached_property
    def plan(self) -> Plan:
        """As it is in plans/."""
        return plan_documents.load(PLANS / f"{self.plan_name}.json")[0]

    @cached_property
    def forecast(self) -> Forecast:
        """The day's rhythm, a minute at a time, from the launch on."""
        minutes = range(LAUNCH_AT, LAUNCH_AT + DAY, MINUTE)
        counts = (self.per_second * rhythm(at + MINUTE / 2) * MINUTE for at in minutes)
        return Forecast(tuple(counts), MINUTE)


LEVELS: Final = (
    Level("1,000 a day", 1e3, "quiet"),
    Level("24,000 a day", 24e3),
    Level("1,000,000 a day", 1e6),
    Level("100 a second", 100 * DAY),
    Level("10,000 a second", 1e4 * DAY),
    Level("1,000,000 a second", 1e6 * DAY),
)


def rhythm(second: float) -> float:
    """The traffic at a second of the day (UTC), as a multiple of its mean."""
    return 1 + SWING * math.cos(2 * math.pi * (second - PEAK_S) / DAY)


def rhythms(seconds: Floats) -> Floats:
    """The same for many moments."""
    return np.asarray(1 + SWING * np.cos(2 * np.pi * (seconds - PEAK_S) / DAY))


@dataclass(frozen=True)
class Candidate:
    """Shares of its answers: those that differ, and shadow reads that fail."""

    name: str
    mismatches: float = 0.0005
    shadow_failures: float = 0.002
    errors: float = 0.001
    slow: float = 0.02


GOOD: Final = Candidate("good")
DIFFERING: Final = Candidate("1.5 % differ", mismatches=0.015)
FAILING: Final = Candidate("8 % fail", shadow_failures=0.08)
# Above what the beta tolerates, and below its limit.
BETWEEN: Final = Candidate("4 % fail", shadow_failures=0.04)


def chance(seed: int, *words: str | int) -> np.random.Generator:
    """A generator of its own for each purpose, so that none moves another."""
    parts = [seed, *(ord(letter) for word in words for letter in str(word))]
    return np.random.default_rng(np.random.SeedSequence(parts))
