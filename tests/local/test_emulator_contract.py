"""What the emulator lacks or does in its own way, and what is made of it.

The local stack relies on every one of these. A test that fails after an upgrade of ministack
names a workaround in ops/local to reconsider.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from ops.local import execution_end
from ops.local.alarms import AlarmEvaluator, read_definition
from ops.local.deploy import DeployError, deploy
from ops.local.emf import Forwarder
from ops.local.emulator import REGION, Emulator
from ops.local.emulator_main import LOG_READERS
from ops.local.lacking import UNSCOPED, LocalTemplateError
from ops.templates import read_template
from rollout.adapters.queueing import Queueing
from tests.local.running import until

pytestmark = pytest.mark.local

ROOT = Path(__file__).parents[2]
STACK = "contract"
GUARD_LOGS = f"/aws/lambda/{STACK}-guard"

HANDLER = '''
import json, os, time, boto3

def handler(event, context):
    """Does what the event says, so that one stub serves for every function."""
    print(event["print"] if "print" in event else json.dumps(event))
    if "raise" in event:
        raise ValueError(event["raise"])
    if "alone" in event:
        os.mkdir(event["alone"])  # raises when another call is doing the same
        time.sleep(0.2)
        os.rmdir(event["alone"])
        print("alone, as it should be")
    if "call" in event:
        service, operation, arguments = event["call"]
        getattr(boto3.client(service), operation)(**arguments)
    return {"done": True}
'''

PLAYBOOK = {
    "StartAt": "Ask",
    "States": {
        "Ask": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
            "Parameters": {
                "FunctionName": "${AskAPersonFunctionArn}",
                "Payload": {"token.$": "$$.Task.Token"},
            },
            "TimeoutSecondsPath": "$.seconds",
            "Catch": [{"ErrorEquals": ["States.Timeout"], "Next": "Boom"}],
            "End": True,
        },
        "Boom": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": "${NotifyFunctionArn}", "Payload": {"raise": "boom"}},
            "Retry": [{"ErrorEquals": ["ValueError"]}],
            "Catch": [{"ErrorEquals": ["ValueError"], "Next": "Named"}],
            "End": True,
        },
        "Named": {"Type": "Succeed"},
    },
}


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator({"LAMBDA_ASYNC_RETRY_BASE_SECONDS": "0.1"}) as started:
        yield started


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real template with stub handlers and a stub state machine."""
    folder = tmp_path_factory.mktemp("root")
    shutil.copy(ROOT / "template.yaml", folder)
    handlers = folder / "functions/rollout/handlers"
    handlers.mkdir(parents=True)
    for package in (handlers, handlers.parent):
        (package / "__init__.py").touch()
    for name in ("preflight", "set_exposure", "evaluate", "ask_a_person", "roll_back", "notify"):
        (handlers / f"{name}.py").write_text(HANDLER)
    for name in ("guard", "read", "candidate", "compare"):
        (handlers / f"{name}.py").write_text(HANDLER)
    (folder / "statemachines").mkdir()
    (folder / "statemachines/playbook.asl.json").write_text(json.dumps(PLAYBOOK))
    return folder


@pytest.fixture(scope="module")
def stack(emulator: Emulator, root: Path) -> dict[str, str]:
    return deploy(emulator, STACK, {}, root)


@pytest.fixture
def flag(stack: dict[str, str]) -> dict[str, str]:
    return {
        "ApplicationId": stack["FlagApplicationId"],
        "EnvironmentId": stack["FlagEnvironmentId"],
    }


@pytest.fixture
def alarm(emulator: Emulator, stack: dict[str, str]) -> Iterator[str]:
    """The alarm's name; OK and with its actions enabled, before and after."""
    cloudwatch, name = emulator.client("cloudwatch"), stack["AlarmName"].split(",")[-1]

    def restore() -> None:
        cloudwatch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="test")
        cloudwatch.enable_alarm_actions(AlarmNames=[name])

    restore()
    yield name
    restore()
    # AppConfig there sees alarms to the second: the next deployment is not in this one.
    time.sleep(1.1)


