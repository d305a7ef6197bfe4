"""An account in which everything is as a launch needs it, for the checks to look at."""

import io
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace
from typing import Any

from ops.templates import read_template
from rollout.handlers.read import ARM_HEADER
from tests.fakes import ROOT
from tests.functional.aws import STARTED, Aws, RefusedError, api_name

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
    """`said` replaces what an operation answers; an exception in it is raised.

    changed: what else the stack says of itself. releases: deployments of CodeDeploy that run.
    """

    def __init__(self, **known: Any) -> None:
        self.said: dict[str, Any] = {}
        self.changed: dict[str, Any] = {}
        self.releases: list[str] = []
        super().__init__(user=USER, **known)
        self.outputs.update(KNOWN)
        releases = SimpleNamespace(list_deployments=lambda _: {"deployments": self.releases})
        self.account.codedeploy = releases

    def answer(self, service: str, operation: str, given: dict[str, Any]) -> dict[str, Any]:
        name = api_name(operation)
        if name not in self.said:
            return super().answer(service, operation, given)
        self.calls.append((f"{service}:{name}", given))
        said = self.said[name]
        if isinstance(said, RefusedError):
            raise said
        return dict(said)

    def describe_stacks(self, given: dict[str, Any]) -> dict[str, Any]:
        (stack,) = super().describe_stacks(given)["Stacks"]
        return {"Stacks": [{**stack, "CreationTime": STARTED - DAY, **self.changed}]}

    def list_stack_resources(self, _: dict[str, Any]) -> dict[str, Any]:
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

    def describe_state_machine(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"status": "ACTIVE"}

    def get_function_configuration(self, _: dict[str, Any]) -> dict[str, Any]:
        mode = {"Mode": "Active"}
        return {"State": "Active", "LastUpdateStatus": "Successful", "TracingConfig": mode}

    def get_alias(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"FunctionVersion": "3"}

    def describe_alarms(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"MetricAlarms": [ALARM]}

    def get_schedule_group(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"State": "ACTIVE"}

    def describe_log_groups(self, _: dict[str, Any]) -> dict[str, Any]:
        names = [name for name, kind in TYPES.items() if kind == "AWS::Logs::LogGroup"]
        return {"logGroups": [{"logGroupName": name, "retentionInDays": 30} for name in names]}

    def get_dashboard(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"DashboardBody": '{"widgets": []}'}

    def list_subscriptions_by_topic(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"Subscriptions": [{"Protocol": "email", "SubscriptionArn": "arn:subscription"}]}

    def describe_rule(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"State": "ENABLED"}

    def get_queue_attributes(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"Attributes": {"ApproximateNumberOfMessages": "0"}}

    def simulate_principal_policy(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"EvaluationResults": [{"EvalDecision": "allowed"}]}

    def get_caller_identity(self, given: dict[str, Any]) -> dict[str, Any]:
        date = format_datetime(datetime.now(UTC), usegmt=True)
        headers = {"HTTPHeaders": {"date": date}}
        return {**super().get_caller_identity(given), "ResponseMetadata": headers}

    def get_application(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"Name": "flags"}

    def get_environment(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"Name": "production", "Monitors": [{"AlarmArn": "arn:alarm"}]}

    def get_configuration_profile(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"Name": "feature-flags"}

    def filter_log_events(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"events": [{"message": json.dumps(LINE)}]}

    def invoke(self, given: dict[str, Any]) -> dict[str, Any]:
        name = given["FunctionName"]
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
