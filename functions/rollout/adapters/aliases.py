"""Lambda aliases: whether a release of the functions is shifting traffic right now."""

from dataclasses import dataclass
from typing import Any, Protocol, Self

from rollout.adapters.clients import client
from rollout.settings import Settings, settings


class Aliases(Protocol):
    """The port."""

    def weighted(self) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class LambdaAliases:
    """The aliases the read path is reached by, as "function:alias"."""

    api: Any
    names: tuple[str, ...]

    @classmethod
    def connect(cls, known: Settings | None = None) -> Self:
        """From the environment variables of the function."""
        return cls(client("lambda"), (known or settings()).words("READ_ALIASES"))

    def weighted(self) -> tuple[str, ...]:
        """The aliases that split traffic between versions: two canaries would confound."""
        return tuple(name for name in self.names if self._weights(name))

    def _weights(self, name: str) -> Any:
        function, _, alias = name.partition(":")
        answer = self.api.get_alias(FunctionName=function, Name=alias)
        return (answer.get("RoutingConfig") or {}).get("AdditionalVersionWeights")
