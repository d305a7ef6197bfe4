"""Schedule the next step: the Lambda behind Schedule Ramp and Schedule Cleanup."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rollout.adapters import plan_documents
from rollout.adapters.flags import AppConfigFlags, Flags
from rollout.adapters.schedules import SchedulerSchedules, Schedules
from rollout.domain.exposure import history_for_next, holder_problem
from rollout.domain.step import LAUNCH, Step, schedule_name
from rollout.telemetry import log


class FlagLostError(RuntimeError):
    """The rollout was rolled back while its next step was being scheduled."""


@dataclass(frozen=True)
class Ports:
    """What scheduling needs from outside."""

    flags: Flags
    schedules: Schedules
    clock: Callable[[], float] = time.time


def schedule_next(event: dict[str, Any], ports: Ports) -> dict[str, Any]:
    """Create the one-time schedule that starts the execution after this one.

    Event: {"plan", "step", "exposure", "machine_arn"}. Returns the outcome: {"word": LAUNCHED or
    RAMPED, "sentence", "next", "starts_at": ISO 8601 UTC}. Raises FlagLostError, after which the
    machine rolls back.
    """
    plan, step = plan_documents.parse(event["plan"]), Step.from_json(event["step"])
    phase = plan.phase(event["exposure"]["phase"])
    history = history_for_next(event["exposure"])
    following = step.next_input(plan, phase, event["plan"], history)
    at = step.next_start(plan, phase, ports.clock())

    ports.schedules.create(schedule_name(following), at, event["machine_arn"], following)
    # Afterwards: a rollback closes the flag and then deletes what is scheduled, so that one of
    # the two sees the other.
    problem = holder_problem(ports.flags.current().flag, step)
    if problem:
        raise FlagLostError(problem)

    starts_at = datetime.fromtimestamp(at, UTC).isoformat()
    name = following["phase"] or following["action"]
    log().info("scheduled", extra={"next": name, "starts_at": starts_at})
    return {
        "word": "LAUNCHED" if step.action == LAUNCH else "RAMPED",
        "sentence": f"{phase.name} passed; {name} starts at {starts_at}",
        "next": name,
        "starts_at": starts_at,
    }


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """The Lambda entry point."""
    return schedule_next(event, Ports(AppConfigFlags.connect(), SchedulerSchedules.connect()))
