"""How much of what AWS charges for a rollout uses: from its plan and traffic, or from its record.

What belongs to the rollout is counted apart from the reads, which would happen all the same.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ops.plans.agenda import agenda
from rollout.adapters.metrics import TENANT_METRICS, WANTED
from rollout.domain.exposure import LONGEST_WAIT_SECONDS, POLLS
from rollout.domain.flag import FULL_BPS
from rollout.domain.forecast import Forecast
from rollout.domain.plan import CANARY, RAMP, Phase, Plan
from rollout.domain.planner import shadow_expected

# States of the playbook that every execution visits, by what it does; then what each exposure, each
# look at the data plane and each look at the evidence adds. tests/functional/test_costs.py holds
# these to the machine.
LAUNCH_STATES: Final = (
    "Preflight",
    "Fit to Start?",
    "Drill Rollback",
    "Rollback Proven?",
    "What Comes Next?",
    "Schedule Ramp",
    "Notify",
    "How Did It End?",
    "Launched",
)
RAMP_STATES: Final = (
    "Preflight",
    "Fit to Start?",
    "What Comes Next?",
    "Schedule Ramp",
    "Notify",
    "How Did It End?",
    "Ramped",
)
CLEANUP_STATES: Final = (
    "Preflight",
    "Fit to Start?",
    "Cleanup",
    "Cleaned Up?",
    "Notify",
    "How Did It End?",
    "Completed",
)
EXPOSURE_STATES: Final = ("Raise Exposure", "Confirm Exposure", "Exposure Served?")
SPREAD_STATES: Final = ("Let It Spread", "Confirm Exposure", "Exposure Served?")
LOOK_STATES: Final = ("Bake", "Evaluate Metrics", "Go / No-Go?")
# States that invoke no function.
NO_TASK: Final = frozenset(
    {
        "Fit to Start?",
        "Held",
        "Rollback Proven?",
        "Exposure Served?",
        "Let It Spread",
        "Shadow Soak",
        "Shadow Sound?",
        "Bake",
        "Go / No-Go?",
        "Approved?",
        "What Comes Next?",
        "Cleaned Up?",
        "How Did It End?",
        "Refuse",
        "Launched",
        "Ramped",
        "Completed",
        "Rolled Back",
        "Refused",
        "Control Not Confirmed",
    }
)
EVALUATING: Final = ("Evaluate Shadow", "Evaluate Metrics")
# Each of these opens a session of its own at AppConfig's data plane, and receives the document.
RECEIVING: Final = ("Confirm Exposure", "Roll Back", "Drill Rollback", "Cleanup")
EXPOSING: Final = ("Start Shadow", "Enable Canary", "Raise Exposure", "Step Down")


@dataclass(frozen=True)
class Deployment:
    """What neither plan nor traffic says: the template's parameters, and guesses of how it runs.

    sandboxes: warm at once; lives_seconds: how long each lives. bake_minutes: RampBakeMinutes.
    traced: share of reads that are traced.
    """

    poll_seconds: int = 45
    bake_minutes: int = 5
    sandboxes: int = 3
    lives_seconds: int = 2 * 3600
    traced: float = 0.0


@dataclass(frozen=True)
class Usage:
    """Counts over the length of a rollout; requests are of users, whoever answered them."""

    seconds: float = 0.0
    executions: int = 0
    states: int = 0
    tasks: int = 0
    evaluations: int = 0
    metrics_asked: int = 0
    exposures: int = 0
    received: int = 0
    messages: int = 0
    tenants: int = 0
    requests: float = 0.0
    by_candidate: float = 0.0
    compared: float = 0.0

    def __add__(self, other: "Usage") -> "Usage":
        """The sum of two; tenants are the same ones in both."""
        summed = {name: value + vars(other)[name] for name, value in vars(self).items()}
        return Usage(**{**summed, "tenants": max(self.tenants, other.tenants)})


def of_plan(plan: Plan, forecast: Forecast | None, deployed: Deployment, until: str = "") -> Usage:
    """A rollout that nothing stops, launched now; until: the last phase to count, "" for all."""
    last = plan.phase(until).name if until else ""
    days = agenda(plan, forecast, 1, 0.0)
    total = Usage(tenants=len(plan.tenants))
    for phase, entry in zip(plan.phases, days.entries, strict=True):
        ends = entry.latest_at if entry.ends_at is None else entry.ends_at
        total += _phase(plan, phase, ends - entry.starts_at, deployed)
        if phase.name != last:
            ends = _until(plan, phase, ends)
        if forecast is not None:
            total += _reads(plan, phase, forecast, entry.starts_at, ends)
        if phase.name == last:
            return total
    return total + _steps(CLEANUP_STATES, messages=1, executions=1, received=1)


def _until(plan: Plan, phase: Phase, ends: float) -> float:
    """An exposure stands until the next phase begins."""
    following = plan.after(phase.name)
    starts = following.starts_after_seconds if following else plan.cleanup_after_seconds
    return max(ends, float(starts))


def _phase(plan: Plan, phase: Phase, lasts: float, deployed: Deployment) -> Usage:
    looks = math.ceil(lasts / plan.evaluation.every_seconds)
    spreads = _spreads(deployed)
    asked = len(WANTED) + 2 * len(TENANT_METRICS) * len(plan.tenants)
    before = 1 + _counted(plan.most_compared_per_second)
    total = _steps(EXPOSURE_STATES, exposures=1, received=1, metrics_asked=before, messages=1)
    total += _repeated(SPREAD_STATES, spreads, received=spreads)
    total += _repeated(LOOK_STATES, looks, evaluations=looks, metrics_asked=asked * looks)
    if phase.kind == CANARY:
        # The drill sees its flag served, and then the rollback of it.
        total += _steps(LAUNCH_STATES, executions=1, messages=1, received=2)
    elif phase.kind == RAMP:
        total += _steps(RAMP_STATES, executions=1, messages=1)
    return total


def _counted(ceiling: float | None) -> int:
    """Metrics that Set Exposure asks for to share out a ceiling on the shadow."""
    return len(WANTED) if ceiling else 0


def _spreads(deployed: Deployment) -> int:
    """Looks until a deployment has baked and every reader has polled."""
    wait = min(LONGEST_WAIT_SECONDS, max(1, deployed.poll_seconds // 2))
    return math.ceil(60 * deployed.bake_minutes / wait) + (POLLS * deployed.poll_seconds > 0)


def _steps(states: tuple[str, ...], **counts: int) -> Usage:
    return _repeated(states, 1, **counts)


def _repeated(states: tuple[str, ...], times: int, **counts: int) -> Usage:
    tasks = sum(name not in NO_TASK for name in states)
    return Usage(states=times * len(states), tasks=times * tasks, **counts)


def _reads(plan: Plan, phase: Phase, forecast: Forecast, start: float, end: float) -> Usage:
    """The reads while the phase's exposure stands, and those that are compared."""
    requests = forecast.requests(start, end - start)
    by_candidate = requests * phase.exposure_bps / FULL_BPS
    compared = requests * shadow_expected(plan, phase, forecast, start)
    return Usage(
        seconds=end - start, requests=requests, by_candidate=by_candidate, compared=compared
    )


