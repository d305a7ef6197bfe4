"""The playbook's scenarios on every interpreter there is, and where one does otherwise.

The table is in tests/scenarios; tests/functional runs it in memory. Step Functions Local needs a
Docker daemon. AWS is asked where ROLLOUT_TEST_ON_AWS is set: TestState with mocks makes nothing and
invokes nothing, and needs `states:TestState` and `states:ValidateStateMachineDefinition`.
"""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.config import Config

from ops.local.emulator import REGION, Emulator
from tests.scenarios import SCENARIOS
from tests.scenarios.by_moto import Functions, playbook, run_all
from tests.scenarios.by_state import ByState
from tests.scenarios.differences import DIFFERENCES, parting
from tests.scenarios.mocks import FILE
from tests.scenarios.runs import INPUT, Run, definition, expected
from tests.scenarios.service import mocked

PORT = 8083
ON_AWS = "ROLLOUT_TEST_ON_AWS"
Interpreter = Callable[[str], Run]

pytestmark = pytest.mark.local


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator({"SFN_MOCK_CONFIG": str(FILE), "SFN_WAIT_SCALE": "0"}) as running:
        yield running


@pytest.fixture(scope="module")
def on_emulator(emulator: Emulator) -> Interpreter:
    trust = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}}
    policy = {"Version": "2012-10-17", "Statement": [{**trust, "Action": "sts:AssumeRole"}]}
    role = emulator.client("iam").create_role(
        RoleName="playbook", AssumeRolePolicyDocument=json.dumps(policy)
    )["Role"]["Arn"]
    return mocked(emulator.client("stepfunctions"), role, SCENARIOS).__getitem__


@pytest.fixture(scope="module")
def on_moto() -> Interpreter:
    return run_all().__getitem__


@pytest.fixture(scope="module")
def on_step_functions_local() -> Iterator[Interpreter]:
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
        .with_volume_mapping(str(FILE), "/home/StepFunctionsLocal/mocks.json")
    )
    with container:
        wait_for_logs(container, f"Starting server on port {PORT}", timeout=60)
        address = f"http://{container.get_container_host_ip()}:{container.get_exposed_port(PORT)}"
        known = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        client: Any = boto3.client(
            "stepfunctions", endpoint_url=address, region_name=REGION, **known
        )
        runs = mocked(client, "arn:aws:iam::123456789012:role/playbook", SCENARIOS)
        # Which events it writes for a mock that throws is not documented.
        yield lambda name: replace(runs[name], failed=expected(name).failed)


@pytest.fixture(scope="module")
def aws() -> Any:
    if not os.environ.get(ON_AWS):
        pytest.skip(f"AWS is asked only where {ON_AWS} is set")
    session: Any = boto3.session.Session()
    assert session.get_credentials(), f"{ON_AWS} is set, but there are no credentials"
    patient = Config(retries={"mode": "adaptive", "total_max_attempts": 10})
    region = session.region_name or REGION
    return session.client("stepfunctions", region_name=region, config=patient)


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("interpreter", ["on_emulator", "on_moto"])
def test_the_playbook_goes_as_the_table_says(
    interpreter: str, name: str, request: pytest.FixtureRequest
) -> None:
    """Or as DIFFERENCES says; a difference that is gone is to be taken from there."""
    run: Interpreter = request.getfixturevalue(interpreter)
    wanted, found = expected(name), run(name)
    where, why = DIFFERENCES[interpreter].get(name, ("", ""))
    assert parting(wanted, found) == where, f"{why}\n{wanted}\n{found}"


@pytest.mark.docker
def test_so_it_does_on_step_functions_local(on_step_functions_local: Interpreter) -> None:
    assert partings(on_step_functions_local) == differences("on_step_functions_local")


def test_so_does_each_of_its_states_on_the_emulator(emulator: Emulator) -> None:
    by_state = ByState(emulator.client("stepfunctions"))
    assert partings(by_state.run) == differences("by_state_on_emulator")


@pytest.mark.aws
def test_so_does_each_of_its_states_on_aws(aws: Any) -> None:
    assert partings(ByState(aws).run) == differences("by_state_on_aws")


def partings(run: Interpreter) -> dict[str, str]:
    """Where each scenario parts that goes otherwise than the table says."""
    found = {name: parting(expected(name), run(name)) for name in SCENARIOS}
    return {name: where for name, where in found.items() if where}


def differences(interpreter: str) -> dict[str, str]:
    return {name: where for name, (where, _) in DIFFERENCES[interpreter].items()}


def test_moto_reads_no_mocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A case is no machine to it. One that reads them needs no functions of ours."""
    monkeypatch.setenv("SFN_MOCK_CONFIG", str(FILE))
    with (
        playbook(Functions()) as (client, machine),
        pytest.raises(client.exceptions.StateMachineDoesNotExist),
    ):
        client.start_execution(stateMachineArn=f"{machine}#Launch", input=json.dumps(INPUT))


@pytest.mark.aws
def test_the_definition_is_valid_to_aws(aws: Any) -> None:
    assert validated(aws, definition()) == ("OK", [])


def test_to_the_emulator_everything_is_valid(emulator: Emulator) -> None:
    """Also what leads nowhere; statelint is who reads the definition here."""
    lost = definition().replace('"Next": "Held"', '"Next": "Nowhere"')
    assert validated(emulator.client("stepfunctions"), lost) == ("OK", [])


def validated(client: Any, text: str) -> tuple[str, list[Any]]:
    """(result, errors) of a definition."""
    found = client.validate_state_machine_definition(definition=text, severity="ERROR")
    return found["result"], found["diagnostics"]
