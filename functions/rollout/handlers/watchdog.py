"""The watchdog: rolls back an exposure that nobody drives any more, before its lease ends it.

A schedule invokes it every few minutes. It finds what no event told the guard of, or what the
guard could not do while AWS was out.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from rollout.adapters.executions import Executions, StepFunctionsExecutions
from rollout.adapters.flags import Deployed
from rollout.adapters.notifications import Notifications, SnsNotifications, tell
from rollout.domain import holding, telling
from rollout.domain.flag import Flag
from rollout.domain.step import schedule_prefix
from rollout.handlers import roll_back

# A schedule that has just fired is gone, and its execution may not be listed yet.
LOOK_AGAIN_SECONDS: Final = 20.0


@dataclass(frozen=True)
class Ports:
    """What the watchdog needs from outside."""

    rollback: roll_back.Ports
    executions: Executions
    notifications: Notifications
    sleep: Callable[[float], None] = time.sleep


def watch(ports: Ports) -> dict[str, Any]:
    """Roll back what is exposed while no execution runs for it and no step is scheduled, and what
    a person has held, and nobody has resumed, while no execution runs for it.

    Returns {"word": "NOTHING_TO_DO", "reason"} or the rollback's outcome, of which people are
    told. Raises what AWS raises: the next look is a few minutes away.
    """
    deployed = ports.rollback.flags.current(ours=True)
    first = deployed.flag
    reason = _driven(first, ports)
    if not reason:
        ports.sleep(LOOK_AGAIN_SECONDS)
        again = ports.rollback.flags.current(ours=True).flag
        moved = (again.rollout_id, again.phase) != (first.rollout_id, first.phase)
        reason = "the flag has changed" if moved else _driven(again, ports)
    if reason:
        return {"word": "NOTHING_TO_DO", "reason": reason}
    outcome = roll_back.roll_back(first.holder, _why(deployed, ports), ports.rollback)
    if outcome["changed"]:
        tell(ports.notifications, telling.undone(first.holder, "watchdog", outcome), outcome)
    return outcome


def _why(deployed: Deployed, ports: Ports) -> str:
    flag, now = deployed.flag, ports.rollback.clock()
    if holding.is_over(flag, now):
        return holding.reason(flag, deployed.note, now)
    return f"no execution of {flag.holder} runs and none is scheduled, in phase {flag.phase}"


def _driven(flag: Flag, ports: Ports) -> str:
    """Why the flag may stay as it is; "" when nobody drives its rollout."""
    now = ports.rollback.clock()
    if not flag.holder:
        return "nobody holds the flag"
    if holding.is_over(flag, now):  # what is scheduled must not wait for a lease that has ended
        return ", ".join(ports.executions.running(flag.holder))
    if not (flag.exposure_at(now) or flag.shadow_at(now)):
        return "nobody is exposed"
    # The schedules first: one that fires in between has started an execution, which is seen then.
    scheduled = ports.rollback.schedules.names(schedule_prefix(flag.holder))
    running = ports.executions.running(flag.holder)
    return ", ".join((*running, *scheduled))


def handler(_event: dict[str, Any], _context: object) -> dict[str, Any]:
    """The Lambda entry point. The event is the schedule's and says nothing."""
    executions = StepFunctionsExecutions.connect()
    return watch(Ports(roll_back.Ports.connect(), executions, SnsNotifications.connect()))
