"""Every call that an adapter makes is checked against botocore's model, and so is its refusal."""

import ast
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError

from rollout.adapters.alarms import CloudWatchAlarms
from rollout.adapters.aliases import LambdaAliases
from rollout.adapters.approvals import ParameterApprovals
from rollout.adapters.executions import StepFunctionsExecutions
from rollout.adapters.flags import AppConfigFlags
from rollout.adapters.notifications import SnsNotifications, tell
from rollout.adapters.releases import LambdaVersions
from rollout.adapters.schedules import SchedulerSchedules
from rollout.adapters.shadow_log import ShadowLog
from rollout.domain.flag import CLOSED
from rollout.domain.notice import Notice
from rollout.domain.question import Question
from tests.fakes import ROOT
from tests.functional.test_adapters import Api, content, document

ADAPTERS: Final = ROOT / "functions" / "rollout" / "adapters"
TESTS: Final = ROOT / "tests" / "functional"
MACHINE: Final = "arn:aws:states:us-east-1:000000000000:stateMachine:m"
EXECUTION: Final = "arn:aws:states:us-east-1:000000000000:execution:m:{}"
Answers = list[tuple[str, dict[str, Any]]]
DEPLOYED: Final = {"DeploymentNumber": 6, "State": "COMPLETE", "ConfigurationVersion": "8"}
LISTED: Final = ("list_deployments", {"Items": [DEPLOYED]})


def flags(api: Any) -> AppConfigFlags:
    return AppConfigFlags(api, "app", "env", "profile", "prismaAdapter", "ramp", "urgent")


def read_back() -> Answers:
    """What AppConfig answers to who asks for the flag; a body can be read once."""
    body = json.dumps(document()).encode()
    return [LISTED, ("get_hosted_configuration_version", content(body))]


def deploying(api: Any) -> None:
    before = flags(api).current()
    flags(api).deploy(before, CLOSED, "note", urgent=False)


def question() -> Question:
    return Question("token", "canary", "INVESTIGATE: x.", "0123456789abcdef", 1_800_000_000)


# Operation -> (service, what is answered before it, who calls it).
CALLS: Final[dict[str, tuple[str, Callable[[], Answers], Callable[[Any], Any]]]] = {
    "list_deployments": ("appconfig", list, lambda api: flags(api).running()),
    "get_hosted_configuration_version": (
        "appconfig",
        lambda: [LISTED],
        lambda api: flags(api).current(),
    ),
    "get_deployment": ("appconfig", list, lambda api: flags(api).deployment(7)),
    "create_hosted_configuration_version": ("appconfig", read_back, deploying),
    "start_deployment": (
        "appconfig",
        lambda: [*read_back(), ("create_hosted_configuration_version", {"VersionNumber": 9})],
        deploying,
    ),
    "stop_deployment": ("appconfig", list, lambda api: flags(api).stop(7)),
    "describe_alarms": ("cloudwatch", list, lambda api: CloudWatchAlarms(api, ("a",)).states()),
    "disable_alarm_actions": (
        "cloudwatch",
        list,
        lambda api: CloudWatchAlarms(api, ("a",)).silence(),
    ),
    "enable_alarm_actions": (
        "cloudwatch",
        list,
        lambda api: CloudWatchAlarms(api, ("a",)).restore(),
    ),
    "get_alias": ("lambda", list, lambda api: LambdaAliases(api, ("read:live",)).weighted()),
    "list_versions_by_function": (
        "lambda",
        lambda: [("get_alias", {"FunctionVersion": "1"})],
        lambda api: LambdaVersions(api, ("read:live",)).probe("user-1"),
    ),
    "list_executions": (
        "stepfunctions",
        list,
        lambda api: StepFunctionsExecutions(api, MACHINE).running("beta-1"),
    ),
    "describe_execution": (
        "stepfunctions",
        lambda: [("list_executions", {"executions": [execution("x")]})],
        lambda api: StepFunctionsExecutions(api, MACHINE).running("beta-1"),
    ),
    "filter_log_events": ("logs", list, lambda api: list(ShadowLog(api, "group").noted(0, 60))),
    "list_schedules": (
        "scheduler",
        list,
        lambda api: SchedulerSchedules(api, "group", "", "").names("beta-1-"),
    ),
    "delete_schedule": (
        "scheduler",
        lambda: [("list_schedules", {"Schedules": [{"Name": "beta-1-ramp-5"}]})],
        lambda api: SchedulerSchedules(api, "group", "", "").delete("beta-1-"),
    ),
    "create_schedule": (
        "scheduler",
        list,
        lambda api: SchedulerSchedules(api, "group", "arn:aws:iam::000000000000:role/r", "").create(
            "n", 0, MACHINE, {}
        ),
    ),
    "put_parameter": (
        "ssm",
        list,
        lambda api: ParameterApprovals(api, "/p").keep("beta-1", question()),
    ),
    "get_parameter": ("ssm", list, lambda api: ParameterApprovals(api, "/p").pending("beta-1")),
    "delete_parameter": ("ssm", list, lambda api: ParameterApprovals(api, "/p").forget("beta-1")),
}
# Their refusals are not errors there but answers, or told by an error of ours.
ELSEWHERE: Final = {
    "invoke": "an observation, or a failed probe",
    "get_metric_data": "MetricsUnavailableError",
    "get_latest_configuration": "the last flag that was known",
    "start_configuration_session": "the last flag that was known",
    "publish": "a line in the log",
    "put_lifecycle_event_hook_execution_status": "raised; see test_releases.py",
}


