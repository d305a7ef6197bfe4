"""Words to people, through Amazon SNS."""

import json
from dataclasses import dataclass
from typing import Any, Final, Protocol, Self

from rollout.adapters.clients import brief_client
from rollout.domain.notice import Notice
from rollout.settings import Settings, settings
from rollout.telemetry import log

# Source: SNS API reference, Publish: ASCII, no line breaks, fewer than 100 characters.
LONGEST_SUBJECT: Final = 99


class Notifications(Protocol):
    """The port: tell people. facts: parts of the execution's document, for programs."""

    def send(self, notice: Notice, facts: dict[str, Any]) -> None: ...


@dataclass(frozen=True)
class SnsNotifications:
    """Messages to the stack's topic: text to e-mail, JSON to everything else.

    stack: the name that a person must type; "" when the default one will do.
    """

    api: Any
    topic_arn: str
    stack: str = ""

    @classmethod
    def connect(cls, known: Settings | None = None) -> Self:
        """From the environment variables of the function."""
        known = known or settings()
        return cls(brief_client("sns"), known.text("TOPIC_ARN"), known.optional("STACK_NAME"))

    def send(self, notice: Notice, facts: dict[str, Any]) -> None:
        """Publish one message. Raises what SNS raises; no caller may depend on it."""
        plain = notice.subject.encode("ascii", "replace").decode()
        subject = " ".join(plain.split())[:LONGEST_SUBJECT]
        document = json.dumps(notice.to_json(facts, self.stack), ensure_ascii=False)
        bodies = {"default": document, "email": notice.text(self.stack), "sms": subject}
        self.api.publish(
            TopicArn=self.topic_arn,
            Subject=subject,
            Message=json.dumps(bodies, ensure_ascii=False),
            MessageStructure="json",
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value}
                for name, value in notice.attributes().items()
                if value
            },
        )


def tell(notifications: Notifications, notice: Notice, facts: dict[str, Any]) -> bool:
    """Send what nothing depends on; whether it was sent. A failure leaves a line in the log."""
    try:
        notifications.send(notice, facts)
    except Exception:  # what happened has happened; a message that fails must not repeat it
        log().exception("notification failed", extra={"subject": notice.subject})
        return False
    return True
