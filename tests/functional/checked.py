"""An account in which everything is as a launch needs it, for the checks to look at."""

import io
import json
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace
from typing import Any

from ops.local.deploy import read_template
from rollout.domain.flag import CLOSED, with_flag
from rollout.handlers.read import ARM_HEADER
from tests.fakes import ROOT
from tests.functional.aws import EMPTY, FLAG_NAME, STARTED, Aws, RefusedError

USER = {
    "id": "user-1",
    "name": "Ada Aalto",
    "email": "a@example.com",
    "plan": "free",
    "balance": "1.00",
    "created_at": "2021-01-01T00:00:00Z",
    "tags": ["beta"],
}
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function"
DAY = timedelta(days=1)
KNOWN = {
    "StateMachineArn": "arn:aws:states:us-east-1:000000000000:stateMachine:playbook",
    "ReadAliasArn": f"{FUNCTION}:read:live",
    "CandidateAliasArn": f"{FUNCTION}:candidate:live",
    "CompareFunctionName": "compare",
    "RollBackFunctionName": "roll-back",
    "ReadFunctionName": "read",
    "CandidateFunctionName": "candidate",
    "AlarmName": "rate",
}
LINE = {
    "event": "read.served",
    "path": "control",
    "user_hash": "0123456789abcdef",
    "bucket": 1,
    "exposure_bps": 0,
    "config_version": "1",
    "latency_ms": 1.5,
}
ALARM = {
    "AlarmName": "rate",
    "AlarmArn": "arn:alarm",
    "StateValue": "OK",
    "ActionsEnabled": True,
    "TreatMissingData": "notBreaching",
    "AlarmActions": ["arn:topic"],
    "Threshold": 2.0,
    "EvaluationPeriods": 5,
    "DatapointsToAlarm": 3,
    "Metrics": [
        {"Id": "rate", "Expression": "IF(req >= 20, 100 * err / req, 0)"},
        *(
            {
                "Id": ident,
                "MetricStat": {
                    "Stat": "Sum",
                    "Period": 60,
                    "Metric": {"Dimensions": [{"Name": "arm", "Value": "candidate"}]},
                },
            }
            for ident in ("req", "err")
        ),
    ],
}
TYPES = {
    name: item["Type"].replace("Serverless::Function", "Lambda::Function")
    for name, item in read_template(ROOT / "template.yaml")["Resources"].items()
    if "Condition" not in item
}


