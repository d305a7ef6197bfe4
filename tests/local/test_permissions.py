"""What each role of the template may do, asked of IAM: what it needs, and nothing beside it.

Every role is assumed in turn, and every call that any of them may make is made: it is refused where
the policies do not have it, and where they do, it is refused on a neighbour of what they name.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from ops.local.deploy import deploy, physical
from ops.local.emulator import REGION, Emulator
from ops.local.lacking import UNSCOPED
from tests.functional.test_template import FUNCTIONS
from tests.policies import ROLES, UNDECIDED, resources, role_actions

pytestmark = pytest.mark.local
ROOT = Path(__file__).parents[2]
STACK = "permissions"
ARN = f"arn:aws:{{}}:{REGION}:000000000000:{{}}"
OTHER = "neighbour"
# A group of logs has in the emulator another ARN than in a policy. PassRole is no call of its own.
NO_CALL = {"iam:PassRole"}


@dataclass(frozen=True)
class Probe:
    """A call. own: its parameters in this stack; beside: those that name a neighbour instead.

    beside is empty where AWS knows nothing finer than all of a kind.
    """

    service: str
    operation: str
    own: Callable[[dict[str, str]], dict[str, Any]]
    beside: dict[str, Any]


def of_flag(**more: Any) -> Callable[[dict[str, str]], dict[str, Any]]:
    """Parameters with the ids of the flag. more: further ones; an output's name where it is one."""

    def own(outputs: dict[str, str]) -> dict[str, Any]:
        return {key: outputs.get(str(value), value) for key, value in more.items()}

    return own


APPLICATION = {"ApplicationId": "FlagApplicationId"}
ENVIRONMENT = {**APPLICATION, "EnvironmentId": "FlagEnvironmentId"}
PROFILE = {**APPLICATION, "ConfigurationProfileId": "FlagProfileId"}
DOCUMENT = {"Content": b"{}", "ContentType": "application/json"}
BESIDE = {"ApplicationId": "abcdef1"}
METRICS = {"MetricDataQueries": [], "StartTime": 1, "EndTime": 2}
SCHEDULE = {
    "Name": "x",
    "GroupName": "ScheduleGroupName",
    "ScheduleExpression": "at(2099-01-01T00:00:00)",
    "FlexibleTimeWindow": {"Mode": "OFF"},
    "Target": {"Arn": ARN.format("sqs", "x"), "RoleArn": "arn:aws:iam::000000000000:role/x"},
}
MACHINE = {"stateMachineArn": "StateMachineArn"}
ALARM = {"AlarmNames": ["any"]}
DRY = {"InvocationType": "DryRun"}