def messages(emulator: Emulator, group: str, word: str) -> list[str]:
    events = emulator.client("logs").filter_log_events(logGroupName=group)["events"]
    return [event["message"] for event in events if word in event["message"]]


def invoke(emulator: Emulator, function: str, event: dict[str, Any]) -> dict[str, Any]:
    answer = emulator.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event))
    return dict(json.loads(answer["Payload"].read()))


def finished(emulator: Emulator, execution: str) -> dict[str, Any]:
    def done() -> dict[str, Any] | None:
        found = emulator.client("stepfunctions").describe_execution(executionArn=execution)
        return found if found["status"] != "RUNNING" else None

    return dict(until(done, f"{execution} ends"))


def sums(emulator: Emulator, name: str, **query: Any) -> dict[str, Any]:
    """The only result of GetMetricData for the candidate's metric over the last minutes."""
    dimensions = {"service": "huntaze-read", "arm": "candidate"}
    metric = {
        "Namespace": "Huntaze/ReadPath",
        "MetricName": name,
        "Dimensions": [{"Name": k, "Value": v} for k, v in dimensions.items()],
    }
    statistic = {"MetricStat": {"Metric": metric, "Period": 1, "Stat": "Sum"}}
    statistic["MetricStat"].update(query)
    answer = emulator.client("cloudwatch").get_metric_data(
        MetricDataQueries=[{"Id": "m", **statistic}],
        StartTime=time.time() - 600,
        EndTime=time.time() + 60,
    )
    return dict(answer["MetricDataResults"][0])


# --- Private names and the processes ---


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("scheduler", "_SCHEDULE_TICK_INTERVAL"),
        ("cloudwatch", "first_alarm_time"),
        ("cloudwatch", "_record_history"),
        ("cloudwatch", "_alarms"),
        ("eventbridge", "_put_events"),
        ("stepfunctions", "_execute_task"),
        ("stepfunctions", "_resolve_path"),
        *(("stepfunctions", name) for name in execution_end.NAMES),
        *(("cloudwatch_logs", name) for name in LOG_READERS),
        ("lambda_svc", "invoke_async_with_retry"),
        ("lambda_svc", "_acquire_execution_slot"),
        ("lambda_svc", "_release_execution_slot"),
        ("lambda_svc", "_inflight_key"),
        ("lambda_svc", "_functions"),
    ],
)
def test_private_names_replaced_by_the_launcher_exist(module: str, name: str) -> None:
    assert hasattr(import_module(f"ministack.services.{module}"), name)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_outlives_a_parent_that_is_killed(number: signal.Signals) -> None:
    script = (
        "import time\nfrom ops.local.emulator import Emulator\n"
        "with Emulator() as emulator:\n"
        "    print(emulator.log.parent, emulator.port, flush=True)\n    time.sleep(600)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
    )
    assert parent.stdout is not None
    folder, port = parent.stdout.readline().split()
    parent.send_signal(number)
    parent.wait()
    until(lambda: not Path(folder).exists(), "the folder is deleted")
    until(lambda: not listens(int(port)), "the port is free")


def listens(port: int) -> bool:
    listening = "0A"
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(row[1].endswith(f":{port:04X}") and row[3] == listening for row in rows)


def test_two_emulators_do_not_share_anything(emulator: Emulator) -> None:
    emulator.client("s3").create_bucket(Bucket="only-here")
    with Emulator() as other:
        assert other.client("s3").list_buckets()["Buckets"] == []


# --- Metrics and alarms ---


