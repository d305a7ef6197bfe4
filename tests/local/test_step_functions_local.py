"""The same state machine on AWS's own interpreter, Step Functions Local, with mocked functions.

Needs a Docker daemon and the image amazon/aws-stepfunctions-local:2.0.0; skipped without. What the
mocks say about the machine is checked in any case.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

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


@pytest.fixture(scope="module")
def machine() -> Iterator[tuple[Any, str]]:
    """(client, ARN of the playbook) on a Step Functions Local in a container."""
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
        definition = re.sub(
            r"\$\{(\w+)Arn\}", r"arn:aws:lambda:us-east-1:123456789012:function:\1", DEFINITION
        )
        made = client.create_state_machine(
            name="playbook", definition=definition, roleArn="arn:aws:iam::123456789012:role/r"
        )
        yield client, made["stateMachineArn"]


@pytest.mark.docker
@pytest.mark.parametrize("case", CASES)
def test_the_playbook_ends_there_as_it_does_here(machine: tuple[Any, str], case: str) -> None:
    client, arn = machine
    started = client.start_execution(
        stateMachineArn=f"{arn}#{case}", input=json.dumps({"action": "ramp", "plan": {}})
    )["executionArn"]

    def done() -> Any:
        found = client.describe_execution(executionArn=started)
        return found if found["status"] != "RUNNING" else None

    ended = until(done, f"{case} ends")
    events = client.get_execution_history(executionArn=started, maxResults=1000)["events"]
    entered = [
        e["stateEnteredEventDetails"]["name"] for e in events if "stateEnteredEventDetails" in e
    ]
    assert (ended["status"], entered[-1]) == ENDS[case]
    assert set(CASES[case]) <= set(entered)
