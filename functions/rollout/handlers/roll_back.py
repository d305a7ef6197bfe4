"""Roll Back: exposure to 0, whatever state the rollout is in. Idempotent, and works alone.

Used by the state of that name, by the guard, and by a person's `rollout roll-back`. The same
function proves itself before a launch, in the state Drill Rollback.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from rollout.adapters import flag_reader
from rollout.adapters.alarms import Alarms, CloudWatchAlarms
from rollout.adapters.approvals import Approvals, ParameterApprovals
from rollout.adapters.clients import ThrottledError
from rollout.adapters.closing import (
    ATTEMPTS,
    PAUSE_SECONDS,
    REFUSED,
    ROLL_BACK,
    NotRolledBackError,
    Planes,
    close,
    completed,
    needs_closing,
    note,
    verified,
)
from rollout.adapters.flags import AppConfigFlags, FlagConflictError, Flags, Served
from rollout.adapters.schedules import SchedulerSchedules, Schedules
from rollout.domain import drill as drills
from rollout.domain.flag import Flag
from rollout.domain.messages import reason_of, rollout_of
from rollout.domain.plan_reading import parse
from rollout.domain.step import Step, schedule_prefix
from rollout.telemetry import log

RESTORES: Final = 3
DRILLED: Final = "drill before the launch"


@dataclass(frozen=True)
class Ports:
    """What a rollback needs from outside.

    patient: whoever waits and comes again raises what was throttled, in place of telling of it.
    """

    flags: Flags
    served: Served
    alarms: Alarms
    schedules: Schedules
    approvals: Approvals
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    patient: bool = False

    @classmethod
    def connect(cls) -> "Ports":
        """From the environment variables of the function."""
        return cls(
            AppConfigFlags.connect(),
            flag_reader.served(),
            CloudWatchAlarms.connect(),
            SchedulerSchedules.connect(),
            ParameterApprovals.connect(),
        )

    @property
    def planes(self) -> Planes:
        """Those of the flag alone."""
        return Planes(self.flags, self.served, self.clock, self.sleep)


def roll_back(rollout_id: str, reason: str, ports: Ports) -> dict[str, Any]:
    """Close the flag and verify at the data plane that control serves everyone.

    rollout_id: only that rollout's exposure is touched, or nobody's; "" closes the flag whoever
    holds it.
    Returns the outcome {"word": "ROLLED_BACK", "reason", "changed": whether there was anything to
    undo, "holder", "exposure_bps": 0, "schedules_deleted", "seconds"}; when another rollout holds
    the flag nothing is touched and exposure_bps is the other's. Raises NotRolledBackError.
    """
    started = ports.clock()
    before = ports.flags.current(ours=True)
    holder = before.flag.rollout_id
    ours = not rollout_id or holder in ("", rollout_id)
    whose = rollout_id or holder
    # The next step must not start behind our back, so its schedule goes first.
    deleted, _ = _unscheduled(whose, ports)
    changed = ours and needs_closing(before)
    try:
        if changed:
            _tried("the alarm may undo this", lambda: _quieten(ports.alarms), ports)
            close(before, note(ROLL_BACK, holder, reason), ports.planes)
        exposure = verified(ports.planes) if ours else before.flag.exposure_at(ports.clock())
    finally:
        # Not only after silencing them: an earlier attempt may have died in between.
        off = _restored(ports) if ours else ""
    # Again for a step that was being scheduled meanwhile. Should it start, it would be refused.
    more, left = _unscheduled(whose, ports)
    kept = _unasked(whose, ports)
    outcome = {
        "word": "ROLLED_BACK",
        "reason": "; ".join(part for part in (reason, off, left, kept) if part),
        "changed": changed,
        "holder": holder,
        "exposure_bps": exposure,
        "schedules_deleted": [*deleted, *more],
        "seconds": round(ports.clock() - started, 3),
    }
    log().warning("rolled back", extra=outcome)
    return outcome


def _unscheduled(rollout_id: str, ports: Ports) -> tuple[list[str], str]:
    """(the schedules deleted, "" or why some are left)."""
    deleted: list[str] = []

    def delete() -> None:
        deleted.extend(ports.schedules.delete(schedule_prefix(rollout_id)))

    return deleted, _tried("its schedules are still there", delete, ports) if rollout_id else ""


def _unasked(rollout_id: str, ports: Ports) -> str:
    """Forget the pending question: no yes may follow a rollback. "" or why it is still kept."""
    if not rollout_id:
        return ""
    forget = partial(ports.approvals.forget, rollout_id)
    return _tried("its question is still kept", forget, ports)


def _tried(failure: str, do: Callable[[], object], ports: Ports) -> str:
    """Do what users need less than a closed flag; "" or, in words, that it failed."""
    try:
        do()
    except REFUSED as error:
        if ports.patient and isinstance(error, ThrottledError):
            raise
        log().warning(failure, extra={"reason": str(error)})
        return f"{failure}: {error}"
    return ""


def _restored(ports: Ports) -> str:
    """Let the alarms be heard again; "" or, in words, that they are not."""
    for _ in range(RESTORES):
        failure = _tried("the alarm's actions may still be off", ports.alarms.restore, ports)
        if not failure:
            break
        ports.sleep(PAUSE_SECONDS)
    return failure


def _quieten(alarms: Alarms) -> None:
    if any(state != "OK" for state in alarms.states().values()):
        alarms.silence()


def drill(event: dict[str, Any], ports: Ports) -> dict[str, Any]:
    """Prove that a rollback works, on a flag that exposes nobody, before anybody is exposed.

    Event: {"action": DRILL, "plan", "step"}. Sets the drill's flag, sees it served, rolls back,
    sees that served. Returns {"word": PROVEN or NOT_PROVEN, "reason", "set_seconds": until the
    drill's flag was served, "seconds": until the rollback of it was}. A drill that died is begun
    anew, also one whose calls were throttled. Raises what AWS raises, after which the machine
    rolls back.
    """
    # Preflight has checked the plan; what checks it must not be loaded to roll back.
    plan, step = parse(event["plan"]), Step.from_json(event["step"])
    started = ports.clock()
    problem = _set_drill(drills.drill_flag(plan, step, started), step, ports)
    took = ports.clock() - started
    back: dict[str, Any] = {"changed": False, "seconds": 0.0}
    if not problem:
        try:
            back = roll_back(step.rollout_id, DRILLED, replace(ports, patient=True))
        except NotRolledBackError as error:
            problem = str(error)
        else:
            # Whatever a rollback only tells of, a launch need not begin with.
            left = back["reason"].removeprefix(DRILLED).removeprefix("; ")
            problem = left if back["changed"] else "somebody else closed the flag meanwhile"
    drilled = {
        "word": drills.NOT_PROVEN if problem else drills.PROVEN,
        "reason": f"the rollback is not proven: {problem}" if problem else "",
        "set_seconds": round(took, 3),
        "seconds": back["seconds"],
    }
    log().info("drilled", extra=drilled)
    return drilled


def _set_drill(flag: Flag, step: Step, ports: Ports) -> str:
    """Deploy the drill's flag and see it served; "" or why not."""
    before = ports.flags.current()
    running = ports.flags.running() is not None
    problem = drills.obstacle(before.flag, step, running=running)
    if problem:
        return problem
    try:
        number = ports.flags.deploy(before, flag, f"{step.rollout_id} drill: 0 bps", urgent=True)
    except FlagConflictError as error:
        return str(error)
    if not completed(number, ports.planes):
        return f"deployment {number} of a flag that exposes nobody was undone"
    for _ in range(ATTEMPTS):
        if drills.is_served(ports.served.flag(), step, ports.clock()):
            return ""
        ports.sleep(PAUSE_SECONDS)
    return "a flag that exposes nobody was deployed, but is not served"


def answer(event: dict[str, Any], ports: Ports) -> dict[str, Any]:
    """What the machine asks for: a drill, or with "document" and "execution_name" a rollback."""
    if event.get("action") == drills.DRILL:
        return drill(event, ports)
    document = event["document"]
    rollout_id = rollout_of(document) or event["execution_name"]
    return roll_back(rollout_id, reason_of(document), ports)


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """The Lambda entry point."""
    return answer(event, Ports.connect())