def test_emf_lines_are_not_extracted_but_forwarded_once(
    emulator: Emulator, stack: dict[str, str]
) -> None:
    group = f"/aws/lambda/{stack['ReadFunctionName']}"
    forwarder = Forwarder(emulator, [group])
    metrics = [{"Name": "Requests", "StorageResolution": 1}, {"Name": "Latency"}]
    record = {
        "_aws": {
            "Timestamp": int(time.time() * 1000),
            "CloudWatchMetrics": [
                {
                    "Namespace": "Huntaze/ReadPath",
                    "Dimensions": [["service", "arm"]],
                    "Metrics": metrics,
                }
            ],
        },
        "service": "huntaze-read",
        "arm": "candidate",
        "Requests": 1,
        "Latency": [10, 20, 20],
    }
    # The same line twice in one invocation is two requests.
    invoke(emulator, stack["ReadAliasArn"], {"print": "\n".join([json.dumps(record)] * 2)})
    until(lambda: messages(emulator, group, "_aws"), "the lines are logged")
    assert sums(emulator, "Requests")["Values"] == []

    assert [forwarder.forward(), forwarder.forward()] == [2, 0]
    assert sums(emulator, "Requests")["Values"] == [2]
    assert sums(emulator, "Latency")["Values"] == [100]
    assert sums(emulator, "Latency", Stat="p95")["Values"] == [20]


def test_metric_math_is_refused_by_cloudformation_with_a_reason(
    emulator: Emulator, tmp_path: Path, root: Path
) -> None:
    shutil.copytree(root, tmp_path, dirs_exist_ok=True)
    text = (tmp_path / "template.yaml").read_text()
    copied = text.index("  ErrorRateAlarm:"), text.index("  # What the alarm above")
    second = text[slice(*copied)].replace("ErrorRateAlarm", "SecondAlarm")
    (tmp_path / "template.yaml").write_text(text[: copied[1]] + second + text[copied[1] :])
    names = read_template(tmp_path / "template.yaml")["Parameters"]
    other = {name: f"refused-{name.lower()}" for name in names if name.endswith("FunctionName")}
    with pytest.raises(DeployError, match=r"SecondAlarm CREATE_FAILED .*metric math"):
        deploy(emulator, "refused", {**other, "AlarmName": "refused"}, tmp_path)


def test_parameter_unknown_to_the_template_is_refused(emulator: Emulator, root: Path) -> None:
    with pytest.raises(LocalTemplateError, match="no parameter Typo"):
        deploy(emulator, "typo", {"Typo": 1}, root)


def test_get_metric_data_refuses_expressions(emulator: Emulator) -> None:
    answer = emulator.client("cloudwatch").get_metric_data(
        MetricDataQueries=[{"Id": "e", "Expression": "1 + 1"}],
        StartTime=time.time() - 60,
        EndTime=time.time(),
    )
    assert answer["MetricDataResults"][0]["StatusCode"] == "InternalError"


def test_alarm_of_the_template_is_evaluated_by_us(
    emulator: Emulator, stack: dict[str, str], alarm: str
) -> None:
    definition = read_definition(ROOT / "template.yaml", stack)
    evaluator = AlarmEvaluator(emulator, alarm, replace(definition, period_seconds=1))
    now = int(time.time()) - 100
    dimensions = [{"Name": n, "Value": v} for n, v in definition.requests.dimensions]

    def put(name: str, *values: int) -> None:
        data = [
            {"MetricName": name, "Dimensions": dimensions, "Timestamp": now + i, "Value": value}
            for i, value in enumerate(values)
        ]
        emulator.client("cloudwatch").put_metric_data(Namespace="Huntaze/ReadPath", MetricData=data)

    put("Requests", 100, 19, 100, 100, 100)
    put("Errors", 3, 19, 2, 3, 3)  # too many; too few requests; just not too many; twice too many
    assert evaluator.evaluate(now + 5 + 1) == "ALARM"
    assert evaluator.evaluate(now + 4 + 1) == "OK"


def test_alarm_change_reaches_the_guard(emulator: Emulator, alarm: str) -> None:
    emulator.client("cloudwatch").set_alarm_state(
        AlarmName=alarm, StateValue="ALARM", StateReason="for the guard"
    )
    until(lambda: messages(emulator, GUARD_LOGS, "for the guard"), "the guard is called")


# --- AppConfig ---


