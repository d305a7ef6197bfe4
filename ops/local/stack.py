"""The local stack: emulator, PostgreSQL, the real template, and what the emulator lacks."""

import json
import os
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from botocore.exceptions import BotoCoreError, ClientError

from ops import deployed
from ops.local.alarms import AlarmEvaluator
from ops.local.database import Database
from ops.local.deploy import deploy
from ops.local.emf import EmfForwarder
from ops.local.emulator import Emulator
from ops.local.load import Reply
from rollout.adapters import clients
from rollout.handlers.read import ARM_HEADER

ROOT: Final = Path(__file__).parents[2]
# What is faster here than on AWS, and nothing else: polls, bake, metric resolution, and budgets
# that leave room for an emulator that answers in tens of milliseconds.
PARAMETERS: Final = {
    "FlagPollSeconds": 1,
    "RampBakeMinutes": 0,
    "MetricResolutionSeconds": 1,
    "CandidateBudgetMs": 5000,
    "ShadowDeadlineMs": 5000,
    "CompareConcurrency": 4,
}


class LocalStack:
    """A running stack for the length of a `with` block; nothing of it outlives the block."""

    def __init__(self, name: str = deployed.DEFAULT_STACK) -> None:
        self.name = name
        self._cleanup = ExitStack()

    def __enter__(self) -> Self:
        """Start everything; about ten seconds. Raises what its parts raise, and cleans up."""
        with ExitStack() as starting:
            self.emulator = starting.enter_context(Emulator())
            self.database = starting.enter_context(Database())
            parameters = {**PARAMETERS, "DatabaseUrl": self.database.url}
            self.outputs = deploy(self.emulator, self.name, parameters, ROOT)
            starting.enter_context(EmfForwarder(self.emulator, self._log_groups()))
            starting.enter_context(AlarmEvaluator(self.emulator, ROOT / "template.yaml"))
            self._cleanup = starting.pop_all()
        self._enter_environment()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._cleanup.close()
        clients.client.cache_clear()

    def read(self, user_id: str) -> Reply:
        """One user's read, through the alias, as the API would make it."""
        payload = json.dumps({"userId": user_id})
        try:
            answer = self.emulator.client("lambda").invoke(
                FunctionName=self.outputs["ReadAliasArn"], Payload=payload
            )
            body = json.loads(answer["Payload"].read())
        except (ClientError, BotoCoreError, ValueError):
            return Reply(599, "none")
        if "FunctionError" in answer or not isinstance(body, dict):
            return Reply(599, "none")
        return Reply(body["statusCode"], body["headers"][ARM_HEADER])

    def _log_groups(self) -> list[str]:
        api = self.emulator.client("logs")
        return [group["logGroupName"] for group in api.describe_log_groups()["logGroups"]]

    def _enter_environment(self) -> None:
        """Point this process's own boto3 clients, those of `ops` and the adapters, at the stack."""
        os.environ.update(self.emulator.environment())
        clients.client.cache_clear()


def found(stack: LocalStack) -> deployed.Stack:
    """The stack as the CLI sees it."""
    return deployed.Stack(stack.name, dict(stack.outputs))


def settings_of(stack: LocalStack) -> Any:
    """The functions' settings of the stack."""
    return found(stack).settings()
