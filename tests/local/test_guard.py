"""An execution ends where no Catch can see it: EventBridge tells the guard, and the guard acts."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ops.deployed import DEFAULT_STACK
from tests.local.running import local_stack, until
from tests.local.test_operator import (
    PLAN,
    answer,
    api,
    describe,
    ended,
    held_by,
    launch,
    status,
    written,
)

pytestmark = [pytest.mark.local, pytest.mark.stories]
GUARD = f"{DEFAULT_STACK}-guard"
LONG_SECONDS = 600
# What takes the place of a bake, as part of the real playbook: a wait, then an error at runtime.
BROKEN = {"Broken": {"Type": "Fail", "ErrorPath": "$.nothing"}}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with local_stack() as environment:
        yield environment["AWS_ENDPOINT_URL"]


@pytest.fixture
def bakes(address: str) -> Iterator[Callable[..., None]]:
    """Lets every bake wait so many seconds and then fail, and executions end after `timeout`."""
    (machine,) = api(address, "stepfunctions").list_state_machines()["stateMachines"]
    arn = {"stateMachineArn": machine["stateMachineArn"]}
    real = api(address, "stepfunctions").describe_state_machine(**arn)["definition"]

    def define(seconds: int, timeout: int) -> None:
        playbook = json.loads(real)
        wait = {"Type": "Wait", "Seconds": seconds, "Next": "Broken"}
        playbook["States"].update(Bake=wait, **BROKEN)
        playbook["TimeoutSeconds"] = timeout
        api(address, "stepfunctions").update_state_machine(**arn, definition=json.dumps(playbook))

    yield define
    api(address, "stepfunctions").update_state_machine(**arn, definition=real)
    answer("roll-back", "--why", "end of a test", "--endpoint-url", address)


@pytest.fixture
def soon_exposed(tmp_path: Path) -> Path:
    """The plan of the rehearsal with a soak that need not prove anything."""
    document = json.loads(PLAN.read_text(encoding="utf-8"))
    document["phases"][0].update(bake_seconds=1, certify={})
    return written(tmp_path, document)


@dataclass(frozen=True)
class Way:
    """How an execution ends: its bake and its own timeout, in seconds; whether a person aborts it;
    its status, and how the guard's reason goes on."""

    bake_seconds: int
    timeout_seconds: int
    aborted: bool
    status: str
    said: str


WAYS = [
    Way(LONG_SECONDS, LONG_SECONDS, True, "ABORTED", "aborted"),
    Way(LONG_SECONDS, 40, False, "TIMED_OUT", "timed out"),
    Way(8, LONG_SECONDS, False, "FAILED", "failed (States.Runtime: "),
]


@pytest.mark.parametrize("way", WAYS, ids=[way.status for way in WAYS])
def test_users_are_back_at_the_control_after_an_execution_that_is(
    address: str, bakes: Callable[..., None], soon_exposed: Path, way: Way
) -> None:
    bakes(way.bake_seconds, way.timeout_seconds)
    first = launch(address, soon_exposed)
    until(lambda: status(address)["exposure_bps"], "users are with the candidate")
    if way.aborted:
        stopping = {"executionArn": first["execution_arn"]}
        api(address, "stepfunctions").stop_execution(**stopping)
    assert ended(address, first["execution_arn"])["status"] == way.status
    until(lambda: not status(address)["holds_flag"], "the guard has closed the flag")
    assert status(address)["exposure_bps"] == 0
    reason = f"execution {first['rollout']} {way.said}"
    assert last_note(address).startswith(f"roll back {first['rollout']}: {reason}")


def last_note(address: str) -> str:
    """What whoever deployed the flag last gave as the reason."""
    (stack,) = api(address, "cloudformation").describe_stacks()["Stacks"]
    outputs = {item["OutputKey"]: item["OutputValue"] for item in stack["Outputs"]}
    ids = {
        "ApplicationId": outputs["FlagApplicationId"],
        "EnvironmentId": outputs["FlagEnvironmentId"],
    }
    listed = api(address, "appconfig").list_deployments(**ids)["Items"]
    number = max(item["DeploymentNumber"] for item in listed)
    found = api(address, "appconfig").get_deployment(**ids, DeploymentNumber=number)
    return str(found["Description"])


def test_what_is_told_again_changes_nothing_also_while_another_rollout_holds_the_flag(
    address: str, bakes: Callable[..., None]
) -> None:
    bakes(LONG_SECONDS, LONG_SECONDS)
    first = launch(address)
    until(lambda: held_by(address, first["rollout"]), "it holds the flag")
    api(address, "stepfunctions").stop_execution(executionArn=first["execution_arn"])
    until(lambda: not status(address)["holds_flag"], "the guard has closed the flag")
    item = describe(address, first["execution_arn"])
    told = [
        {"name": item["name"], "status": word, "input": item["input"]}
        for word in ("ABORTED", "ABORTED", "TIMED_OUT", "FAILED")
    ]
    assert [tell(address, detail)["changed"] for detail in told] == [False] * len(told)
    second = launch(address)
    until(lambda: held_by(address, second["rollout"]), "the next rollout holds the flag")
    assert [tell(address, detail)["changed"] for detail in told] == [False] * len(told)
    assert held_by(address, second["rollout"])


def tell(address: str, detail: dict[str, Any]) -> dict[str, Any]:
    """What the guard answers to an event that EventBridge delivers once more."""
    event = {"source": "aws.states", "detail": detail}
    answered = api(address, "lambda").invoke(FunctionName=GUARD, Payload=json.dumps(event))
    return dict(json.loads(answered["Payload"].read()))
