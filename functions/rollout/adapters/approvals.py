"""Where a waiting execution's task token is kept until a person answers.

The token is a bearer secret: it goes into an encrypted parameter, never into a message or a log.
"""

from dataclasses import dataclass
from typing import Any, Protocol, Self

from rollout.adapters.clients import client
from rollout.settings import Settings, settings


class Approvals(Protocol):
    """The port: keep the token of a rollout's question."""

    def keep(self, rollout_id: str, token: str) -> None: ...


@dataclass(frozen=True)
class ParameterApprovals:
    """Tokens as SSM SecureString parameters under the stack's prefix."""

    api: Any
    prefix: str

    @classmethod
    def connect(cls, known: Settings | None = None) -> Self:
        """From the environment variables of the function."""
        return cls(client("ssm"), (known or settings()).text("APPROVAL_PARAMETER_PREFIX"))

    def keep(self, rollout_id: str, token: str) -> None:
        """Keep the token; a newer question of the same rollout replaces an older one."""
        self.api.put_parameter(
            Name=f"{self.prefix}/{rollout_id}", Value=token, Type="SecureString", Overwrite=True
        )
