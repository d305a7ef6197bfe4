"""What is wrong with a plan, and what a person should know of it; pure but for the time zones.

An error is a plan that cannot be launched, or cannot do what it says; a warning is one that can,
and of which somebody should know.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ops.plans.agenda import agenda
from ops.plans.alarm import Alarm
from rollout.adapters import plan_documents
from rollout.domain import holding
from rollout.domain.cohort import CANDIDATE
from rollout.domain.flag import FULL_BPS
from rollout.domain.forecast import Forecast
from rollout.domain.plan import Plan
from rollout.domain.planner import outlook, suggestions
from rollout.domain.sampling import too_few

ERROR, WARNING = "error", "warning"
# Step Functions ends an execution at 25,000 events; a look is a Wait, a Task and a Choice: two,
# five and two events. Source: Step Functions developer guide, "Quotas".
MOST_EVENTS: Final = 25_000
EVENTS_PER_LOOK: Final = 9
# For everything that an execution does beside looking.
EVENTS_BESIDE: Final = 1_000


@dataclass(frozen=True)
class Found:
    """level: error or warning. field: of the plan. text: what is so, and what to do."""

    level: str
    field: str
    text: str


@dataclass(frozen=True)
class Known:
    """What the plan is held against; None for what nobody has said."""

    forecast: Forecast | None = None
    users: int = 10_000
    alarm: Alarm | None = None


def lint(document: dict[str, Any], known: Known) -> list[Found]:
    """Every finding, errors first."""
    refused = plan_documents.problems(document)
    if refused:
        return [Found(ERROR, problem.field, str(problem)) for problem in refused]
    plan = plan_documents.parse(document)
    found = [*_zone(plan), *_history(plan), *_dates(plan, known), *_alarm(plan, known)]
    found += _ceiling(plan)
    found += _samples(plan, known)
    return sorted(found, key=lambda one: one.level)


def _zone(plan: Plan) -> Iterator[Found]:
    try:
        ZoneInfo(plan.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield Found(
            ERROR,
            "time_zone",
            f"time_zone is {plan.time_zone!r}; expected an IANA name, as in Europe/Paris",
        )


def _history(plan: Plan) -> Iterator[Found]:
    """Looks so close together that Step Functions would end the execution, which rolls back."""
    every, events = plan.evaluation.every_seconds, EVENTS_BESIDE
    held = EVENTS_PER_LOOK * plan.approval_seconds // holding.wait_seconds(plan)
    for index, phase in enumerate(plan.phases):
        launch = index < 2  # the launch itself has the soak and the canary
        looks = EVENTS_PER_LOOK * phase.maximum_bake_seconds // every
        events = (events if launch and index else EVENTS_BESIDE) + looks
        if events + held > MOST_EVENTS:
            without = events > MOST_EVENTS
            longest = "its longest bake" if without else "its longest bake and a hold"
            yield Found(
                ERROR if without else WARNING,
                "evaluation.every_seconds",
                f"{phase.name}: a look every {every} s makes about "
                f"{events if without else events + held} events in {longest}, "
                f"Step Functions ends an execution at {MOST_EVENTS}; look less often",
            )


def _ceiling(plan: Plan) -> Iterator[Found]:
    """A ceiling on the shadow under which the soak can never end."""
    few = too_few(plan)
    if few:
        yield Found(
            ERROR,
            "comparison.most_per_second",
            f"{plan.most_compared_per_second:g} comparisons a second are {few[0]} in the longest "
            f"soak, {few[1]} without a difference certify it; allow more, or soak longer",
        )


def _dates(plan: Plan, known: Known) -> Iterator[Found]:
    """Steps that come later than the plan says, because what is before them takes longer."""
    days = agenda(plan, known.forecast, known.users, 0.0)
    for index, entry in enumerate(days.entries):
        said = plan.phases[index].starts_after_seconds
        if index > 1 and entry.starts_at > said:
            yield Found(
                WARNING,
                f"phases[{index}].starts_after_seconds",
                f"{entry.phase} is to start {said} s after the launch, but {entry.starts_at:.0f} s "
                "have passed when the phases before it have baked; it starts then",
            )
    if days.ends_at is not None and days.ends_at > plan.cleanup_after_seconds:
        yield Found(
            WARNING,
            "cleanup.starts_after_seconds",
            f"the cleanup is to start {plan.cleanup_after_seconds} s after the launch, but the "
            f"last phase has baked after {days.ends_at:.0f} s; it starts then",
        )


def _alarm(plan: Plan, known: Known) -> Iterator[Found]:
    alarm = known.alarm
    if alarm is None:
        return
    if alarm.arm != CANDIDATE:
        yield Found(
            ERROR,
            "alarm",
            "the alarm watches all reads, in which a small exposure does not show; "
            "its metrics need the dimension arm = candidate",
        )
    errors = next(rail for rail in plan.guardrails if rail.metric == "errors")
    if alarm.threshold / 100 < errors.tolerated:
        yield Found(
            ERROR,
            "guardrails.errors.tolerated",
            f"the alarm rings above {alarm.threshold:g} % errors, the plan tolerates "
            f"{errors.tolerated:.2%}: it would roll back what the plan lets pass",
        )
    if known.forecast is not None:
        yield from _blind(plan, known.forecast, alarm)


def _blind(plan: Plan, forecast: Forecast, alarm: Alarm) -> Iterator[Found]:
    """Phases in which the candidate has too few requests for the alarm to say anything."""
    entries = agenda(plan, forecast, 1, 0.0).entries
    unseen = []
    for phase, entry in zip(plan.phases, entries, strict=True):
        whole = forecast.requests(entry.starts_at, phase.bake_seconds)
        share = phase.exposure_bps / FULL_BPS
        each = share * whole * alarm.period_seconds / phase.bake_seconds
        if phase.exposure_bps and each < alarm.minimum:
            unseen.append(f"{phase.name} ({each:.2g})")
    if unseen:
        yield Found(
            WARNING,
            "alarm",
            f"the alarm needs {alarm.minimum} requests of the candidate in {alarm.period_seconds} "
            f"s and cannot see {', '.join(unseen)}; there only the judge watches",
        )


def _samples(plan: Plan, known: Known) -> Iterator[Found]:
    if known.forecast is None:
        yield Found(
            WARNING,
            "forecast",
            "no traffic was given, so nobody knows whether the phases can be certified in time; "
            "give --requests-per-day, --traffic or --last-days",
        )
        return
    looks = outlook(plan, known.forecast, known.users, len(plan.allow_list))
    impossible = {one.phase for one in looks if one.problem}
    for text in suggestions(looks):
        name, _, said = text.partition(": ")
        level = ERROR if name in impossible and said.startswith(("there is", "cert")) else WARNING
        yield Found(level, f"phases.{name}", text)