def of_record(record: Mapping[str, Any]) -> Usage:
    """A rollout that was, or goes on, from what ops.records reads back; its reads are measured."""
    visits = [visit for item in record["executions"] for visit in item["visits"]]
    states = [visit["state"] for visit in visits]
    retried = sum(len(visit["failures"]) for visit in visits)
    tenants = len(record["plan"].get("cohort", {}).get("tenants", ()))
    evaluations = sum(state in EVALUATING for state in states)
    exposures = sum(state in EXPOSING for state in states)
    asked = len(WANTED) + 2 * len(TENANT_METRICS) * tenants
    ceiling = record["plan"].get("comparison", {}).get("most_per_second")
    drills = states.count("Drill Rollback")
    minutes = record["minutes"]
    end = record["ended_at"] or record["read_at"]
    return Usage(
        seconds=end - record["launched_at"],
        executions=len(record["executions"]),
        states=len(states) + retried,
        tasks=sum(state not in NO_TASK for state in states) + retried,
        evaluations=evaluations,
        metrics_asked=evaluations * asked + exposures * (1 + _counted(ceiling)),
        exposures=exposures,
        received=sum(state in RECEIVING for state in states) + drills,
        messages=states.count("Notify") + states.count("Ask a Person") + exposures,
        tenants=tenants,
        requests=sum(_count(minute, arm) for minute in minutes for arm in ("control", "candidate")),
        by_candidate=sum(_count(minute, "candidate") for minute in minutes),
        compared=sum(_compared(minute) for minute in minutes),
    )


def _count(minute: Mapping[str, Any], arm: str) -> int:
    return int((minute[arm] or {}).get("requests", 0))


def _compared(minute: Mapping[str, Any]) -> int:
    shadow = minute["shadow"] or {}
    return int(shadow.get("compared", 0) + shadow.get("failed", 0))
