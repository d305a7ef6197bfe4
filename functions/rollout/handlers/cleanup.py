"""Cleanup (huntaze-cleanup): the end of a finished rollout.

The candidate keeps serving everyone; the lease is lifted, the shadow ends, the flag is given back.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from rollout.adapters import flag_reader
from rollout.adapters.flags import AppConfigFlags, Flags, Served
from rollout.adapters.schedules import SchedulerSchedules, Schedules
from rollout.domain.exposure import holder_problem
from rollout.domain.flag import FULL_BPS, NO_LEASE_END
from rollout.domain.holding import HELD
from rollout.domain.step import Step, schedule_prefix
from rollout.telemetry import log

ATTEMPTS: Final = 20
PAUSE_SECONDS: Final = 1.0


class NotCleanedUpError(RuntimeError):
    """The flag without a lease could not be deployed or is not served."""


@dataclass(frozen=True)
class Ports:
    """What a cleanup needs from outside."""

    flags: Flags
    served: Served
    schedules: Schedules
    sleep: Callable[[float], None] = time.sleep


def cleanup(event: dict[str, Any], ports: Ports) -> dict[str, Any]:
    """Lift the lease and give the flag back.

    Event: {"step"}. Returns the outcome {"word": "COMPLETED", or HELD when a person has just frozen
    the rollout, "sentence", "exposure_bps"}. A repeated call finds its work done. Raises
    NotCleanedUpError, after which the machine rolls back.
    """
    step = Step.from_json(event["step"])
    before = ports.flags.current()
    done = before.flag.lease_until == NO_LEASE_END and before.flag.rollout_id == step.rollout_id
    if not done:
        problem = holder_problem(before.flag, step)
        if problem:
            raise NotCleanedUpError(problem)
        if before.flag.held_until:
            return {"word": HELD, "sentence": "it is held", "exposure_bps": FULL_BPS}
        ports.flags.deploy(
            before, before.flag.finished(), f"{step.rollout_id} completed", urgent=True
        )
    _confirm(ports)
    _unschedule(step.rollout_id, ports.schedules)
    log().info("completed", extra={"rollout_id": step.rollout_id})
    return {
        "word": "COMPLETED",
        "sentence": "the candidate serves everyone, without a lease; the mock data can go",
        "exposure_bps": FULL_BPS,
    }


def _unschedule(rollout_id: str, schedules: Schedules) -> None:
    """Normally there is none left; a step that started now would be refused."""
    try:
        schedules.delete(schedule_prefix(rollout_id))
    except (ClientError, BotoCoreError) as error:
        log().warning("schedules were not deleted", extra={"reason": str(error)})


def _confirm(ports: Ports) -> None:
    for _ in range(ATTEMPTS):
        served = ports.served.flag()
        if served.candidate_bps == FULL_BPS and served.lease_until == NO_LEASE_END:
            return
        ports.sleep(PAUSE_SECONDS)
    raise NotCleanedUpError("the flag without a lease is not served")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """The Lambda entry point."""
    return cleanup(
        event, Ports(AppConfigFlags.connect(), flag_reader.served(), SchedulerSchedules.connect())
    )
