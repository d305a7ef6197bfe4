"""A rollout's executions are all found, in whatever order Step Functions lists them."""

import json
from datetime import timedelta
from typing import Any

import pytest

from ops import deployed
from ops.executions import executions
from tests.functional.aws import STARTED, Aws


def execution(action: str, began: int, ended: int | None) -> dict[str, Any]:
    """One of rollout beta-1, in seconds from STARTED."""
    given = json.dumps({"action": action, "rollout_id": "beta-1"})
    found = {"input": given, "startDate": STARTED + timedelta(seconds=began)}
    if ended is None:
        return {**found, "status": "RUNNING"}
    return {**found, "status": "SUCCEEDED", "stopDate": STARTED + timedelta(seconds=ended)}


@pytest.fixture
def account(patch: pytest.MonkeyPatch) -> Aws:
    patch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    return Aws().use(patch)


def listed(account: Aws, **known: dict[str, Any]) -> list[str]:
    """known: by name with "_" for "-", in the order in which they are listed, oldest first."""
    account.executions = {name.replace("_", "-"): item for name, item in known.items()}
    stack = deployed.find(deployed.DEFAULT_STACK)
    return [item["name"] for item in executions(stack, "beta-1")]


def test_a_step_that_began_before_the_launch_had_ended_is_found(account: Aws) -> None:
    ramp, launch = execution("ramp", 28, None), execution("launch", 0, 30)
    assert listed(account, beta_1_ramp=ramp, beta_1=launch) == ["beta-1-ramp", "beta-1"]


def test_nothing_older_than_the_launch_is_asked_for(account: Aws) -> None:
    names = {f"old_{n}": execution("launch", n - 100, n - 99) for n in range(9)}
    assert listed(account, **names, beta_1=execution("launch", 0, 30)) == ["beta-1"]
    asked = [given for action, given in account.calls if action == "states:DescribeExecution"]
    assert len(asked) == 2
