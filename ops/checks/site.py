"""What checks look at: a stack, its resources by logical id, and the plan if there is one."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from ops.deployed import Stack
from rollout.adapters.clients import client
from rollout.domain.forecast import Forecast
from rollout.domain.plan import Plan

# Made before the checks run, because making a client is not safe from several threads at once.
SERVICES: Final = (
    "appconfig",
    "appconfigdata",
    "cloudformation",
    "cloudwatch",
    "codedeploy",
    "events",
    "iam",
    "lambda",
    "logs",
    "scheduler",
    "sns",
    "sqs",
    "ssm",
    "stepfunctions",
    "sts",
)


class MissingPartError(Exception):
    """The stack has no such part."""


@dataclass(frozen=True)
class Site:
    """plan, document: of the rollout to come, None when none was named. user: whom probes read.

    days: of traffic that the forecast is counted from, when there is no forecast. drill: whether
    the rollback may be drilled now.
    """

    stack: Stack
    plan: Plan | None = None
    document: dict[str, Any] | None = None
    forecast: Forecast | None = None
    days: int = 7
    users: int = 10_000
    user: str = "user-1"
    drill: bool = False

    def prepare(self) -> None:
        """Make every client, and ask for the resources, before several threads need them."""
        for service in SERVICES:
            client(service)
        _ = self.resources

    @cached_property
    def resources(self) -> Mapping[str, Mapping[str, Any]]:
        """Logical id -> the resource as ListStackResources tells it."""
        pages = client("cloudformation").get_paginator("list_stack_resources")
        return {
            item["LogicalResourceId"]: item
            for page in pages.paginate(StackName=self.stack.name)
            for item in page["StackResourceSummaries"]
        }

    def physical(self, logical_id: str) -> str:
        """The physical id of a resource. Raises MissingPartError when the stack has none."""
        found = self.resources.get(logical_id, {}).get("PhysicalResourceId", "")
        if not found:
            raise MissingPartError(f"the stack has no resource {logical_id}")
        return str(found)

    def of_type(self, kind: str) -> dict[str, str]:
        """Logical id -> physical id of the resources of a type."""
        return {
            name: str(item.get("PhysicalResourceId", ""))
            for name, item in self.resources.items()
            if item["ResourceType"] == kind
        }

    @property
    def place(self) -> tuple[str, str, str]:
        """(partition, region, account) from the machine's ARN."""
        _, partition, _, region, account, *_ = self.stack.machine_arn.split(":")
        return partition, region, account

    def arn(self, service: str, rest: str, *, region: bool = True) -> str:
        """An ARN in the stack's account."""
        partition, where, account = self.place
        return f"arn:{partition}:{service}:{where if region else ''}:{account}:{rest}"

    def invoke(self, function: str, event: Any) -> Any:
        """What a function answers; raises RuntimeError naming the class of what it raised."""
        answer = client("lambda").invoke(FunctionName=function, Payload=json.dumps(event))
        body = json.loads(answer["Payload"].read() or b"null")
        if "FunctionError" in answer:
            kind = body.get("errorType", "") if isinstance(body, dict) else ""
            raise RuntimeError(f"{function} failed: {kind or answer['FunctionError']}")
        return body
