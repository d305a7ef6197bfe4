"""Where a rollout's pending question is kept, with its task token, until a person answers.

The token is a bearer secret: it goes into an encrypted parameter, never into a message or a log.
"""

from dataclasses import dataclass
from typing import Any, Protocol, Self

from botocore.exceptions import ClientError

from rollout.adapters.clients import client
from rollout.domain.question import Question
from rollout.settings import Settings, settings


class Approvals(Protocol):
    """The port: one pending question per rollout."""

    def keep(self, rollout_id: str, question: Question) -> None: ...
    def forget(self, rollout_id: str) -> None: ...


@dataclass(frozen=True)
class ParameterApprovals:
    """Questions as SSM SecureString parameters under the stack's prefix."""

    api: Any
    prefix: str

    @classmethod
    def connect(cls, known: Settings | None = None) -> Self:
        """From the environment variables of the function."""
        return cls(client("ssm"), (known or settings()).text("APPROVAL_PARAMETER_PREFIX"))

    def keep(self, rollout_id: str, question: Question) -> None:
        """Keep the question; a newer one of the same rollout replaces an older one."""
        self.api.put_parameter(
            Name=self._name(rollout_id),
            Value=question.to_text(),
            Type="SecureString",
            Overwrite=True,
        )

    def pending(self, rollout_id: str) -> Question | None:
        """The question that was kept, None without one. Raises InvalidInputError."""
        try:
            found = self.api.get_parameter(Name=self._name(rollout_id), WithDecryption=True)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ParameterNotFound":
                raise
            return None
        return Question.from_text(found["Parameter"]["Value"])

    def forget(self, rollout_id: str) -> None:
        """Remove the question; harmless when there is none."""
        try:
            self.api.delete_parameter(Name=self._name(rollout_id))
        except ClientError as error:
            if error.response["Error"]["Code"] != "ParameterNotFound":
                raise

    def _name(self, rollout_id: str) -> str:
        return f"{self.prefix}/{rollout_id}"
