"""The executions of the playbook, as Step Functions knows them."""

import json
from dataclasses import dataclass
from typing import Any, Protocol, Self

from rollout.adapters.clients import client
from rollout.domain.messages import rollout_of
from rollout.settings import Settings, settings


class Executions(Protocol):
    """The port: which run for a rollout."""

    def running(self, rollout_id: str) -> list[str]: ...


@dataclass(frozen=True)
class StepFunctionsExecutions:
    """Executions of the stack's state machine."""

    api: Any
    machine_arn: str

    @classmethod
    def connect(cls, known: Settings | None = None) -> Self:
        """From the environment variables of the function."""
        return cls(client("stepfunctions"), (known or settings()).text("STATE_MACHINE_ARN"))

    def running(self, rollout_id: str) -> list[str]:
        """The names of the rollout's executions that run now. Raises what AWS raises."""
        pages = self.api.get_paginator("list_executions").paginate(
            stateMachineArn=self.machine_arn, statusFilter="RUNNING"
        )
        found = [item["executionArn"] for page in pages for item in page["executions"]]
        answers = [self.api.describe_execution(executionArn=arn) for arn in found]
        return [answer["name"] for answer in answers if _rollout(answer) == rollout_id]


def _rollout(answer: dict[str, Any]) -> str:
    """A launch need not name its rollout; its own name is the rollout's then."""
    try:
        given = json.loads(answer.get("input") or "{}")
    except ValueError:
        given = {}
    return rollout_of(given) or str(answer["name"])