@pytest.fixture
def deploy_flag(
    emulator: Emulator, stack: dict[str, str], flag: dict[str, str]
) -> Callable[..., str]:
    """Deploys the first version at once; returns the state just after."""

    def start(**more: Any) -> str:
        request = {
            **flag,
            "ConfigurationProfileId": stack["FlagProfileId"],
            "ConfigurationVersion": "1",
            "DeploymentStrategyId": stack["RollbackStrategyId"],
            **more,
        }
        appconfig = emulator.client("appconfig")
        number = appconfig.start_deployment(**request)["DeploymentNumber"]
        return str(appconfig.get_deployment(**flag, DeploymentNumber=number)["State"])

    return start


def test_deployment_is_refused_while_another_bakes_or_when_it_is_not_the_next(
    emulator: Emulator, flag: dict[str, str], deploy_flag: Callable[..., str], alarm: str
) -> None:
    appconfig = emulator.client("appconfig")
    with pytest.raises(appconfig.exceptions.ConflictException, match="LatestDeploymentNumber"):
        deploy_flag(LatestDeploymentNumber=4711)

    assert deploy_flag(DeploymentStrategyId="AppConfig.AllAtOnce") == "BAKING"
    with pytest.raises(appconfig.exceptions.ConflictException, match="already in progress"):
        deploy_flag()
    latest = appconfig.list_deployments(**flag)["Items"][0]["DeploymentNumber"]
    appconfig.stop_deployment(**flag, DeploymentNumber=latest, AllowRevert=True)


@pytest.mark.parametrize(
    ("state", "switch", "expected"),
    [
        ("ALARM", "enable_alarm_actions", "ROLLED_BACK"),
        ("ALARM", "disable_alarm_actions", "COMPLETE"),  # by our launcher, as on AWS
        ("INSUFFICIENT_DATA", "enable_alarm_actions", "COMPLETE"),  # AWS rolls back
    ],
)
def test_monitored_alarm_rolls_a_deployment_back(
    emulator: Emulator,
    deploy_flag: Callable[..., str],
    alarm: str,
    state: str,
    switch: str,
    expected: str,
) -> None:
    cloudwatch = emulator.client("cloudwatch")
    cloudwatch.set_alarm_state(AlarmName=alarm, StateValue=state, StateReason="test")
    getattr(cloudwatch, switch)(AlarmNames=[alarm])
    time.sleep(1.1)  # alarms are seen to the second
    assert deploy_flag() == expected


def test_flag_document_is_not_validated(emulator: Emulator, stack: dict[str, str]) -> None:
    """AWS refuses what is not a flag document, or out of its bounds."""
    emulator.client("appconfig").create_hosted_configuration_version(
        ApplicationId=stack["FlagApplicationId"],
        ConfigurationProfileId=stack["FlagProfileId"],
        ContentType="application/json",
        Content=b"{}",
    )


# --- Step Functions and Scheduler ---


def test_execution_times_out_by_path_and_sees_every_exception_as_handler_error(
    emulator: Emulator, stack: dict[str, str]
) -> None:
    execution = emulator.client("stepfunctions").start_execution(
        stateMachineArn=stack["StateMachineArn"], input=json.dumps({"seconds": 1, "who": "me"})
    )["executionArn"]
    ended = finished(emulator, execution)
    # On AWS: the error is ValueError, it is retried, caught, and the execution succeeds.
    assert (ended["status"], ended["error"]) == ("FAILED", "Runtime.HandlerError")

    told = until(lambda: messages(emulator, GUARD_LOGS, execution), "the guard is called")
    detail = json.loads(told[-1])["detail"]
    assert detail["status"] == "FAILED"
    assert json.loads(detail["input"])["who"] == "me"


def test_running_name_is_refused_and_an_abort_reaches_the_guard(
    emulator: Emulator, stack: dict[str, str]
) -> None:
    """AWS answers the second call with the running execution, as name and input are the same."""
    stepfunctions = emulator.client("stepfunctions")
    request = {
        "stateMachineArn": stack["StateMachineArn"],
        "name": "twice",
        "input": json.dumps({"seconds": 600}),
    }
    execution = stepfunctions.start_execution(**request)["executionArn"]
    with pytest.raises(stepfunctions.exceptions.ExecutionAlreadyExists):
        stepfunctions.start_execution(**request)

    stepfunctions.stop_execution(executionArn=execution)
    told = until(lambda: messages(emulator, GUARD_LOGS, execution), "the guard is called")
    assert json.loads(told[-1])["detail"]["status"] == "ABORTED"