class Checked(Aws):
    """`said` replaces what an operation answers; an exception in it is raised."""

    def __init__(self, **known: Any) -> None:
        self._local = threading.local()
        self.said: dict[str, Any] = {}
        self.changed: dict[str, Any] = {}
        super().__init__(user=USER, **known)
        self.outputs.update(KNOWN)

    # The checks look from several threads, so each has parameters of its own.
    @property  # type: ignore[misc]
    def _given(self) -> dict[str, Any]:  # type: ignore[override]
        return dict(self._local.given)

    @_given.setter
    def _given(self, value: dict[str, Any]) -> None:
        self._local.given = value

    def _answer(self, model: Any, **more: Any) -> tuple[Any, dict[str, Any]]:
        if model.name in self.said:
            self.calls.append((model.name, self._given))
            said = self.said[model.name]
            if isinstance(said, RefusedError):
                code, message = said.args
                parsed = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {}}
                return SimpleNamespace(status_code=400), parsed
            return SimpleNamespace(status_code=200), dict(said)
        return super()._answer(model, **more)

    def _DescribeStacks(self) -> dict[str, Any]:  # noqa: N802  named as the API
        (stack,) = super()._DescribeStacks()["Stacks"]
        return {"Stacks": [{**stack, "CreationTime": STARTED - DAY, **self.changed}]}

    def _ListStackResources(self) -> dict[str, Any]:  # noqa: N802  named as the API
        return {
            "StackResourceSummaries": [
                {
                    "LogicalResourceId": name,
                    "PhysicalResourceId": name,
                    "ResourceType": kind,
                    "ResourceStatus": "CREATE_COMPLETE",
                }
                for name, kind in TYPES.items()
            ]
        }

    def _DescribeStateMachine(self) -> dict[str, Any]:  # noqa: N802
        return {"status": "ACTIVE"}

    def _GetFunctionConfiguration(self) -> dict[str, Any]:  # noqa: N802
        mode = {"Mode": "Active"}
        return {"State": "Active", "LastUpdateStatus": "Successful", "TracingConfig": mode}

    def _GetAlias(self) -> dict[str, Any]:  # noqa: N802
        return {"FunctionVersion": "3"}

    def _ListDeployments(self) -> dict[str, Any]:  # noqa: N802
        # AppConfig's and CodeDeploy's have one name.
        if "includeOnlyStatuses" in self._given:
            return {"deployments": []}
        return super()._ListDeployments()

    def _DescribeAlarms(self) -> dict[str, Any]:  # noqa: N802
        return {"MetricAlarms": [ALARM]}

    def _GetScheduleGroup(self) -> dict[str, Any]:  # noqa: N802
        return {"State": "ACTIVE"}

    def _ListSchedules(self) -> dict[str, Any]:  # noqa: N802
        return {"Schedules": [{"Name": name} for name in self.schedules]}

    def _DescribeLogGroups(self) -> dict[str, Any]:  # noqa: N802
        names = [name for name, kind in TYPES.items() if kind == "AWS::Logs::LogGroup"]
        return {"logGroups": [{"logGroupName": name, "retentionInDays": 30} for name in names]}

    def _GetDashboard(self) -> dict[str, Any]:  # noqa: N802
        return {"DashboardBody": '{"widgets": []}'}

    def _ListSubscriptionsByTopic(self) -> dict[str, Any]:  # noqa: N802
        return {"Subscriptions": [{"Protocol": "email", "SubscriptionArn": "arn:subscription"}]}

    def _DescribeRule(self) -> dict[str, Any]:  # noqa: N802
        return {"State": "ENABLED"}

    def _GetQueueAttributes(self) -> dict[str, Any]:  # noqa: N802
        return {"Attributes": {"ApproximateNumberOfMessages": "0"}}

    def _SimulatePrincipalPolicy(self) -> dict[str, Any]:  # noqa: N802
        return {"EvaluationResults": [{"EvalDecision": "allowed"}]}

    def _GetCallerIdentity(self) -> dict[str, Any]:  # noqa: N802
        date = format_datetime(datetime.now(UTC), usegmt=True)
        headers = {"HTTPHeaders": {"date": date}}
        return {**super()._GetCallerIdentity(), "ResponseMetadata": headers}

    def _GetApplication(self) -> dict[str, Any]:  # noqa: N802
        return {"Name": "flags"}

    def _GetEnvironment(self) -> dict[str, Any]:  # noqa: N802
        return {"Name": "production", "Monitors": [{"AlarmArn": "arn:alarm"}]}

    def _GetConfigurationProfile(self) -> dict[str, Any]:  # noqa: N802
        return {"Name": "feature-flags"}

    def _GetHostedConfigurationVersion(self) -> dict[str, Any]:  # noqa: N802
        if self._given["VersionNumber"] == 1:
            document = with_flag(EMPTY, FLAG_NAME, CLOSED)
            return {"Content": io.BytesIO(json.dumps(document).encode())}
        return super()._GetHostedConfigurationVersion()

    def _FilterLogEvents(self) -> dict[str, Any]:  # noqa: N802
        return {"events": [{"message": json.dumps(LINE)}]}

    def _Invoke(self) -> dict[str, Any]:  # noqa: N802
        name = self._given["FunctionName"]
        if name == "roll-back":
            answer: Any = {"word": "PROVEN", "reason": "", "set_seconds": 1.0, "seconds": 2.0}
        elif name.startswith("compare"):
            answer = {"outcome": "SHADOW-OK", "paths": []}
        elif name == KNOWN["ReadAliasArn"]:
            headers = {ARM_HEADER: "control"}
            answer = {"statusCode": 200, "headers": headers, "body": json.dumps(USER)}
        else:
            answer = {"user": self.user or None, "error": ""}
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}