def execution(name: str) -> dict[str, Any]:
    return {
        "executionArn": EXECUTION.format(name),
        "stateMachineArn": MACHINE,
        "name": name,
        "status": "RUNNING",
        "startDate": 1_800_000_000,
    }


@pytest.mark.parametrize("operation", CALLS)
def test_a_call_that_is_refused_is_heard(operation: str) -> None:
    """By the caller, under its own name: a rollout that may not look does not go on."""
    service, before, call = CALLS[operation]
    api = Api(service)
    for earlier, answer in before():
        api.stub.add_response(earlier, answer)
    api.refuses(operation, "AccessDeniedException", 403)
    with pytest.raises(ClientError, match="AccessDeniedException"):
        call(api.client)
    api.stub.assert_no_pending_responses()


def test_what_runs_for_a_rollout_is_found_by_its_input_or_its_name() -> None:
    api = Api("stepfunctions")
    names = ("launch", "beta-1", "other")
    listed = {"executions": [execution(name) for name in names]}
    api.answers("list_executions", listed, stateMachineArn=MACHINE, statusFilter="RUNNING")
    for name, given in zip(names, ({"rollout_id": "beta-1"}, {}, {}), strict=True):
        found = {**execution(name), "input": json.dumps(given)}
        api.answers("describe_execution", found, executionArn=EXECUTION.format(name))
    running = StepFunctionsExecutions(api.client, MACHINE).running("beta-1")
    assert running == ["launch", "beta-1"]
    api.stub.assert_no_pending_responses()


def test_the_log_of_the_shadow_is_read_for_what_was_noted() -> None:
    api = Api("logs")
    lines = [{"noted": True, "rollout_id": "beta-1"}, {"noted": True, "rollout_id": "other"}]
    api.answers(
        "filter_log_events",
        {"events": [{"message": json.dumps(line)} for line in lines]},
        logGroupName="group",
        startTime=0,
        endTime=60_000,
        filterPattern='"noted"',
    )
    assert list(ShadowLog(api.client, "group").noted(0, 60, "beta-1")) == lines[:1]


def test_a_log_that_does_not_exist_yet_has_no_lines() -> None:
    api = Api("logs")
    api.refuses("filter_log_events", "ResourceNotFoundException")
    assert list(ShadowLog(api.client, "group").noted(0, 60)) == []


def test_a_deployment_in_progress_is_ended_by_its_number() -> None:
    api = Api("appconfig")
    asked: list[dict[str, Any]] = []
    event = "before-parameter-build.appconfig.StopDeployment"
    api.client.meta.events.register(event, lambda params, **_: asked.append(dict(params)))
    api.stub.add_response("stop_deployment", {"DeploymentNumber": 7, "State": "ROLLED_BACK"})
    flags(api.client).stop(7)
    assert [given["DeploymentNumber"] for given in asked] == [7]


def test_a_message_that_sns_refuses_stops_nothing() -> None:
    api = Api("sns")
    api.refuses("publish", "AuthorizationErrorException", 403)
    topic = SnsNotifications(api.client, "arn:aws:sns:us-east-1:000000000000:t")
    notice = Notice("hold", "beta-1", "HOLD", "subject", ("why",), "the control", "nothing")
    assert tell(topic, notice, {}) is False
    api.stub.assert_no_pending_responses()


def test_a_question_is_forgotten_by_its_rollout() -> None:
    api = Api("ssm")
    api.answers("delete_parameter", {}, Name="/p/beta-1")
    ParameterApprovals(api.client, "/p").forget("beta-1")
    api.stub.assert_no_pending_responses()


# Nothing that an adapter calls is left out


def called() -> Iterator[str]:
    """The operations that the adapters' source names, as botocore's clients have them."""
    for path in sorted(ADAPTERS.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and is_client(node.func):
                first = node.args[0] if node.args else None
                paged = isinstance(first, ast.Constant) and node.func.attr == "get_paginator"
                yield str(first.value) if paged else node.func.attr


def is_client(function: ast.expr) -> Any:
    """Whether it is a method of what the adapters name api."""
    holder = function.value if isinstance(function, ast.Attribute) else None
    name = getattr(holder, "attr", getattr(holder, "id", ""))
    return name == "api"


OPERATIONS: Final = sorted(set(called()))


def stubbed(pattern: str) -> set[str]:
    texts = (Path(path).read_text(encoding="utf-8") for path in TESTS.glob("test_*.py"))
    return {name for text in texts for name in re.findall(pattern, text)}


def test_the_adapters_calls_are_found() -> None:
    assert {"list_deployments", "list_schedules", "invoke", "get_parameter"} <= set(OPERATIONS)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_call_of_an_adapter_is_answered_by_a_stub_somewhere(operation: str) -> None:
    assert operation in stubbed(r'\.(?:answers|add_response)\(\s*"(\w+)"')


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_call_of_an_adapter_is_refused_by_a_stub_somewhere(operation: str) -> None:
    known = stubbed(r'\.(?:refuses|add_client_error)\(\s*"(\w+)"')
    assert operation in CALLS or (operation in ELSEWHERE and operation in known)
