"""The account in memory (ops.faults), for commands: whoever makes a client, it answers.

One stack with one flag, on the real clock; what a call needs that nobody keeps answers with next
to nothing.
"""

import io
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

import boto3
import pytest

from ops.deployed import SETTINGS
from ops.faults import wire
from ops.faults.appconfig import FLAG_NAME, NOT_YET, Clock, Deployment
from ops.faults.services import Account
from ops.faults.wire import RefusedError
from rollout import settings, telemetry
from rollout.adapters import clients
from rollout.domain.flag import CLOSED, Flag, with_flag
from rollout.handlers import candidate, compare, read

# What each of the stack's outputs is; anything else is "x".
OUTPUTS = {"FlagName": FLAG_NAME, "StateMachineArn": "arn:machine", "FlagPollSeconds": "1"}
STARTED = datetime(2027, 1, 15, tzinfo=UTC)
# Service -> the prefix of its IAM actions, where that is another.
PREFIXES = {"appconfigdata": "appconfig", "stepfunctions": "states"}
ACTIONS = {"Invoke": "InvokeFunction"}


class RealClock(Clock):
    """Commands wait by it."""

    def __call__(self) -> float:
        return time.time()


class Session:
    """The session of the account that is in use. Equal clients are one: making them is slow."""

    made: ClassVar[dict[str, Any]] = {}

    def client(self, service: str, *, config: Any = None, **given: Any) -> Any:
        around = sorted(item for item in os.environ.items() if item[0].startswith("AWS_"))
        key = str((service, config and vars(config), sorted(given.items()), around))
        if key not in self.made:
            self.made[key] = wire.session().client(service, config=config, **given)
        return self.made[key]

    def __getattr__(self, name: str) -> Any:
        return getattr(wire.session(), name)


