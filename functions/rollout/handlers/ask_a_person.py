"""Ask a Person: put the question, keep the task token, and let the execution wait."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rollout.adapters import plan_documents
from rollout.adapters.approvals import Approvals, ParameterApprovals
from rollout.adapters.notifications import Notifications, SnsNotifications
from rollout.domain import telling
from rollout.domain.messages import rollout_of
from rollout.domain.question import Question


@dataclass(frozen=True)
class Ports:
    """What asking needs from outside."""

    approvals: Approvals
    notifications: Notifications
    clock: Callable[[], float] = time.time


def ask_a_person(event: dict[str, Any], ports: Ports) -> dict[str, Any]:
    """Ask whether the rollout may go on in spite of the verdict.

    Event: {"document", "task_token", "execution_arn"}. Returns {}: the answer comes through the
    token, from `rollout approve` or `rollout reject`. Silence rolls back. Raises what SNS raises.
    """
    document = event["document"]
    rollout_id, verdict = rollout_of(document), document["verdict"]
    people = plan_documents.parse(document["plan"]).approval_people
    deadline = int(ports.clock() + document["exposure"]["approval_seconds"])
    question = Question.of(verdict, event["task_token"], deadline, people)
    ports.approvals.keep(rollout_id, question)

    facts = {
        "verdict": verdict,
        "question": question.to_json(),
        "execution": event["execution_arn"],
    }
    exposed = document["exposure"]["exposure_bps"]
    # Who is never told cannot answer: if this fails the machine rolls back now, not later.
    ports.notifications.send(telling.asked(rollout_id, question, verdict, exposed), facts)
    return {}


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """The Lambda entry point."""
    return ask_a_person(event, Ports(ParameterApprovals.connect(), SnsNotifications.connect()))
