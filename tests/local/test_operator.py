"""A person at a local stack: launch, look, stop, approve, and what can go wrong."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.local.running import PATIENCE_SECONDS, ROOT, answer, local_stack, rollout, until

pytestmark = pytest.mark.local
launching = pytest.mark.usefixtures("ended_after")
PLAN = ROOT / "plans" / "rehearsal.json"


@pytest.fixture(scope="module")
def environment() -> Iterator[dict[str, str]]:
    """What `rollout local up` prints for a shell to take over."""
    with local_stack() as found:
        yield found


@pytest.fixture(scope="module")
def address(environment: dict[str, str]) -> str:
    return environment["AWS_ENDPOINT_URL"]


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


def arm(address: str, outputs: dict[str, str], user: str) -> str:
    """Who answers this user, who must get an answer."""
    found = read(address, outputs, {"userId": user})
    assert found["statusCode"] == 200
    return str(found["headers"]["x-rollout-arm"])


def describe(address: str, execution: str) -> dict[str, Any]:
    return dict(api(address, "stepfunctions").describe_execution(executionArn=execution))


def ended(address: str, execution: str) -> dict[str, Any]:
    def found() -> dict[str, Any] | None:
        item = describe(address, execution)
        return item if item["status"] != "RUNNING" else None

    return dict(until(found, "the execution ends"))


def outcome(address: str, execution: str) -> dict[str, Any]:
    return dict(json.loads(ended(address, execution)["output"])["outcome"])


def test_before_the_first_rollout_the_control_serves_everyone(address: str) -> None:
    now = status(address)
    assert (now["rollout"], now["exposure_bps"], now["holds_flag"]) == ("", 0, False)
    assert (now["executions"], now["scheduled"]) == ([], [])


def test_what_is_printed_is_all_that_a_shell_needs(environment: dict[str, str]) -> None:
    assert set(environment) == {
        "AWS_ENDPOINT_URL",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_DEFAULT_REGION",
    }
    assert environment["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1:")
    code, out, err = rollout("status", **environment)
    assert (code, err) == (0, "")
    assert "none yet" in out


@launching
def test_a_second_launch_is_refused_with_the_name_of_the_first(address: str) -> None:
    first = launch(address)["rollout"]
    until(lambda: held_by(address, first), "the first holds the flag")
    code, _, said = rollout("launch", "--plan", str(PLAN), "--endpoint-url", address)
    assert code == 1
    assert f"rollout {first} holds the flag" in said
    assert said.count("\n") == 1
    assert held_by(address, first)


@launching
def test_of_two_launches_at_the_same_moment_one_is_made(
    address: str, outputs: dict[str, str]
) -> None:
    """Past the command line, which would not have let the second through."""
    plan, machine = json.loads(PLAN.read_text(encoding="utf-8")), api(address, "stepfunctions")
    started = [
        machine.start_execution(
            stateMachineArn=outputs["StateMachineArn"],
            name=name,
            input=json.dumps({"action": "launch", "rollout_id": name, "plan": plan}),
        )["executionArn"]
        for name in ("rival-1", "rival-2")
    ]

    def running() -> list[str]:
        return [arn for arn in started if describe(address, arn)["status"] == "RUNNING"]

    until(lambda: len(running()) == 1, "one of the two ends")
    winner = running()[0].rpartition(":")[2]
    (loser,) = set(started) - set(running())
    assert outcome(address, loser)["word"] in ("REFUSED", "ROLLED_BACK")
    until(lambda: held_by(address, winner), "the other holds the flag")


@launching
def test_a_person_stops_a_rollout_and_it_stays_stopped(address: str) -> None:
    first = launch(address)
    until(lambda: held_by(address, first["rollout"]), "it holds the flag")
    (execution,) = status(address)["executions"]
    assert (execution["name"], execution["status"]) == (first["rollout"], "RUNNING")
    stopped = answer("roll-back", "--why", "tickets", "--endpoint-url", address)
    assert (stopped["changed"], stopped["exposure_bps"]) == (True, 0)
    assert stopped["stopped"] == [first["rollout"]]
    item = ended(address, first["execution_arn"])
    assert (item["status"], item["error"]) == ("ABORTED", "RolledBack")
    assert item["cause"].endswith(": tickets")
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
def test_a_user_who_does_not_exist_is_not_found_by_either_arm(
    address: str, outputs: dict[str, str], user: str
) -> None:
    assert read(address, outputs, {"userId": user})["statusCode"] == 404
    asked = api(address, "lambda").invoke(
        FunctionName=outputs["CandidateAliasArn"], Payload=json.dumps({"userId": user})
    )
    assert json.loads(asked["Payload"].read()) == {"user": None, "error": ""}


# A phase like this cannot prove in its time what it must, so it asks.
ASKS = {"bake_seconds": 1, "maximum_bake_seconds": 1}


@pytest.fixture
def document() -> dict[str, Any]:
    """The plan of the rehearsal, but a question waits long enough on a busy machine too."""
    found = dict(json.loads(PLAN.read_text(encoding="utf-8")))
    found["approval"]["timeout_seconds"] = PATIENCE_SECONDS
    return found


@pytest.fixture
def asks_in_shadow(tmp_path: Path, document: dict[str, Any]) -> Path:
    document["phases"][0].update(ASKS, certify={"mismatches": 0.0001})
    return written(tmp_path, document)


@pytest.fixture
def asks_in_canary(tmp_path: Path, document: dict[str, Any]) -> Path:
    """Two people; the ramp after it is far away."""
    document["approval"]["people"] = 2
    document["phases"][0].update(bake_seconds=1, certify={})
    document["phases"][1].update(ASKS, certify={"errors": 0.0001})
    for number, phase in enumerate(document["phases"][2:]):
        phase["starts_after_seconds"] = 3600 + number
    document["cleanup"]["starts_after_seconds"] = 7200
    return written(tmp_path, document)


def written(folder: Path, document: dict[str, Any]) -> Path:
    file = folder / "asking.json"
    file.write_text(json.dumps(document))
    return file


def asked(address: str, rollout_id: str) -> None:
    def now() -> bool:
        states = [item["state"] for item in status(address)["executions"]]
        return "Ask a Person" in states

    until(now, f"{rollout_id} asks a person")


def waiting(address: str, outputs: dict[str, str], rollout_id: str) -> str:
    """The token of the execution that waits for an answer."""
    name = f"{outputs['ApprovalParameterPrefix']}/{rollout_id}"
    kept = api(address, "ssm").get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]
    return str(json.loads(kept)["token"])


def recorded(address: str, arn: str) -> str:
    """All that an execution has put out, and all that every function has logged."""
    states, logs = api(address, "stepfunctions"), api(address, "logs")
    events = states.get_execution_history(executionArn=arn, maxResults=1000)["events"]
    exits = [event["stateExitedEventDetails"] for event in events if _exited(event)]
    assert len(exits) > 5
    names = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
    lines = [logs.filter_log_events(logGroupName=name)["events"] for name in names]
    return json.dumps([exits, states.describe_execution(executionArn=arn), lines], default=str)


def _exited(event: dict[str, Any]) -> bool:
    return "stateExitedEventDetails" in event


def asks_nothing(address: str, word: str, rollout_id: str) -> None:
    code, _, said = rollout(word, rollout_id, "--why", "again", "--endpoint-url", address)
    assert (code, said.count("\n")) == (1, 1)
    assert "asks nothing now" in said


def test_a_no_rolls_back_with_who_and_why(address: str, asks_in_shadow: Path) -> None:
    first = launch(address, asks_in_shadow)
    asked(address, first["rollout"])
    words = ("--by", "ada", "--why", "p95 doubled", "--endpoint-url", address)
    answer("reject", first["rollout"], *words)
    ending = outcome(address, first["execution_arn"])
    assert (ending["word"], ending["exposure_bps"]) == ("ROLLED_BACK", 0)
    assert ending["reason"] == "not approved by ada: p95 doubled"
    asks_nothing(address, "reject", first["rollout"])


def test_a_yes_after_a_rollback_is_too_late(address: str, asks_in_shadow: Path) -> None:
    first = launch(address, asks_in_shadow)
    asked(address, first["rollout"])
    answer("roll-back", "--why", "tickets", "--endpoint-url", address)
    asks_nothing(address, "approve", first["rollout"])
    assert not status(address)["holds_flag"]


@launching
def test_a_yes_goes_on_to_the_ramp_and_a_person_can_still_stop_it(
    address: str, outputs: dict[str, str], asks_in_canary: Path, document: dict[str, Any]
) -> None:
    (listed, *_) = document["cohort"]["allow_list"]
    first = launch(address, asks_in_canary)
    asked(address, first["rollout"])
    now = status(address)
    assert (now["phase"], now["exposure_bps"]) == ("canary", 100)
    assert arm(address, outputs, listed) == "candidate"

    question = now["question"]
    assert (question["phase"], question["people"]) == ("canary", 2)
    words = ("--why", "a known typo", "--evidence", question["evidence"])
    token = waiting(address, outputs, first["rollout"])
    half = answer("approve", first["rollout"], *words, "--endpoint-url", address)
    assert half["answer"] == "WANTS_ANOTHER"
    code, _, said = rollout("approve", first["rollout"], *words, "--endpoint-url", address)
    assert (code, "has approved already; another person" in said) == (1, True)
    whole = answer("approve", first["rollout"], *words, "--who", "bob", "--endpoint-url", address)
    assert whole["by"] == f"{half['by']} and bob"
    assert outcome(address, first["execution_arn"])["word"] == "LAUNCHED"
    assert token not in recorded(address, first["execution_arn"])
    (following,) = status(address)["scheduled"]
    assert following["name"].startswith(first["rollout"])

    stopped = answer("roll-back", "--why", "tickets", "--endpoint-url", address)
    assert stopped["schedules_deleted"] == [following["name"]]
    now = status(address)
    assert (now["exposure_bps"], now["holds_flag"], now["scheduled"]) == (0, False, [])
    until(lambda: arm(address, outputs, listed) == "control", "every sandbox has seen it")


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

    number = flags.start_deployment(
        EnvironmentId=outputs["FlagEnvironmentId"],
        ConfigurationProfileId=profile,
        ConfigurationVersion=str(strange),
        DeploymentStrategyId=outputs["RollbackStrategyId"],
        **ids,
    )["DeploymentNumber"]

    def complete() -> bool:
        found = flags.get_deployment(
            EnvironmentId=outputs["FlagEnvironmentId"], DeploymentNumber=number, **ids
        )
        return bool(found["State"] == "COMPLETE")

    until(complete, "the strange flag is deployed")
    code, _, said = rollout("launch", "--plan", str(PLAN), "--endpoint-url", address)
    assert code == 2
    assert "flag prismaAdapter is missing; expected a JSON object" in said
    assert arm(address, outputs, "user-1") == "control"
    mended = answer("roll-back", "--why", "a strange flag", "--endpoint-url", address)
    assert (mended["changed"], mended["exposure_bps"]) == (True, 0)
    assert status(address)["exposure_bps"] == 0
