"""The same state machine on AWS's own interpreter, Step Functions Local, with mocked functions.

Needs a Docker daemon and the image amazon/aws-stepfunctions-local:2.0.0; skipped without. The same
mocks are given to the emulator and to the interpreter of the fault matrix in any case, and the two
must go through the same states with the same number of attempts.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from ops.faults.machine import Execution, TaskError
from ops.local.emulator import Emulator
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
    "Throttled": ("SUCCEEDED", "Rolled Back"),
    "TimesOut": ("SUCCEEDED", "Rolled Back"),
    "AnswersAreLost": ("SUCCEEDED", "Rolled Back"),
    "Malformed": ("FAILED", "Raise Exposure"),
    "UnknownWord": ("SUCCEEDED", "Rolled Back"),
}
# A case whose purpose is an answer that its state cannot read.
MALFORMED = "Malformed"
# Where the emulator does otherwise than AWS: a path that points at nothing is null there, and a
# mock that throws does so in every retry of its visit.
DIFFERENT = {MALFORMED, "AnswersAreLost"}
PORT = 8083
INPUT: dict[str, Any] = {"action": "ramp", "plan": {}}


@pytest.mark.parametrize("case", CASES)
def test_a_mocked_state_exists_and_is_a_task(case: str) -> None:
    assert {STATES[name]["Type"] for name in CASES[case]} == {"Task"}


@pytest.mark.parametrize("case", sorted({*CASES} - {MALFORMED}))
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


class Mocked:
    """Where each state is answered with its mock for that call; a repeated call is another."""

    def __init__(self, case: str) -> None:
        self.responses = {name: RESPONSES[response] for name, response in CASES[case].items()}
        self.calls: Counter[str] = Counter()
        self.answers: dict[str, Any] = {}
        self.waited: list[float] = []
        self.failed = 0

    def clock(self) -> float:
        return sum(self.waited)

    def entered(self, _: Execution) -> None: ...

    def invoke(self, _function: str, _payload: Any, execution: Execution) -> Any:
        state = execution.path[-1]
        answer = reply(self.responses[state], self.calls[state])
        self.calls[state] += 1
        if "Throw" in answer:
            self.failed += 1
            raise TaskError(answer["Throw"]["Error"], answer["Throw"]["Cause"])
        return answer["Return"]["Payload"]


def reply(response: dict[str, Any], number: int) -> dict[str, Any]:
    """The answer whose key is this number, or a range "from-to" around it."""
    for key, found in response.items():
        first, _, last = key.partition("-")
        if int(first) <= number <= int(last or first):
            return dict(found)
    raise AssertionError(f"no answer {number} in {response}")


def interpreted(case: str) -> tuple[Execution, Mocked]:
    """The case by the interpreter of the fault matrix, which needs no container."""
    world = Mocked(case)
    execution = Execution(case, INPUT, world)
    world.waited += execution.run()
    return execution, world


@pytest.mark.parametrize("case", CASES)
def test_the_mocks_lead_through_the_playbook_to_the_end(case: str) -> None:
    execution, world = interpreted(case)
    assert (execution.status, execution.path[-1]) == ENDS[case]
    assert set(world.calls) == set(world.responses)
    assert set(CASES[case]) == {name for name in execution.path if STATES[name]["Type"] == "Task"}


@pytest.mark.parametrize(
    ("case", "state", "attempts"),
    [
        ("Throttled", "Raise Exposure", 5),
        ("RollBackFails", "Raise Exposure", 3),
        ("RollBackFails", "Roll Back", 6),
        ("TimesOut", "Evaluate Metrics", 1),
        ("AnswersAreLost", "Raise Exposure", 3),
        ("UnknownWord", "Notify", 3),
    ],
)
def test_what_fails_is_tried_again_as_often_as_its_error_deserves(
    case: str, state: str, attempts: int
) -> None:
    assert interpreted(case)[1].calls[state] == attempts


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


def ended(client: Any, arn: str, case: str) -> tuple[str, list[str], int]:
    """(status, states entered, attempts that failed) of a case, as the service has it."""
    started = client.start_execution(stateMachineArn=f"{arn}#{case}", input=json.dumps(INPUT))

    def done() -> Any:
        found = client.describe_execution(executionArn=started["executionArn"])
        return found if found["status"] != "RUNNING" else None

    status = until(done, f"{case} ends")["status"]
    events = client.get_execution_history(executionArn=started["executionArn"], maxResults=1000)[
        "events"
    ]
    entered = [
        e["stateEnteredEventDetails"]["name"] for e in events if "stateEnteredEventDetails" in e
    ]
    failed = [e for e in events if e["type"] in ("TaskFailed", "TaskTimedOut")]
    return status, entered, len(failed)


def ours(case: str) -> tuple[str, list[str], int]:
    """The same of the fault matrix's interpreter."""
    execution, world = interpreted(case)
    return execution.status, execution.path, world.failed


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
@pytest.mark.parametrize("case", sorted({*CASES} - DIFFERENT))
def test_the_playbook_goes_the_same_way_on_the_emulator(
    on_emulator: tuple[Any, str], case: str
) -> None:
    """Which reads the same mocks."""
    assert ended(*on_emulator, case) == ours(case)


@pytest.mark.local
@pytest.mark.parametrize("case", sorted(DIFFERENT))
def test_where_the_emulator_differs_it_still_does(on_emulator: tuple[Any, str], case: str) -> None:
    assert ended(*on_emulator, case) != ours(case)


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
    assert ended(*in_container, case)[:2] == ours(case)[:2]