@pytest.fixture
def machine(emulator: Emulator, stack: dict[str, str]) -> Iterator[Callable[..., str]]:
    """Gives the machine that the guard hears of these states until the test ends; starts it."""
    stepfunctions, arn = emulator.client("stepfunctions"), stack["StateMachineArn"]
    before = stepfunctions.describe_state_machine(stateMachineArn=arn)["definition"]

    def start(states: dict[str, Any], **more: Any) -> str:
        definition = json.dumps({"StartAt": next(iter(states)), "States": states, **more})
        stepfunctions.update_state_machine(stateMachineArn=arn, definition=definition)
        return str(stepfunctions.start_execution(stateMachineArn=arn)["executionArn"])

    yield start
    stepfunctions.update_state_machine(stateMachineArn=arn, definition=before)


def test_execution_ends_by_time_and_the_guard_is_told(
    emulator: Emulator, machine: Callable[..., str]
) -> None:
    """By our launcher; the execution of ministack would wait on, and succeed."""
    wait = {"Type": "Wait", "Seconds": 3, "End": True}
    execution = machine({"Wait": wait}, TimeoutSeconds=1)
    assert finished(emulator, execution)["status"] == "TIMED_OUT"
    told = until(lambda: messages(emulator, GUARD_LOGS, execution), "the guard is called")
    assert json.loads(told[-1])["detail"]["status"] == "TIMED_OUT"


def test_execution_that_was_ended_does_not_become_a_failed_one(
    emulator: Emulator, machine: Callable[..., str]
) -> None:
    """By our launcher, too."""
    wait = {"Type": "Wait", "Seconds": 2, "Next": "Fail"}
    execution = machine({"Wait": wait, "Fail": {"Type": "Fail"}}, TimeoutSeconds=1)
    assert finished(emulator, execution)["status"] == "TIMED_OUT"
    time.sleep(2)
    assert finished(emulator, execution)["status"] == "TIMED_OUT"


def test_runtime_error_of_a_state_without_catch_reaches_the_guard(
    emulator: Emulator, machine: Callable[..., str]
) -> None:
    execution = machine({"Fail": {"Type": "Fail", "ErrorPath": "$.nothing"}})
    ended = finished(emulator, execution)
    assert (ended["status"], ended["error"]) == ("FAILED", "States.Runtime")
    told = until(lambda: messages(emulator, GUARD_LOGS, execution), "the guard is called")
    assert json.loads(told[-1])["detail"]["error"] == "States.Runtime"


def test_path_that_leads_nowhere_is_no_error(
    emulator: Emulator, machine: Callable[..., str]
) -> None:
    """On AWS both end the execution with States.Runtime."""
    wait = {"Type": "Wait", "SecondsPath": "$.nothing", "Next": "Pass"}
    take = {"Type": "Pass", "Parameters": {"taken.$": "$.nothing"}, "End": True}
    ended = finished(emulator, machine({"Wait": wait, "Pass": take}))
    assert (ended["status"], ended["output"]) == ("SUCCEEDED", '{"taken": null}')


def test_runtime_error_is_caught_by_states_all(
    emulator: Emulator, machine: Callable[..., str]
) -> None:
    """On AWS nothing catches it, so there the guard acts where here the playbook does."""
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::unknown:call",
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}],
        "End": True,
    }
    execution = machine({"Task": task, "Caught": {"Type": "Succeed"}})
    ended = finished(emulator, execution)
    assert json.loads(ended["output"])["Error"] == "States.Runtime"


