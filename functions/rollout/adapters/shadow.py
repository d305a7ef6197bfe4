"""The tee: hand a control answer to the comparator without waiting for it."""

import json
from dataclasses import asdict, dataclass
from typing import Any, Final, Protocol

from rollout.adapters.clients import quick_client
from rollout.domain.observation import Observation
from rollout.settings import settings

TEE_TIMEOUT_MS: Final = 1000
# Source: Lambda quotas, asynchronous payload 1 MB; the rest of the event needs a little.
LARGEST_ANSWER: Final = 900_000


@dataclass(frozen=True)
class Shadow:
    """One comparison to make: who, what the control answered, which paths may differ."""

    user_id: str
    user_hash: str
    control: Observation
    ignore: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The comparator's event."""
        return {
            "userId": self.user_id,
            "userHash": self.user_hash,
            "control": asdict(self.control),
            "ignore": list(self.ignore),
        }


class Tee(Protocol):
    """The port: send; returns "" or why it could not be sent. Never raises."""

    def send(self, shadow: Shadow) -> str: ...


@dataclass(frozen=True)
class LambdaTee:
    """The comparator function's alias, invoked asynchronously.

    A thread would be frozen with the sandbox once the handler has answered, so the job is handed
    over before. Source: Lambda developer guide, "Understanding the execution environment".
    """

    api: Any
    function: str

    @classmethod
    def connect(cls) -> "LambdaTee":
        """From the environment variables of the function."""
        return cls(quick_client("lambda", TEE_TIMEOUT_MS), settings().text("COMPARE_FUNCTION"))

    def send(self, shadow: Shadow) -> str:
        """Queue one comparison; a failure is named, and must not fail the read."""
        try:
            payload = json.dumps(shadow.to_json())
            if len(payload) > LARGEST_ANSWER:
                return "AnswerTooLarge"
            self.api.invoke(FunctionName=self.function, InvocationType="Event", Payload=payload)
        except Exception as error:  # whatever it is, the user has an answer already
            return type(error).__name__
        return ""
