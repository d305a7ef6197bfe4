"""The same state machine on AWS's own interpreter, Step Functions Local, with mocked functions.

Needs a Docker daemon and the image amazon/aws-stepfunctions-local:2.0.0; skipped without. The same
mocks are given to the emulator and to the interpreter of the functional tests in any case.
"""

import copy
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from ops.local.emulator import Emulator
from tests.functional.machine import Execution, StepError, World
from tests.local.running import ROOT, until

MOCKS = Path(__file__).with_name("step_functions_local.json")
KNOWN = json.loads(MOCKS.read_text(encoding="utf-8"))
CASES: dict[str, dict[str, str]] = KNOWN["StateMachines"]["playbook"]["TestCases"]
RESPONSES: dict[str, dict[str, Any]] = KNOWN["MockedResponses"]
DEFINITION = (ROOT / "statemachines" / "playbook.asl.json").read_text(encoding="utf-8")
STATES: dict[str, Any] = json.loads(DEFINITION)["States"]
ENDS = {
    "Promote": ("SUCCEEDED", "Ramped"),
    "RollBack": ("SUCCEEDED", "Rolled Back"),
    "Refused": ("SUCCEEDED", "Refused"),
    "RollBackFails": ("FAILED", "Control Not Confirmed"),
}
PORT = 8083
INPUT: dict[str, Any] = {"action": "ramp", "plan": {}}


@pytest.mark.parametrize("case", CASES)
def test_a_mocked_state_exists_and_is_a_task(case: str) -> None:
    assert {STATES[name]["Type"] for name in CASES[case]} == {"Task"}


@pytest.mark.parametrize("case", CASES)
def test_a_mock_answers_what_its_state_reads(case: str) -> None:
    for name, response in CASES[case].items():
        wanted = {
            path.removeprefix("$.Payload.")
            for path in STATES[name].get("ResultSelector", {}).values()
        }
        for answer in RESPONSES[response].values():
            if "Return" in answer:
                assert wanted <= set(answer["Return"]["Payload"]), f"{name}: {response}"


def test_every_mock_is_used_and_every_case_has_its_end() -> None:
    assert set(RESPONSES) == {response for case in CASES.values() for response in case.values()}
    assert set(ENDS) == set(CASES)


class Mocked(World):
    """Where each state is answered with its mock for that call; a repeated call is another."""

    def __init__(self, case: str) -> None:
        super().__init__()
        self.responses = {name: RESPONSES[response] for name, response in CASES[case].items()}
        self.calls: Counter[str] = Counter()

    def _result(self, state: dict[str, Any], execution: Execution) -> Any:
        self.state = execution.path[-1]
        return super()._result(state, execution)

    def _handlers(self) -> dict[str, Any]:
        return dict.fromkeys(super()._handlers(), self._mocked)

    def _mocked(self, _: dict[str, Any]) -> Any:
        answer = reply(self.responses[self.state], self.calls[self.state])
        self.calls[self.state] += 1
        if "Throw" in answer:
            raise RuntimeError(answer["Throw"]["Cause"])
        return answer["Return"]["Payload"]


def reply(response: dict[str, Any], number: int) -> dict[str, Any]:
    """The answer whose key is this number, or a range "from-to" around it."""
    for key, found in response.items():
        first, _, last = key.partition("-")
        if int(first) <= number <= int(last or first):
            return dict(found)
    raise StepError(f"no answer {number} in {response}")


@pytest.mark.parametrize("case", CASES)
def test_the_mocks_lead_through_the_playbook_to_the_end(case: str) -> None:
    """By the interpreter of the functional tests, which needs no container."""
    world = Mocked(case)
    execution = world.run(copy.deepcopy(INPUT), case)
    assert (execution.status, execution.path[-1]) == ENDS[case]
    assert set(world.calls) == set(world.responses)
    assert set(CASES[case]) == {name for name in execution.path if STATES[name]["Type"] == "Task"}


def made(client: Any, role: str) -> str:
    """The ARN of the playbook, whose functions need not exist."""
    definition = re.sub(
        r"\$\{(\w+)Arn\}", r"arn:aws:lambda:us-east-1:123456789012:function:\1", DEFINITION
    )
    return str(
        client.create_state_machine(name="playbook", definition=definition, roleArn=role)[
            "stateMachineArn"
        ]
    )


def ends_as_it_should(client: Any, arn: str, case: str) -> None:
    started = client.start_execution(stateMachineArn=f"{arn}#{case}", input=json.dumps(INPUT))

    def done() -> Any:
        found = client.describe_execution(executionArn=started["executionArn"])
        return found if found["status"] != "RUNNING" else None

    ended = until(done, f"{case} ends")
    events = client.get_execution_history(executionArn=started["executionArn"], maxResults=1000)[
        "events"
    ]
    entered = [
        e["stateEnteredEventDetails"]["name"] for e in events if "stateEnteredEventDetails" in e
    ]
    assert (ended["status"], entered[-1]) == ENDS[case]
    assert set(CASES[case]) == {name for name in entered if STATES[name]["Type"] == "Task"}


@pytest.fixture(scope="module")
def on_emulator() -> Iterator[tuple[Any, str]]:
    with Emulator({"SFN_MOCK_CONFIG": str(MOCKS), "SFN_WAIT_SCALE": "0.01"}) as emulator:
        trust = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}}
        policy = {"Version": "2012-10-17", "Statement": [{**trust, "Action": "sts:AssumeRole"}]}
        role = emulator.client("iam").create_role(
            RoleName="playbook", AssumeRolePolicyDocument=json.dumps(policy)
        )["Role"]["Arn"]
        client = emulator.client("stepfunctions")
        yield client, made(client, role)


@pytest.mark.local
@pytest.mark.parametrize("case", CASES)
def test_the_playbook_ends_so_on_the_emulator(on_emulator: tuple[Any, str], case: str) -> None:
    """Which reads the same mocks."""
    ends_as_it_should(*on_emulator, case)


@pytest.fixture(scope="module")
def in_container() -> Iterator[tuple[Any, str]]:
    docker = pytest.importorskip("docker")
    try:
        docker.from_env().ping()
    except docker.errors.DockerException as error:
        pytest.skip(f"no Docker daemon answers: {error}")
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.waiting_utils import wait_for_logs

    container = (
        DockerContainer("amazon/aws-stepfunctions-local:2.0.0")
        .with_exposed_ports(PORT)
        .with_env("SFN_MOCK_CONFIG", "/home/StepFunctionsLocal/mocks.json")
        .with_env("WAIT_TIME_SCALE", "0.1")
        .with_volume_mapping(str(MOCKS), "/home/StepFunctionsLocal/mocks.json")
    )
    with container:
        wait_for_logs(container, f"Starting server on port {PORT}", timeout=60)
        address = f"http://{container.get_container_host_ip()}:{container.get_exposed_port(PORT)}"
        known = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        client: Any = boto3.client(
            "stepfunctions", endpoint_url=address, region_name="us-east-1", **known
        )
        yield client, made(client, "arn:aws:iam::123456789012:role/playbook")


@pytest.mark.local
@pytest.mark.docker
@pytest.mark.parametrize("case", CASES)
def test_the_playbook_ends_so_on_step_functions_local(
    in_container: tuple[Any, str], case: str
) -> None:
    ends_as_it_should(*in_container, case)