def test_output_of_a_succeed_state_is_ignored(emulator: Emulator, stack: dict[str, str]) -> None:
    definition = {
        "QueryLanguage": "JSONata",
        "StartAt": "Done",
        "States": {"Done": {"Type": "Succeed", "Output": {"from": "the state"}}},
    }
    stepfunctions = emulator.client("stepfunctions")
    playbook = stepfunctions.describe_state_machine(stateMachineArn=stack["StateMachineArn"])
    machine = stepfunctions.create_state_machine(
        name="succeeds", definition=json.dumps(definition), roleArn=playbook["roleArn"]
    )["stateMachineArn"]
    execution = stepfunctions.start_execution(stateMachineArn=machine, input='{"from": "input"}')
    assert json.loads(finished(emulator, execution["executionArn"])["output"]) == {"from": "input"}


def test_one_time_schedule_starts_an_execution_and_is_gone(
    emulator: Emulator, stack: dict[str, str]
) -> None:
    scheduler, group = emulator.client("scheduler"), stack["ScheduleGroupName"]
    at = datetime.now(UTC) + timedelta(seconds=1)
    scheduler.create_schedule(
        GroupName=group,
        Name="once",
        ScheduleExpression=f"at({at:%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow={"Mode": "OFF"},
        ActionAfterCompletion="DELETE",
        Target={
            "Arn": stack["StateMachineArn"],
            "RoleArn": "arn:aws:iam::000000000000:role/any",
            "Input": json.dumps({"seconds": 600, "from": "schedule"}),
        },
    )
    stepfunctions = emulator.client("stepfunctions")

    def started() -> str | None:
        for item in stepfunctions.list_executions(stateMachineArn=stack["StateMachineArn"])[
            "executions"
        ]:
            found = stepfunctions.describe_execution(executionArn=item["executionArn"])
            if json.loads(found["input"]).get("from") == "schedule":
                return str(item["executionArn"])
        return None

    execution = until(started, "the schedule starts an execution")
    until(lambda: not scheduler.list_schedules(GroupName=group)["Schedules"], "it is deleted")
    stepfunctions.stop_execution(executionArn=execution)


# --- Lambda and IAM ---


def test_call_outside_its_policies_is_refused_naming_the_role(
    emulator: Emulator, stack: dict[str, str]
) -> None:
    event = {"call": ["secretsmanager", "get_secret_value", {"SecretId": "not/ours"}]}
    refused = invoke(emulator, stack["CandidateAliasArn"], event)["errorMessage"]
    assert "AccessDenied" in refused
    assert f"assumed-role/{STACK}-CandidateRole" in refused
    assert "secretsmanager:GetSecretValue" in refused


def test_alias_is_authorised_by_its_arn_alone(emulator: Emulator, stack: dict[str, str]) -> None:
    """On AWS a name with Qualifier is authorised as the alias too."""
    whole = {"FunctionName": stack["CandidateAliasArn"], "Payload": "{}"}
    assert invoke(emulator, stack["ReadAliasArn"], {"call": ["lambda", "invoke", whole]}) == {
        "done": True
    }
    parts = {"FunctionName": stack["CandidateFunctionName"], "Qualifier": "live", "Payload": "{}"}
    refused = invoke(emulator, stack["ReadAliasArn"], {"call": ["lambda", "invoke", parts]})
    assert "AccessDenied" in refused["errorMessage"]


def test_calls_widened_by_deploy_are_refused_when_they_name_a_resource(
    emulator: Emulator, stack: dict[str, str]
) -> None:
    statement = {
        "Effect": "Allow",
        "Action": sorted(UNSCOPED),
        "Resource": [
            "arn:aws:cloudwatch:us-east-1:000000000000:alarm:*",
            f"arn:aws:scheduler:us-east-1:000000000000:schedule/{stack['ScheduleGroupName']}/*",
            "arn:aws:lambda:us-east-1:000000000000:function:*",
        ],
    }
    client = as_role(emulator, "scoped", statement)
    schedule = {"Name": "any", "GroupName": stack["ScheduleGroupName"]}
    calls: list[Callable[[], Any]] = [
        lambda: client("cloudwatch").describe_alarms(AlarmNames=["any"]),
        lambda: client("cloudwatch").disable_alarm_actions(AlarmNames=["any"]),
        lambda: client("scheduler").get_schedule(**schedule),
        lambda: client("scheduler").delete_schedule(**schedule),
        lambda: client("lambda").get_alias(FunctionName=stack["ReadFunctionName"], Name="live"),
    ]
    for call in calls:
        with pytest.raises(ClientError, match="AccessDenied"):
            call()


