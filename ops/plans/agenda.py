"""What a plan comes to in dates: when each phase begins and ends, and what it must certify.

Times are epoch seconds. An exposure is served some minutes after a phase begins: AppConfig bakes it
(RampBakeMinutes of the template) and readers poll; that comes on top of every phase.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from rollout.domain.certificate import clean_requests_needed
from rollout.domain.flag import FULL_BPS
from rollout.domain.forecast import Forecast
from rollout.domain.plan import SHADOW, Phase, Plan
from rollout.domain.planner import Outlook, outlook
from rollout.domain.promises import LIVE, promises_of

# In domain/promises, certifying less than a coin toss certifies nothing.
NOTHING: Final = 0.5


@dataclass(frozen=True)
class Certified:
    """A metric, the rate to be proven, and how many clean requests prove it."""

    metric: str
    rate: float
    requests: int


@dataclass(frozen=True)
class Entry:
    """One phase.

    starts_at: the earliest. ends_at: when the evidence is likely to be complete, None when it
    never is. latest_at: after this long a person is asked. requests: of the arm that is judged, in
    the bake, None without a forecast. users: expected in the cohort.
    """

    phase: str
    kind: str
    exposure_bps: int
    shadow_bps: int
    starts_at: float
    ends_at: float | None
    latest_at: float
    requests: float | None
    users: float
    certify: tuple[Certified, ...]
    problem: str


@dataclass(frozen=True)
class Agenda:
    """The phases in order, and when the cleanup ends the rollout, None when it never does."""

    entries: tuple[Entry, ...]
    ends_at: float | None


def agenda(plan: Plan, forecast: Forecast | None, users: int, launched_at: float) -> Agenda:
    """The plan in dates, if it is launched at that moment.

    Without a forecast a phase is taken to end with its planned bake.
    """
    listed = len(plan.allow_list)
    looks: Mapping[str, Outlook] = {}
    if forecast is not None:
        looks = {one.phase: one for one in outlook(plan, forecast, users, listed)}
    entries, start = [], launched_at
    for index, phase in enumerate(plan.phases):
        start = max(start, launched_at + phase.starts_after_seconds)
        look = looks.get(phase.name)
        lasts = _lasts(plan, phase, look)
        ends_at = None if lasts is None else start + lasts
        entries.append(
            Entry(
                phase.name,
                phase.kind,
                phase.exposure_bps,
                phase.shadow_bps,
                start,
                ends_at,
                start + phase.maximum_bake_seconds,
                look.requests if look else None,
                max(float(listed), users * phase.exposure_bps / FULL_BPS)
                if phase.exposure_bps
                else 0.0,
                certified(plan, index),
                look.problem if look else "",
            )
        )
        start = entries[-1].latest_at if ends_at is None else ends_at
    never = any(entry.ends_at is None for entry in entries)
    ends = max(start, launched_at + plan.cleanup_after_seconds)
    return Agenda(tuple(entries), None if never else ends)


def certified(plan: Plan, index: int) -> tuple[Certified, ...]:
    """What the phase must prove before the next one; shadow metrics count from the launch on."""
    phase = plan.phases[index]
    promises = promises_of(plan, plan.evaluation.period_seconds)
    return tuple(
        Certified(metric, rate, clean_requests_needed(0, 0, rate, promises.beta))
        for metric, rate in promises.stages[index].certify.items()
        if rate < NOTHING and (metric in LIVE or phase.kind == SHADOW)
    )


def _lasts(plan: Plan, phase: Phase, look: Outlook | None) -> int | None:
    """Seconds until the look that finds the bake over and everything certified; None for never."""
    needed = float(phase.bake_seconds)
    if look is not None:
        needed = max(needed, look.certify_seconds)
    if math.isinf(needed) or needed > phase.maximum_bake_seconds:
        return None
    every = plan.evaluation.every_seconds
    return every * math.ceil((needed + plan.evaluation.settle_seconds) / every)