PROBES: dict[str, Probe] = {
    "appconfig:GetDeployment": Probe(
        "appconfig", "get_deployment", of_flag(**ENVIRONMENT, DeploymentNumber=999), BESIDE
    ),
    "appconfig:ListDeployments": Probe(
        "appconfig", "list_deployments", of_flag(**ENVIRONMENT), BESIDE
    ),
    "appconfig:GetHostedConfigurationVersion": Probe(
        "appconfig",
        "get_hosted_configuration_version",
        of_flag(**PROFILE, VersionNumber=1),
        BESIDE,
    ),
    "appconfig:CreateHostedConfigurationVersion": Probe(
        "appconfig", "create_hosted_configuration_version", of_flag(**PROFILE, **DOCUMENT), BESIDE
    ),
    "appconfig:StartDeployment": Probe(
        "appconfig",
        "start_deployment",
        of_flag(
            **ENVIRONMENT,
            ConfigurationProfileId="FlagProfileId",
            ConfigurationVersion="999",
            DeploymentStrategyId="RampStrategyId",
        ),
        BESIDE,
    ),
    "appconfig:StopDeployment": Probe(
        "appconfig", "stop_deployment", of_flag(**ENVIRONMENT, DeploymentNumber=999), BESIDE
    ),
    "cloudwatch:DescribeAlarms": Probe("cloudwatch", "describe_alarms", of_flag(**ALARM), {}),
    "cloudwatch:DisableAlarmActions": Probe(
        "cloudwatch", "disable_alarm_actions", of_flag(**ALARM), {}
    ),
    "cloudwatch:EnableAlarmActions": Probe(
        "cloudwatch", "enable_alarm_actions", of_flag(**ALARM), {}
    ),
    "cloudwatch:GetMetricData": Probe("cloudwatch", "get_metric_data", of_flag(**METRICS), {}),
    "scheduler:ListSchedules": Probe("scheduler", "list_schedules", of_flag(), {}),
    "scheduler:CreateSchedule": Probe("scheduler", "create_schedule", of_flag(**SCHEDULE), {}),
    "scheduler:DeleteSchedule": Probe(
        "scheduler", "delete_schedule", of_flag(Name="x", GroupName="ScheduleGroupName"), {}
    ),
    "ssm:PutParameter": Probe(
        "ssm",
        "put_parameter",
        of_flag(Name=f"/{STACK}/approvals/x", Value="x", Type="String", Overwrite=True),
        {"Name": f"/{STACK}/{OTHER}/x"},
    ),
    "ssm:DeleteParameter": Probe(
        "ssm",
        "delete_parameter",
        of_flag(Name=f"/{STACK}/approvals/x"),
        {"Name": f"/{STACK}/{OTHER}/x"},
    ),
    "ssm:GetParameter": Probe("ssm", "get_parameter", of_flag(Name=f"/{STACK}/approvals/x"), {}),
    "sns:Publish": Probe(
        "sns",
        "publish",
        of_flag(TopicArn="TopicArn", Message="x"),
        {"TopicArn": ARN.format("sns", OTHER)},
    ),
    "lambda:GetAlias": Probe(
        "lambda", "get_alias", of_flag(FunctionName="ReadFunctionName", Name="live"), {}
    ),
    "lambda:InvokeFunction": Probe("lambda", "invoke", of_flag(**DRY), {}),
    "secretsmanager:GetSecretValue": Probe(
        "secretsmanager",
        "get_secret_value",
        of_flag(SecretId=ARN.format("secretsmanager", "secret:huntaze/database-abcdef")),
        {"SecretId": ARN.format("secretsmanager", f"secret:huntaze/{OTHER}-abcdef")},
    ),
    "states:ListExecutions": Probe(
        "stepfunctions",
        "list_executions",
        of_flag(**MACHINE),
        {"stateMachineArn": ARN.format("states", f"stateMachine:{OTHER}")},
    ),
    "states:DescribeExecution": Probe(
        "stepfunctions",
        "describe_execution",
        of_flag(executionArn=ARN.format("states", f"execution:{STACK}-playbook:x")),
        {"executionArn": ARN.format("states", f"execution:{OTHER}:x")},
    ),
    "states:StartExecution": Probe(
        "stepfunctions",
        "start_execution",
        of_flag(**MACHINE, input="not json"),
        {"stateMachineArn": ARN.format("states", f"stateMachine:{OTHER}")},
    ),
    "states:StopExecution": Probe(
        "stepfunctions",
        "stop_execution",
        of_flag(executionArn=ARN.format("states", f"execution:{STACK}-playbook:x")),
        {},
    ),
    "states:SendTaskSuccess": Probe(
        "stepfunctions", "send_task_success", of_flag(taskToken="x", output="{}"), {}
    ),
    "sqs:SendMessage": Probe("sqs", "send_message", of_flag(MessageBody="x"), {}),
    "cloudformation:DescribeStacks": Probe("cloudformation", "describe_stacks", of_flag(), {}),
}


