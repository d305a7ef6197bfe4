"""Notify: tell people how an execution ended."""

from typing import Any, Final

from rollout.adapters.notifications import Notifications, SnsNotifications
from rollout.domain import telling

# What a person or a tool needs to act; the plan and the raw document stay in the execution.
TOLD: Final = ("preflight", "drill", "exposure", "verdict", "approval", "outcome", "error")


def notify(event: dict[str, Any], notifications: Notifications) -> dict[str, Any]:
    """Send one message about the outcome in the document.

    Event: {"document", "execution_arn"}. Returns {"subject"}. Raises what SNS raises, which the
    machine ignores: a message that fails stops nothing.
    """
    document = event["document"]
    notice = telling.ended(document)
    facts = {key: document[key] for key in TOLD if key in document}
    notifications.send(notice, {**facts, "execution": event["execution_arn"]})
    return {"subject": notice.subject}


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """The Lambda entry point."""
    return notify(event, SnsNotifications.connect())
