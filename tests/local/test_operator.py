"""A person at a local stack: launch, look, stop, approve, and what can go wrong."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.local.running import ROOT, answer, local_stack, rollout, until

pytestmark = pytest.mark.local
launching = pytest.mark.usefixtures("ended_after")
PLAN = ROOT / "plans" / "rehearsal.json"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with local_stack() as found:
        yield found


@pytest.fixture(scope="module")
def outputs(address: str) -> dict[str, str]:
    stack = api(address, "cloudformation").describe_stacks()["Stacks"][0]
    return {item["OutputKey"]: item["OutputValue"] for item in stack["Outputs"]}


@pytest.fixture
def ended_after(address: str) -> Iterator[None]:
    """What the test launches ends with it."""
    yield
    answer("roll-back", "--why", "end of a test", "--endpoint-url", address)


def api(address: str, service: str) -> Any:
    known = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return boto3.client(service, endpoint_url=address, region_name="us-east-1", **known)


def status(address: str) -> dict[str, Any]:
    return answer("status", "--endpoint-url", address)


def launch(address: str, plan: Path = PLAN, *more: str) -> dict[str, Any]:
    return answer("launch", "--plan", str(plan), "--endpoint-url", address, *more)


def held_by(address: str, rollout_id: str) -> bool:
    now = status(address)
    return bool(now["holds_flag"]) and now["rollout"] == rollout_id


def read(address: str, outputs: dict[str, str], event: Any) -> dict[str, Any]:
    found = api(address, "lambda").invoke(
        FunctionName=outputs["ReadAliasArn"], Payload=json.dumps(event)
    )
    return dict(json.loads(found["Payload"].read()))


def ended(address: str, execution: str) -> dict[str, Any]:
    machine = api(address, "stepfunctions")

    def found() -> dict[str, Any] | None:
        item = machine.describe_execution(executionArn=execution)
        return item if item["status"] != "RUNNING" else None

    return dict(until(found, "the execution ends"))


def outcome(address: str, execution: str) -> dict[str, Any]:
    return dict(json.loads(ended(address, execution)["output"])["outcome"])


def test_before_the_first_rollout_the_control_serves_everyone(address: str) -> None:
    now = status(address)
    assert (now["exposure_bps"], now["holds_flag"], now["scheduled"]) == (0, False, [])


@launching
def test_a_second_launch_is_refused_with_the_name_of_the_first(address: str) -> None:
    first = launch(address)["rollout"]
    until(lambda: held_by(address, first), "the first holds the flag")
    code, _, said = rollout("launch", "--plan", str(PLAN), "--endpoint-url", address)
    assert code == 1
    assert f"rollout {first} holds the flag" in said
    assert said.count("\n") == 1


@launching
def test_a_person_stops_a_rollout_and_it_stays_stopped(address: str) -> None:
    first = launch(address)
    until(lambda: held_by(address, first["rollout"]), "it holds the flag")
    stopped = answer("roll-back", "--why", "tickets", "--endpoint-url", address)
    assert (stopped["changed"], stopped["exposure_bps"]) == (True, 0)
    assert stopped["stopped"] == [first["rollout"]]
    now = status(address)
    assert (now["exposure_bps"], now["holds_flag"], now["scheduled"]) == (0, False, [])
    again = answer("roll-back", "--why", "tickets", "--endpoint-url", address)
    assert (again["changed"], again["exposure_bps"]) == (False, 0)


@launching
def test_an_id_is_used_once(address: str) -> None:
    launch(address, PLAN, "--rollout", "once-1")
    until(lambda: held_by(address, "once-1"), "it holds the flag")
    answer("roll-back", "--why", "w", "--endpoint-url", address)
    words = ("launch", "--plan", str(PLAN), "--rollout", "once-1", "--endpoint-url", address)
    code, _, said = rollout(*words)
    assert (code, said.count("\n")) == (1, 1)
    assert "there has been a rollout once-1" in said


@launching
def test_the_guard_rolls_back_what_was_aborted(address: str) -> None:
    first = launch(address)
    until(lambda: held_by(address, first["rollout"]), "it holds the flag")
    api(address, "stepfunctions").stop_execution(executionArn=first["execution_arn"])
    until(lambda: not status(address)["holds_flag"], "the guard has closed the flag")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"foo": 1}, "execution input is"),
        ({"plan": {"name": "x"}}, "expected the field phases"),
        ({"action": "ramp", "plan": {}, "rollout_id": "x", "phase": "p"}, "launched_at is missing"),
    ],
)
def test_an_execution_without_a_good_input_touches_nothing_and_says_why(
    address: str, outputs: dict[str, str], given: dict[str, Any], said: str
) -> None:
    started = api(address, "stepfunctions").start_execution(
        stateMachineArn=outputs["StateMachineArn"], input=json.dumps(given)
    )
    ending = outcome(address, started["executionArn"])
    assert ending["word"] == "REFUSED"
    assert said in ending["reasons"][0]
    assert status(address)["exposure_bps"] == 0


def test_a_request_that_names_nobody_is_told_so(address: str, outputs: dict[str, str]) -> None:
    found = read(address, outputs, {})
    assert found["statusCode"] == 400
    assert "userId is missing" in found["body"]


@pytest.mark.parametrize("user", ["user-0", "user-10001", "nobody", "' OR 1=1 --"])
def test_a_user_who_does_not_exist_is_not_found(
    address: str, outputs: dict[str, str], user: str
) -> None:
    assert read(address, outputs, {"userId": user})["statusCode"] == 404


@pytest.fixture
def asking(tmp_path: Path) -> Path:
    """A plan whose soak is short and whose canary cannot prove in time what it must."""
    document = json.loads(PLAN.read_text(encoding="utf-8"))
    document["phases"][0].update({"bake_seconds": 1, "certify": {}})
    document["phases"][1].update(
        {"bake_seconds": 1, "maximum_bake_seconds": 1, "certify": {"errors": 0.0001}}
    )
    file = tmp_path / "asking.json"
    file.write_text(json.dumps(document))
    return file


def asked(address: str, rollout_id: str) -> None:
    def now() -> bool:
        states = [item["state"] for item in status(address)["executions"]]
        return "Ask a Person" in states

    until(now, f"{rollout_id} asks a person")


def test_a_no_rolls_back_with_who_and_why(address: str, asking: Path) -> None:
    first = launch(address, asking)
    asked(address, first["rollout"])
    where = ("--endpoint-url", address)
    answer("reject", first["rollout"], "--by", "ada", "--why", "p95 doubled", *where)
    ending = outcome(address, first["execution_arn"])
    assert (ending["word"], ending["exposure_bps"]) == ("ROLLED_BACK", 0)
    assert ending["reason"] == "not approved by ada: p95 doubled"
    code, _, said = rollout("reject", first["rollout"], "--why", "again", *where)
    assert code == 1
    assert "asks nothing now" in said


@launching
def test_a_yes_goes_on_to_the_next_step(address: str, asking: Path) -> None:
    first = launch(address, asking)
    asked(address, first["rollout"])
    words = ("--by", "ada", "--why", "a known typo", "--endpoint-url", address)
    answer("approve", first["rollout"], *words)
    assert outcome(address, first["execution_arn"])["word"] == "LAUNCHED"


def test_a_database_that_is_gone_fails_no_read_and_no_launch_is_made(tmp_path: Path) -> None:
    """Its own stack, whose database is ended under it."""
    from ops import rollouts
    from ops.local.stack import LocalStack, found

    with LocalStack() as stack:
        stack.database.close()
        replies = [stack.read(f"user-{number}") for number in range(1, 20)]
        launched = rollouts.launch(found(stack), PLAN)
        machine = stack.emulator.client("stepfunctions")

        def done() -> Any:
            item = machine.describe_execution(executionArn=launched["execution_arn"])
            return item if item["status"] != "RUNNING" else None

        ending = json.loads(until(done, "it ends")["output"])["outcome"]
        assert {reply.status for reply in replies} == {200}
        assert ending["word"] == "REFUSED"
        assert "the candidate does not answer" in ending["reasons"][0]


def test_a_flag_that_is_not_ours_stops_the_launch_and_no_read(
    address: str, outputs: dict[str, str]
) -> None:
    flags = api(address, "appconfig")
    ids = {"ApplicationId": outputs["FlagApplicationId"]}
    profile = outputs["FlagProfileId"]
    strange = flags.create_hosted_configuration_version(
        ConfigurationProfileId=profile,
        Content=b'{"version": "1", "flags": {}, "values": {"other": {"enabled": true}}}',
        ContentType="application/json",
        **ids,
    )["VersionNumber"]

    flags.start_deployment(
        EnvironmentId=outputs["FlagEnvironmentId"],
        ConfigurationProfileId=profile,
        ConfigurationVersion=str(strange),
        DeploymentStrategyId=outputs["RollbackStrategyId"],
        **ids,
    )
    time.sleep(2)
    code, _, said = rollout("launch", "--plan", str(PLAN), "--endpoint-url", address)
    assert code == 2
    assert "flag prismaAdapter is missing; expected a JSON object" in said
    assert read(address, outputs, {"userId": "user-1"})["statusCode"] == 200
    mended = answer("roll-back", "--why", "a strange flag", "--endpoint-url", address)
    assert (mended["changed"], mended["exposure_bps"]) == (True, 0)
    assert status(address)["exposure_bps"] == 0