@dataclass
class Aws:
    """An account. flag, state: of the newest deployment. calls: (IAM action, parameters).

    A method named as an operation in snake_case answers it; else the account in memory does.
    """

    flag: Flag = CLOSED
    state: str = "COMPLETE"
    alarm: str = "OK"
    schedules: Sequence[str] = ()
    executions: dict[str, dict[str, Any]] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    stack: str = "huntaze-prisma-skeleton"
    user: dict[str, Any] = field(default_factory=dict)
    logs: list[str] | None = field(default_factory=list)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.outputs = {key: OUTPUTS.get(key, "x") for key in ("StateMachineArn", *SETTINGS)}
        self.account = Account(RealClock())
        self.appconfig = self.account.appconfig
        self.appconfig.bake_seconds = 0
        self.appconfig.versions.append(with_flag(self.appconfig.versions[0], FLAG_NAME, self.flag))
        bakes_until = NOT_YET if self.state == "BAKING" else 0
        self.appconfig.deployments.append(Deployment(2, 2, 0, bakes_until))
        self.account.scheduler.pending = dict.fromkeys(self.schedules, (0.0, {}))
        self.account.ssm.tokens = self.parameters
        self.account.cloudwatch.empty_from = 0

    def use(self, patch: pytest.MonkeyPatch) -> "Aws":
        """Make every client, whoever makes it, one of this account's."""
        wire.connect(self.answer)
        patch.setattr(boto3, "DEFAULT_SESSION", Session())
        patch.setattr(boto3.session, "Session", lambda *_, **__: Session())
        forget()
        return self

    def actions(self) -> set[str]:
        """The IAM actions of all calls so far."""
        return {action for action, _ in self.calls}

    def given_to(self, action: str) -> dict[str, Any]:
        """The parameters of the last call of that action."""
        return [given for name, given in self.calls if name == action][-1]

    def now(self) -> Flag:
        """The flag that is deployed."""
        return self.appconfig.flag(time.time())

    def scheduled(self) -> list[str]:
        """The names of the steps to come."""
        return list(self.account.scheduler.pending)

    def answer(self, service: str, operation: str, given: dict[str, Any]) -> dict[str, Any]:
        """As `wire` asks; raises RefusedError."""
        name = api_name(operation)
        self.calls.append((f"{PREFIXES.get(service, service)}:{ACTIONS.get(name, name)}", given))
        own = getattr(self, operation, None)
        known = own or getattr(getattr(self.account, service, None), operation, lambda _: {})
        return dict(known(given))

    def describe_alarms(self, given: dict[str, Any]) -> dict[str, Any]:
        found = [{"AlarmName": name, "StateValue": self.alarm} for name in given["AlarmNames"]]
        return {"MetricAlarms": found}

    def filter_log_events(self, _: dict[str, Any]) -> dict[str, Any]:
        if self.logs is None:
            raise RefusedError("ResourceNotFoundException", "there is no such group")
        return {"events": [{"message": line} for line in self.logs]}

    def invoke(self, _: dict[str, Any]) -> dict[str, Any]:
        answer = {"user": self.user or None, "error": ""}
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}

    def get_alias(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"FunctionVersion": "1"}

    def list_versions_by_function(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"Versions": [{"Version": "$LATEST"}, {"Version": "1"}, {"Version": "2"}]}

    def get_schedule(self, given: dict[str, Any]) -> dict[str, Any]:
        return {"Name": given["Name"], "ScheduleExpression": "at(2027-01-17T00:00:00)"}

    def get_secret_value(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"SecretString": "{}"}

    def get_parameter(self, given: dict[str, Any]) -> dict[str, Any]:
        if given["Name"] not in self.parameters:
            raise RefusedError("ParameterNotFound", "")
        return {"Parameter": {"Value": self.parameters[given["Name"]]}}

    def get_caller_identity(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"Arn": "arn:aws:iam::000000000000:user/ada"}

    def describe_stacks(self, given: dict[str, Any]) -> dict[str, Any]:
        name = given["StackName"]
        if name != self.stack:
            raise RefusedError("ValidationError", f"Stack with id {name} does not exist")
        outputs = [{"OutputKey": k, "OutputValue": v} for k, v in self.outputs.items()]
        return {"Stacks": [{"StackName": name, "Outputs": outputs}]}

    def start_execution(self, given: dict[str, Any]) -> dict[str, Any]:
        name = given["name"]
        if name in self.executions:
            raise RefusedError("ExecutionAlreadyExists", name)
        self.executions[name] = {"status": "RUNNING", "input": given["input"]}
        return {"executionArn": f"arn:{name}", "startDate": STARTED}

    def list_executions(self, _: dict[str, Any]) -> dict[str, Any]:
        newest_first = reversed(self.executions)
        return {"executions": [{"executionArn": f"arn:{name}"} for name in newest_first]}

    def describe_execution(self, given: dict[str, Any]) -> dict[str, Any]:
        name = given["executionArn"].removeprefix("arn:")
        return {"name": name, "startDate": STARTED, **self.executions[name]}

    def get_execution_history(self, _: dict[str, Any]) -> dict[str, Any]:
        state = {"name": "Bake", "input": "{}"}
        return {"events": [{"timestamp": STARTED, "stateEnteredEventDetails": state}]}

    def stop_execution(self, given: dict[str, Any]) -> dict[str, Any]:
        name = given["executionArn"].removeprefix("arn:")
        self.executions[name]["status"] = "ABORTED"
        return {}

    def send_task_success(self, given: dict[str, Any]) -> dict[str, Any]:
        if given["taskToken"] == "old":
            raise RefusedError("TaskTimedOut", "")
        return {}


def api_name(operation: str) -> str:
    """An operation as AWS calls it: list_schedules is ListSchedules."""
    return "".join(word.title() for word in operation.split("_"))


def forget() -> None:
    """Let nothing that was made once for another account or environment live on."""
    made = (clients.client, clients.brief_client, clients.quick_client)
    known = (*made, settings.settings, telemetry.log)
    for cached in (*known, read._reader, compare._ports, candidate._source):
        cached.cache_clear()
