"""The scenarios on a Step Functions that reads the file of mocks: the emulator, or AWS's own."""

import json
import time
from collections.abc import Callable, Iterable
from typing import Any

from tests.scenarios.mocks import MACHINE
from tests.scenarios.runs import INPUT, Run, definition, of_history

PATIENCE_SECONDS = 120


def mocked(client: Any, role: str, names: Iterable[str]) -> dict[str, Run]:
    """Every scenario at once, by a boto3 client of Step Functions."""
    machine = client.create_state_machine(name=MACHINE, definition=definition(), roleArn=role)
    arns = {
        name: client.start_execution(
            stateMachineArn=f"{machine['stateMachineArn']}#{name}", input=json.dumps(INPUT)
        )["executionArn"]
        for name in names
    }
    return ended(client, arns)


def ended(
    client: Any, arns: dict[str, str], meanwhile: Callable[[set[str]], None] = lambda _: None
) -> dict[str, Run]:
    """What came of each execution; `meanwhile` is told again and again which still run."""
    runs: dict[str, Run] = {}
    deadline = time.monotonic() + PATIENCE_SECONDS
    while left := arns.keys() - runs.keys():
        assert time.monotonic() < deadline, f"never end: {sorted(left)}"
        for name in left:
            status = client.describe_execution(executionArn=arns[name])["status"]
            if status != "RUNNING":
                runs[name] = of_history(status, _events(client, arns[name]))
        meanwhile(left - runs.keys())
        time.sleep(0.1)
    return runs


def _events(client: Any, arn: str) -> list[dict[str, Any]]:
    found = client.get_execution_history(executionArn=arn, maxResults=1000)
    assert "nextToken" not in found, arn
    return list(found["events"])
