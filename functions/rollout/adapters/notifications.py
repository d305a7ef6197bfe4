"""Words to people, through Amazon SNS."""

import json
from dataclasses import dataclass
from typing import Any, Final, Protocol, Self

from rollout.adapters.clients import client
from rollout.settings import Settings, settings

# Source: SNS API reference, Publish: ASCII, no line breaks, fewer than 100 characters.
LONGEST_SUBJECT: Final = 99


class Notifications(Protocol):
    """The port: tell people."""

    def send(self, subject: str, text: str, facts: dict[str, Any]) -> None: ...


@dataclass(frozen=True)
class SnsNotifications:
    """Messages to the stack's topic: text for people, then the facts as JSON."""

    api: Any
    topic_arn: str

    @classmethod
    def connect(cls, known: Settings | None = None) -> Self:
        """From the environment variables of the function."""
        return cls(client("sns"), (known or settings()).text("TOPIC_ARN"))

    def send(self, subject: str, text: str, facts: dict[str, Any]) -> None:
        """Publish one message. Raises what SNS raises; no caller may depend on it."""
        plain = subject.encode("ascii", "replace").decode()[:LONGEST_SUBJECT]
        self.api.publish(
            TopicArn=self.topic_arn,
            Subject=" ".join(plain.split()),
            Message=f"{text}\n\n{json.dumps(facts, indent=2, sort_keys=True)}",
        )