def test_the_tees_own_call_is_authorised_as_a_clients_would_be(
    emulator: Emulator, stack: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    alias = f"arn:aws:lambda:{REGION}:000000000000:function:{stack['CompareFunctionName']}:live"
    statement = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": alias}
    session = role_session(emulator, "tee", statement)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", session)
    tee = Queueing.like(session.client("lambda", endpoint_url=emulator.endpoint_url))
    event = {"FunctionName": alias, "InvocationType": "Event", "Payload": '{"raise": "queued"}'}
    assert tee.invoke(**event) == {"StatusCode": 202}
    logs = f"/aws/lambda/{stack['CompareFunctionName']}"
    until(lambda: messages(emulator, logs, '{"raise": "queued"}'), "the event is handled")
    with pytest.raises(ClientError, match="AccessDenied"):
        tee.invoke(**{**event, "FunctionName": stack["CandidateAliasArn"]})


def as_role(emulator: Emulator, name: str, statement: dict[str, Any]) -> Callable[[str], Any]:
    """Makes clients of a role with this one statement."""
    session = role_session(emulator, name, statement)
    return lambda service: session.client(service, endpoint_url=emulator.endpoint_url)


def role_session(emulator: Emulator, name: str, statement: dict[str, Any]) -> Any:
    """A session with the keys of a role that has this one statement."""
    iam = emulator.client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))["Role"]
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy(statement))
    given = emulator.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="test")
    keys = given["Credentials"]
    untyped: Any = boto3.session.Session
    return untyped(
        region_name=REGION,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )


def policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_alias_has_its_asynchronous_settings(emulator: Emulator, stack: dict[str, str]) -> None:
    """By our launcher: one attempt, and no second one."""
    function = stack["CompareFunctionName"]
    logs = f"/aws/lambda/{function}"
    for payload in (b'{"raise": "shadow"}', b'{"print": "after it"}'):
        emulator.client("lambda").invoke(
            FunctionName=f"{function}:live", InvocationType="Event", Payload=payload
        )
    until(lambda: messages(emulator, logs, "after it"), "the second event is handled")
    until(lambda: messages(emulator, logs, '{"raise": "shadow"}'), "and so is the first")
    assert len(messages(emulator, logs, '{"raise": "shadow"}')) == 1


def test_alias_shares_the_reserved_concurrency(
    emulator: Emulator, root: Path, tmp_path: Path
) -> None:
    """By deploy, which sets it, and by our launcher, which lets calls of an alias wait for it."""
    names = read_template(root / "template.yaml")["Parameters"]
    other = {name: f"narrow-{name.lower()}" for name in names if name.endswith("FunctionName")}
    narrow = deploy(
        emulator, "narrow", {**other, "AlarmName": "narrow", "CompareConcurrency": 1}, root
    )
    function, folder = narrow["CompareFunctionName"], tmp_path / "running"
    invoke(emulator, f"{function}:live", {})
    for _ in range(3):
        emulator.client("lambda").invoke(
            FunctionName=f"{function}:live",
            InvocationType="Event",
            Payload=json.dumps({"alone": str(folder)}),
        )
    done = 4
    logs = f"/aws/lambda/{function}"
    until(lambda: len(messages(emulator, logs, "END")) == done, "all events are handled")
    assert len(messages(emulator, logs, "alone, as it should be")) == done - 1


def test_parent_settings_do_not_reach_the_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "of-the-person-at-the-keyboard")
    assert "AWS_PROFILE" not in Emulator()._child_environment()
    assert "AWS_PROFILE" in os.environ
