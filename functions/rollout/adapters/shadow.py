"""The tee: hand an arm's answer to the comparator, which asks the other arm, without waiting."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol, Self

from rollout.adapters.clients import quick_client
from rollout.adapters.queueing import Queueing
from rollout.domain.cohort import CONTROL
from rollout.domain.digest import digest
from rollout.domain.flag import Flag
from rollout.domain.observation import Observation
from rollout.settings import settings

TEE_TIMEOUT_MS: Final = 1000
# Source: Lambda quotas, asynchronous payload 1 MB; the rest of the event needs a little.
LARGEST_ANSWER: Final = 900_000


@dataclass(frozen=True)
class Shadow:
    """One comparison to make: who, what the arm that served answered, what the flag says of it.

    rules: cleaning rules as text. noise_bps: basis points of comparisons for which the control is
    asked twice. digest: stands for the answer's value when that is too large to travel.
    """

    user_id: str
    user_hash: str
    answer: Observation
    rules: tuple[str, ...] = ()
    served: str = CONTROL
    bucket: int = 0
    noise_bps: int = 0
    rollout_id: str = ""
    digest: str = ""

    @classmethod
    def from_json(cls, event: Mapping[str, Any]) -> Self:
        """The comparison in the comparator's event."""
        served = event.get("served", CONTROL)
        return cls(
            event["userId"],
            event["userHash"],
            Observation(**event[served]),
            tuple(event.get("rules", ())),
            served,
            event.get("bucket", 0),
            event.get("noiseBps", 0),
            event.get("rolloutId", ""),
            event.get("digest", ""),
        )

    def under(self, flag: Flag) -> Self:
        """The same, compared as the flag says."""
        return replace(
            self,
            rules=flag.cleaning_rules,
            noise_bps=flag.noise_bps,
            rollout_id=flag.rollout_id,
        )

    def to_json(self) -> dict[str, Any]:
        """The comparator's event; the answer stands under the name of the arm that served."""
        return {
            "userId": self.user_id,
            "userHash": self.user_hash,
            "bucket": self.bucket,
            "served": self.served,
            self.served: {
                "value": self.answer.value,
                "error": self.answer.error,
                "duration_ms": self.answer.duration_ms,
            },
            "rules": list(self.rules),
            "noiseBps": self.noise_bps,
            "rolloutId": self.rollout_id,
            "digest": self.digest,
        }

    def digested(self) -> Self:
        """The same with a digest in place of the answer's value."""
        value = self.answer.value
        return replace(self, answer=replace(self.answer, value=None), digest=digest(value))


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
        api = Queueing.like(quick_client("lambda", TEE_TIMEOUT_MS))
        return cls(api, settings().text("COMPARE_FUNCTION"))

    def send(self, shadow: Shadow) -> str:
        """Queue one comparison; a failure is named, and must not fail the read."""
        try:
            payload = json.dumps(shadow.to_json())
            if len(payload) > LARGEST_ANSWER:
                payload = json.dumps(shadow.digested().to_json())
            self.api.invoke(FunctionName=self.function, InvocationType="Event", Payload=payload)
        except Exception as error:  # whatever it is, the user has an answer already
            return type(error).__name__
        return ""
