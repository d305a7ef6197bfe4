"""AWS in memory, behind real boto3 clients: requests are checked against botocore's models.

One stack with one flag; what a call needs that is not kept here answers with next to nothing.
"""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from ops.deployed import SETTINGS
from rollout import settings, telemetry
from rollout.adapters import clients
from rollout.domain.flag import CLOSED, Flag, with_flag
from rollout.handlers import candidate, compare, read

FLAG_NAME = "prismaAdapter"
EMPTY: dict[str, Any] = {"version": "1", "flags": {}, "values": {}}
# What each of the stack's outputs is; anything else is "x".
OUTPUTS = {"FlagName": FLAG_NAME, "StateMachineArn": "arn:machine", "FlagPollSeconds": "1"}
STARTED = datetime(2027, 1, 15, tzinfo=UTC)
# Service -> the prefix of its IAM actions, where that is another.
PREFIXES = {"appconfigdata": "appconfig", "stepfunctions": "states"}
ACTIONS = {"Invoke": "InvokeFunction"}


class RefusedError(Exception):
    """An error answer: its code and message."""


@dataclass
class Aws:
    """An account. flag, state: of the newest deployment. calls: (IAM action, parameters)."""

    flag: Flag = CLOSED
    state: str = "COMPLETE"
    alarm: str = "OK"
    schedules: list[str] = field(default_factory=list)
    executions: dict[str, dict[str, Any]] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    stack: str = "huntaze-prisma-skeleton"
    user: dict[str, Any] = field(default_factory=dict)
    logs: list[str] | None = field(default_factory=list)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.schedules = list(self.schedules)
        self.outputs = {key: OUTPUTS.get(key, "x") for key in ("StateMachineArn", *SETTINGS)}
        self._documents = {"1": with_flag(EMPTY, FLAG_NAME, CLOSED)}
        self._notes: dict[str, str] = {}
        self._deployments = [{"DeploymentNumber": 1, "State": "COMPLETE"}]
        self._add(with_flag(EMPTY, FLAG_NAME, self.flag), self.state)
        self._deployments[0]["ConfigurationVersion"] = "1"
        self._given: dict[str, Any] = {}

    def use(self, patch: pytest.MonkeyPatch) -> "Aws":
        """Make every client, whoever makes it, one of this account's."""
        CURRENT[:] = [self]
        patch.setattr(boto3, "DEFAULT_SESSION", session())
        patch.setattr(boto3.session, "Session", lambda *_, **__: session())
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
        values = self._documents[self._effective()["ConfigurationVersion"]]["values"][FLAG_NAME]
        return Flag(
            **{k: tuple(v) if isinstance(v, list) else v for k, v in values.items() if v != []}
        )

    def _note(self, params: dict[str, Any], **_: Any) -> None:
        self._given = dict(params)

    def _answer(self, model: Any, **_: Any) -> tuple[Any, dict[str, Any]]:
        service = PREFIXES.get(model.service_model.service_name, model.service_model.service_name)
        self.calls.append((f"{service}:{ACTIONS.get(model.name, model.name)}", self._given))
        known: Callable[[], dict[str, Any]] = getattr(self, f"_{model.name}", dict)
        try:
            return SimpleNamespace(status_code=200), known()
        except RefusedError as error:
            code, message = error.args
            parsed = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {}}
            return SimpleNamespace(status_code=400), parsed

    # AppConfig

    def _add(self, document: dict[str, Any], state: str) -> int:
        number = len(self._deployments) + 1
        self._documents[str(number)] = document
        added = {"DeploymentNumber": number, "State": state, "ConfigurationVersion": str(number)}
        self._deployments.append(added)
        return number

    def _effective(self) -> dict[str, Any]:
        return [item for item in self._deployments if item["State"] != "ROLLED_BACK"][-1]

    def _ListDeployments(self) -> dict[str, Any]:  # noqa: N802  named as the API
        return {"Items": self._deployments[::-1]}

    def _GetHostedConfigurationVersion(self) -> dict[str, Any]:  # noqa: N802
        document = self._documents[str(self._given["VersionNumber"])]
        note = self._notes.get(str(self._given["VersionNumber"]), "")
        return {"Content": io.BytesIO(json.dumps(document).encode()), "Description": note}

    def _CreateHostedConfigurationVersion(self) -> dict[str, Any]:  # noqa: N802
        self._stored = json.loads(self._given["Content"])
        number = len(self._deployments) + 1
        self._notes[str(number)] = self._given.get("Description", "")
        return {"VersionNumber": number}

    def _StartDeployment(self) -> dict[str, Any]:  # noqa: N802
        return {"DeploymentNumber": self._add(self._stored, "COMPLETE")}

    def _GetDeployment(self) -> dict[str, Any]:  # noqa: N802
        return dict(self._deployments[self._given["DeploymentNumber"] - 1])

    def _StopDeployment(self) -> dict[str, Any]:  # noqa: N802
        self._deployments[self._given["DeploymentNumber"] - 1]["State"] = "ROLLED_BACK"
        return {}

    def _StartConfigurationSession(self) -> dict[str, Any]:  # noqa: N802
        return {"InitialConfigurationToken": "token"}

    def _GetLatestConfiguration(self) -> dict[str, Any]:  # noqa: N802
        values = self._documents[self._effective()["ConfigurationVersion"]]["values"]
        body = io.BytesIO(json.dumps(values).encode())
        return {"NextPollConfigurationToken": "token", "Configuration": body}

    # The others

    def _DescribeAlarms(self) -> dict[str, Any]:  # noqa: N802
        found = [{"AlarmName": n, "StateValue": self.alarm} for n in self._given["AlarmNames"]]
        return {"MetricAlarms": found}

    def _GetMetricData(self) -> dict[str, Any]:  # noqa: N802
        asked = self._given["MetricDataQueries"]
        results = [{"Id": query["Id"], "Timestamps": [], "Values": []} for query in asked]
        return {"MetricDataResults": [{**result, "StatusCode": "Complete"} for result in results]}

    def _FilterLogEvents(self) -> dict[str, Any]:  # noqa: N802
        if self.logs is None:
            raise RefusedError("ResourceNotFoundException", "there is no such group")
        return {"events": [{"message": line} for line in self.logs]}

    def _Invoke(self) -> dict[str, Any]:  # noqa: N802
        answer = {"user": self.user or None, "error": ""}
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}

    def _GetAlias(self) -> dict[str, Any]:  # noqa: N802
        return {"FunctionVersion": "1"}

    def _ListVersionsByFunction(self) -> dict[str, Any]:  # noqa: N802
        return {"Versions": [{"Version": "$LATEST"}, {"Version": "1"}, {"Version": "2"}]}

    def _ListSchedules(self) -> dict[str, Any]:  # noqa: N802
        names = [name for name in self.schedules if name.startswith(self._given["NamePrefix"])]
        return {"Schedules": [{"Name": name} for name in names]}

    def _GetSchedule(self) -> dict[str, Any]:  # noqa: N802
        return {"Name": self._given["Name"], "ScheduleExpression": "at(2027-01-17T00:00:00)"}

    def _DeleteSchedule(self) -> dict[str, Any]:  # noqa: N802
        self.schedules.remove(self._given["Name"])
        return {}

    def _GetSecretValue(self) -> dict[str, Any]:  # noqa: N802
        return {"SecretString": "{}"}

    def _PutParameter(self) -> dict[str, Any]:  # noqa: N802
        self.parameters[self._given["Name"]] = self._given["Value"]
        return {}

    def _GetParameter(self) -> dict[str, Any]:  # noqa: N802
        if self._given["Name"] not in self.parameters:
            raise RefusedError("ParameterNotFound", "")
        return {"Parameter": {"Value": self.parameters[self._given["Name"]]}}

    def _DeleteParameter(self) -> dict[str, Any]:  # noqa: N802
        if self.parameters.pop(self._given["Name"], None) is None:
            raise RefusedError("ParameterNotFound", "")
        return {}

    def _GetCallerIdentity(self) -> dict[str, Any]:  # noqa: N802
        return {"Arn": "arn:aws:iam::000000000000:user/ada"}

    def _DescribeStacks(self) -> dict[str, Any]:  # noqa: N802
        name = self._given["StackName"]
        if name != self.stack:
            raise RefusedError("ValidationError", f"Stack with id {name} does not exist")
        outputs = [{"OutputKey": k, "OutputValue": v} for k, v in self.outputs.items()]
        return {"Stacks": [{"StackName": name, "Outputs": outputs}]}

    def _StartExecution(self) -> dict[str, Any]:  # noqa: N802
        name = self._given["name"]
        if name in self.executions:
            raise RefusedError("ExecutionAlreadyExists", name)
        self.executions[name] = {"status": "RUNNING", "input": self._given["input"]}
        return {"executionArn": f"arn:{name}", "startDate": STARTED}

    def _ListExecutions(self) -> dict[str, Any]:  # noqa: N802
        newest_first = reversed(self.executions)
        return {"executions": [{"executionArn": f"arn:{name}"} for name in newest_first]}

    def _DescribeExecution(self) -> dict[str, Any]:  # noqa: N802
        name = self._given["executionArn"].removeprefix("arn:")
        return {"name": name, "startDate": STARTED, **self.executions[name]}

    def _GetExecutionHistory(self) -> dict[str, Any]:  # noqa: N802
        state = {"name": "Bake", "input": "{}"}
        return {"events": [{"timestamp": STARTED, "stateEnteredEventDetails": state}]}

    def _StopExecution(self) -> dict[str, Any]:  # noqa: N802
        name = self._given["executionArn"].removeprefix("arn:")
        self.executions[name]["status"] = "ABORTED"
        return {}

    def _SendTaskSuccess(self) -> dict[str, Any]:  # noqa: N802
        if self._given["taskToken"] == "old":
            raise RefusedError("TaskTimedOut", "")
        return {}


CURRENT: list[Aws] = []


@cache
def session() -> Any:
    """One for all accounts, because making one is slow; the account in use answers."""
    known = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}
    made: Any = boto3.Session(**known)
    made.events.register("before-parameter-build", lambda **given: CURRENT[0]._note(**given))
    made.events.register("before-call", lambda **given: CURRENT[0]._answer(**given))
    return made


def forget() -> None:
    """Let nothing that was made once for another account or environment live on."""
    made = (clients.client, clients.brief_client, clients.quick_client)
    known = (*made, settings.settings, telemetry.log)
    for cached in (*known, read._reader, compare._ports, candidate._source):
        cached.cache_clear()
