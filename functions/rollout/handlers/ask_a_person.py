"""Ask a Person: put the question, keep the task token, and let the execution wait."""

from dataclasses import dataclass
from typing import Any

from rollout.adapters.approvals import Approvals, ParameterApprovals
from rollout.adapters.notifications import Notifications, SnsNotifications
from rollout.domain.messages import rollout_of


@dataclass(frozen=True)
class Ports:
    """What asking needs from outside."""

    approvals: Approvals
    notifications: Notifications


def ask_a_person(event: dict[str, Any], ports: Ports) -> dict[str, Any]:
    """Ask whether the rollout may go on in spite of the verdict.

    Event: {"document", "task_token", "execution_arn"}. Returns {}: the answer comes through the
    token, from `rollout approve` or `rollout reject`. Silence rolls back.
    """
    document = event["document"]
    rollout_id, verdict = rollout_of(document), document["verdict"]
    ports.approvals.keep(rollout_id, event["task_token"])
    seconds = document["exposure"]["approval_seconds"]
    text = (
        f"{verdict['sentence']}\n\n"
        f"rollout approve {rollout_id} --why '…'   goes on ({verdict['next'].lower()} is next)\n"
        f"rollout reject {rollout_id} --why '…'    rolls back\n"
        f"No answer within {seconds} s rolls back."
    )
    facts = {"verdict": verdict, "execution": event["execution_arn"]}
    ports.notifications.send(f"{rollout_id}: approval wanted", text, facts)
    return {}


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """The Lambda entry point."""
    return ask_a_person(event, Ports(ParameterApprovals.connect(), SnsNotifications.connect()))
