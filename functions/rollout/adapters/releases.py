"""A code release of the functions: the versions about to be served, and CodeDeploy's question."""

import json
from dataclasses import dataclass
from typing import Any, Protocol, Self

from botocore.exceptions import BotoCoreError, ClientError

from rollout.adapters.clients import client
from rollout.domain.release import Probe, failure_of
from rollout.settings import Settings, settings


class Versions(Protocol):
    """The port: one read by every version that is newer than what its alias serves."""

    def probe(self, user_id: str) -> tuple[Probe, ...]: ...


class Release(Protocol):
    """The port: the answer to CodeDeploy."""

    def tell(self, deployment_id: str, hook_id: str, status: str) -> None: ...


@dataclass(frozen=True)
class LambdaVersions:
    """The functions that are released gradually, as "function:alias"."""

    api: Any
    names: tuple[str, ...]

    @classmethod
    def connect(cls, known: Settings | None = None) -> Self:
        """From the environment variables of the function."""
        return cls(client("lambda"), (known or settings()).words("READ_ALIASES"))

    def probe(self, user_id: str) -> tuple[Probe, ...]:
        """Ask each new version for that user. Raises what AWS raises for any other call."""
        newest = (self._newest(*name.split(":", 1)) for name in self.names)
        return tuple(self._asked(*found, user_id) for found in newest if found)

    def _newest(self, function: str, alias: str) -> tuple[str, str] | None:
        """(function, version), or None when the alias serves the newest version there is."""
        serving = self.api.get_alias(FunctionName=function, Name=alias)["FunctionVersion"]
        pages = self.api.get_paginator("list_versions_by_function").paginate(FunctionName=function)
        numbers = [v["Version"] for page in pages for v in page["Versions"]]
        newest = max((int(number) for number in numbers if number.isdigit()), default=0)
        return (function, str(newest)) if newest > int(serving) else None

    def _asked(self, function: str, version: str, user_id: str) -> Probe:
        named = f"{function}:{version}"
        try:
            answer = self.api.invoke(
                FunctionName=function, Qualifier=version, Payload=json.dumps({"userId": user_id})
            )
            body = json.loads(answer["Payload"].read())
        except (ClientError, BotoCoreError, ValueError, RecursionError) as error:
            return Probe(named, type(error).__name__)
        return Probe(named, failure_of(body, answer.get("FunctionError", "")))


@dataclass(frozen=True)
class CodeDeployRelease:
    """The deployment that asked this function."""

    api: Any

    @classmethod
    def connect(cls) -> Self:
        return cls(client("codedeploy"))

    def tell(self, deployment_id: str, hook_id: str, status: str) -> None:
        """Succeeded or Failed. Raises what AWS raises; unanswered, CodeDeploy gives up."""
        self.api.put_lifecycle_event_hook_execution_status(
            deploymentId=deployment_id, lifecycleEventHookExecutionId=hook_id, status=status
        )
