"""Tell Chat: what the topic says, to a chat's incoming webhook. Optional; SNS invokes it.

It raises when the chat does not take a message: Lambda tries again, then the event goes to the
dead-letter queue.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rollout.adapters.webhook import SecretWebhook, Webhook
from rollout.domain import chat
from rollout.domain.errors import InvalidInputError
from rollout.settings import SettingInvalidError, settings
from rollout.telemetry import log


@dataclass(frozen=True)
class Ports:
    """What telling needs from outside. kind: one of chat.KINDS."""

    webhook: Webhook
    kind: str


def tell_chat(event: Any, ports: Ports) -> dict[str, Any]:
    """Post each message of an SNS event. Returns {"told": how many}.

    Raises InvalidInputError for another event, and what the webhook raises.
    """
    records = event.get("Records") if isinstance(event, Mapping) else None
    if not isinstance(records, list):
        raise InvalidInputError(
            field="event.Records", value=type(records).__name__, expected="the records of SNS"
        )
    if ports.kind not in chat.KINDS:
        raise SettingInvalidError("CHAT_KIND", ports.kind, f"one of {', '.join(chat.KINDS)}")
    messages = [chat.said(record) for record in records]
    for message in messages:
        ports.webhook.post(chat.KINDS[ports.kind](message))
        log().info("chat told", extra={"title": message.title})
    return {"told": len(messages)}


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """The Lambda entry point."""
    return tell_chat(event, Ports(SecretWebhook.connect(), settings().text("CHAT_KIND")))