@dataclass(frozen=True)
class Stack:
    """A deployed stack whose roles this test may assume."""

    emulator: Emulator
    outputs: dict[str, str]
    names: dict[str, str]
    sessions: dict[str, Any] = field(default_factory=dict)
    clients: dict[tuple[str, str], Any] = field(default_factory=dict)

    def refusal(self, role: str, action: str, **change: Any) -> str:
        """What IAM says when a role makes that call; "" when it lets it through."""
        probe = PROBES[action]
        parameters = {**probe.own(self.outputs), **change}
        try:
            getattr(self._client(role, probe.service), probe.operation)(**parameters)
        except ClientError as error:
            text = str(error)
            return text if "AccessDenied" in text or "AuthorizationError" in text else ""
        return ""

    def _client(self, role: str, service: str) -> Any:
        if (role, service) not in self.clients:
            self.clients[role, service] = self._session(role).client(
                service, endpoint_url=self.emulator.endpoint_url
            )
        return self.clients[role, service]

    def _session(self, role: str) -> Any:
        if role not in self.sessions:
            given = self.emulator.client("sts").assume_role(
                RoleArn=f"arn:aws:iam::000000000000:role/{self.names[role]}",
                RoleSessionName="test",
            )["Credentials"]
            keys = (given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
            self.sessions[role] = boto3.session.Session(*keys, region_name=REGION)
        return self.sessions[role]


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """The real template; only whom its roles trust is another."""
    with Emulator() as emulator:
        outputs = deploy(emulator, STACK, {}, ROOT)
        names = physical(emulator, STACK)
        trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        for role in ROLES:
            emulator.client("iam").update_assume_role_policy(
                RoleName=names[role], PolicyDocument=document
            )
        yield Stack(emulator, outputs, names)


def own_and_beside(role: str, action: str, stack: Stack) -> tuple[list[Any], list[Any]]:
    """(changes of the call that name what the role may use, and those that name its neighbours)."""
    if action == "lambda:InvokeFunction":
        may = [arn(stack, target) for target in resources(role, action)]
        made = [name for name in FUNCTIONS if name in stack.names]
        others = {arn(stack, {"Fn::GetAtt": [name, "Arn"]}) for name in made} - set(may)
        return [{"FunctionName": a} for a in may], [{"FunctionName": a} for a in sorted(others)]
    if action == "sqs:SendMessage":
        queues = {"CompareRole": "ShadowFailures", "SchedulerRole": "ScheduleFailures"}
        own = queues.get(role, "GuardFailures")
        other = next(name for name in queues.values() if name != own)
        return [{"QueueUrl": stack.names[own]}], [{"QueueUrl": stack.names[other]}]
    beside = PROBES[action].beside
    return [{}], [beside] if beside else []


def arn(stack: Stack, target: dict[str, Any]) -> str:
    """Of a function, or of its alias."""
    logical = target["Fn::GetAtt"][0] if "Fn::GetAtt" in target else target["Ref"].split(".")[0]
    plain = ARN.format("lambda", f"function:{stack.names[logical]}")
    return f"{plain}:live" if "Ref" in target else plain


def test_every_action_that_a_role_has_is_probed() -> None:
    had = set[str]().union(*(role_actions(role) for role in ROLES))
    logs = {action for action in had if action.startswith("logs:")}
    assert had - logs - UNDECIDED - NO_CALL <= set(PROBES)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_allowed_what_it_has_and_refused_its_neighbour(stack: Stack, role: str) -> None:
    for action in sorted(role_actions(role) & set(PROBES)):
        own, beside = own_and_beside(role, action, stack)
        assert [stack.refusal(role, action, **change) for change in own] == [""] * len(own), action
        for change in () if action in UNSCOPED else beside:
            said = stack.refusal(role, action, **change)
            assert action in said, (action, change, said)
            assert stack.names[role] in said


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_refused_every_action_that_only_others_have(stack: Stack, role: str) -> None:
    missing = sorted(set(PROBES) - role_actions(role))
    assert len(missing) > 10
    for action in missing:
        own, beside = own_and_beside(role, action, stack)
        # A topic's own policy lets its whole account publish, so it is asked of another topic.
        for change in (beside if action == "sns:Publish" else own or beside)[:1]:
            said = stack.refusal(role, action, **change)
            assert stack.names[role] in said, (action, said)


# What the operator's commands call first or need to get anywhere.
OPERATORS = {
    "cloudformation:DescribeStacks",
    "states:StartExecution",
    "states:StopExecution",
    "states:SendTaskSuccess",
    "ssm:GetParameter",
    "appconfig:StartDeployment",
    "appconfig:CreateHostedConfigurationVersion",
    "scheduler:DeleteSchedule",
}


@pytest.mark.parametrize("name", ["ReadFunction", "CandidateFunction", "CompareFunction"])
def test_the_read_path_can_do_nothing_of_what_an_operator_does(stack: Stack, name: str) -> None:
    role = FUNCTIONS[name]["Role"]["Fn::GetAtt"][0]
    assert not OPERATORS & role_actions(role)
    assert all(stack.refusal(role, action) for action in sorted(OPERATORS))
