"""The guard: rolls back what no Catch can see.

EventBridge invokes it when an execution failed, timed out or was aborted, and when the alarm
goes to ALARM, also between two executions of a rollout.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rollout.adapters.notifications import Notifications, SnsNotifications, tell
from rollout.domain import telling
from rollout.domain.errors import InvalidInputError
from rollout.domain.messages import rollout_of
from rollout.handlers import roll_back

# Nobody has been told of these: Notify was not reached. Who aborts an execution knows it.
FAILED = ("FAILED", "TIMED_OUT")
ENDED_BADLY = (*FAILED, "ABORTED")
LONGEST_TEXT = 500


@dataclass(frozen=True)
class Ports:
    """What the guard needs from outside."""

    rollback: roll_back.Ports
    notifications: Notifications


def guard(event: dict[str, Any], ports: Ports) -> dict[str, Any]:
    """Roll back the rollout an EventBridge event is about.

    Event: "Step Functions Execution Status Change" or "CloudWatch Alarm State Change". Returns the
    outcome. People are told when something was changed, when that failed, and of an execution that
    failed before it could tell them. Raises InvalidInputError for any other event, and what
    roll_back raises: Lambda tries again, then the event goes to the dead-letter queue.
    """
    rollout_id, reason = _about(event, ports)
    if not rollout_id:
        return {"word": "NOTHING_TO_DO", "reason": reason}
    try:
        outcome = roll_back.roll_back(rollout_id, reason, ports.rollback)
    except Exception as error:
        why = f"{reason}; {type(error).__name__}: {error}"
        notice = telling.not_undone(rollout_id, "guard", why)
        tell(ports.notifications, notice, {"word": notice.word, "reason": why})
        raise
    if outcome["changed"]:
        tell(ports.notifications, telling.undone(rollout_id, "guard", outcome), outcome)
    elif _detail(event).get("status") in FAILED:
        tell(ports.notifications, telling.failed(rollout_id, outcome), outcome)
    return outcome


def _about(event: dict[str, Any], ports: Ports) -> tuple[str, str]:
    """(rollout id or "", reason)."""
    event = event if isinstance(event, Mapping) else {}
    detail = _detail(event)
    if event.get("source") == "aws.states" and detail.get("status") in ENDED_BADLY:
        name = _text(detail.get("name"))
        reason = f"execution {name} {detail['status'].lower().replace('_', ' ')}"
        cause = f" ({_text(detail.get('error'))}: {_text(detail.get('cause'))})"
        return rollout_of(_input(detail)) or name, reason + (cause if detail.get("error") else "")
    if event.get("source") == "aws.cloudwatch":
        holder = ports.rollback.flags.current(ours=True).flag.holder
        return holder, f"alarm {_text(detail.get('alarmName'))} went to ALARM"
    raise InvalidInputError(
        field="event.source",
        value=event.get("source"),
        expected=f"aws.states with status one of {ENDED_BADLY}, or aws.cloudwatch",
    )


def _detail(event: Any) -> Mapping[str, Any]:
    found = event.get("detail") if isinstance(event, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _text(value: Any) -> str:
    """A text of an event, cut; the kind of anything else."""
    return value[:LONGEST_TEXT] if isinstance(value, str) else type(value).__name__


def _input(detail: Mapping[str, Any]) -> Any:
    # Above 248 KiB EventBridge leaves the input out; the execution's name must do then.
    try:
        return json.loads(detail.get("input") or "{}")
    except (ValueError, TypeError, RecursionError):
        return {}


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """The Lambda entry point."""
    return guard(event, Ports(roll_back.Ports.connect(), SnsNotifications.connect()))
