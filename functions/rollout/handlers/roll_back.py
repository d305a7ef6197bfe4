"""Roll Back: exposure to 0, whatever state the rollout is in. Idempotent, and works alone.

Used by the state of that name, by the guard, and by a person's `rollout roll-back`.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from rollout.adapters import flag_reader
from rollout.adapters.alarms import Alarms, CloudWatchAlarms
from rollout.adapters.approvals import Approvals, ParameterApprovals
from rollout.adapters.flags import AppConfigFlags, Deployed, FlagConflictError, Flags
from rollout.adapters.schedules import SchedulerSchedules, Schedules
from rollout.domain.messages import reason_of, rollout_of
from rollout.domain.step import schedule_prefix
from rollout.handlers.confirm_exposure import Served
from rollout.telemetry import log

ATTEMPTS: Final = 10
PAUSE_SECONDS: Final = 1.0
RESTORES: Final = 3
REFUSED: Final = (ClientError, BotoCoreError)


class NotRolledBackError(RuntimeError):
    """The data plane still exposes users after everything was tried."""


@dataclass(frozen=True)
class Ports:
    """What a rollback needs from outside."""

    flags: Flags
    served: Served
    alarms: Alarms
    schedules: Schedules
    approvals: Approvals
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep

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
    changed = ours and (before.strange or before.flag.enabled or before.flag.candidate_bps > 0)
    try:
        if changed:
            _close(before, f"roll back {holder}: {reason}", ports)
        exposure = _verified(ports) if ours else before.flag.exposure_at(ports.clock())
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

    return deleted, _tried("its schedules are still there", delete) if rollout_id else ""


def _unasked(rollout_id: str, ports: Ports) -> str:
    """Forget the pending question: no yes may follow a rollback. "" or why it is still kept."""
    if not rollout_id:
        return ""
    return _tried("its question is still kept", lambda: ports.approvals.forget(rollout_id))


def _tried(failure: str, do: Callable[[], object]) -> str:
    """Do what users need less than a closed flag; "" or, in words, that it failed."""
    try:
        do()
    except REFUSED as error:
        log().warning(failure, extra={"reason": str(error)})
        return f"{failure}: {error}"
    return ""


def _restored(ports: Ports) -> str:
    """Let the alarms be heard again; "" or, in words, that they are not."""
    for _ in range(RESTORES):
        failure = _tried("the alarm's actions may still be off", ports.alarms.restore)
        if not failure:
            break
        ports.sleep(PAUSE_SECONDS)
    return failure


def _quieten(alarms: Alarms) -> None:
    if any(state != "OK" for state in alarms.states().values()):
        alarms.silence()


def _close(before: Deployed, note: str, ports: Ports) -> None:
    """Stop what runs and deploy the closed flag, again until nobody is in between."""
    _tried("the alarm may undo this", lambda: _quieten(ports.alarms))
    for attempt in range(1, ATTEMPTS + 1):
        running = ports.flags.running()
        if running:
            ports.flags.stop(running.number)
            before = ports.flags.current(ours=True)
        try:
            number = ports.flags.deploy(before, before.flag.closed(), _short(note), urgent=True)
        except FlagConflictError:
            if attempt == ATTEMPTS:
                raise
            ports.sleep(PAUSE_SECONDS)
            before = ports.flags.current(ours=True)
            continue
        if _completed(number, ports):
            return
        before = ports.flags.current(ours=True)
    raise NotRolledBackError(f"{ATTEMPTS} deployments of the closed flag were undone")


def _completed(number: int, ports: Ports) -> bool:
    for _ in range(ATTEMPTS):
        state = ports.flags.deployment(number).state
        if state == "COMPLETE":
            return True
        if state in ("ROLLED_BACK", "REVERTED"):
            return False
        ports.sleep(PAUSE_SECONDS)
    return False


def _verified(ports: Ports) -> int:
    """The exposure a new reader is served; 0, or NotRolledBackError."""
    seen = "was not asked"
    for _ in range(ATTEMPTS):
        try:
            exposure = ports.served.flag().exposure_at(ports.clock())
        except ValueError:
            seen = "still serves a flag that is not ours"
        except REFUSED as error:
            seen = f"does not answer: {error}"
        else:
            if exposure == 0:
                return 0
            seen = f"still serves {exposure} basis points"
        ports.sleep(PAUSE_SECONDS)
    raise NotRolledBackError(f"the data plane {seen}")


def _short(note: str) -> str:
    # AppConfig descriptions are ASCII and at most 1024 characters.
    return note.encode("ascii", "replace").decode()[:500]


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """The Lambda entry point. Event: {"document": the execution's document, "execution_name"}."""
    document = event["document"]
    rollout_id = rollout_of(document) or event["execution_name"]
    return roll_back(rollout_id, reason_of(document), Ports.connect())
