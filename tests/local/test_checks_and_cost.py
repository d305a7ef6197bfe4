"""Preflight, readiness and cost on a stack that stands: real calls, a real launch, counted."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from ops.costs.usage import Deployment, of_plan
from rollout.adapters import plan_documents
from tests.local.running import ROOT, answer, local_stack, rollout, until

pytestmark = [pytest.mark.local, pytest.mark.stories]
# What a local stack rightly lacks: CodeDeploy, metric math, traces; and what was not asked for.
LACKS = {"code-deployments", "alarm-configured", "tracing", "rollback-drill"}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with local_stack() as found:
        yield found["AWS_ENDPOINT_URL"]


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rehearsal's launch; its ramp is far away."""
    document = json.loads((ROOT / "plans" / "rehearsal.json").read_text(encoding="utf-8"))
    for number, phase in enumerate(document["phases"][2:]):
        phase["starts_after_seconds"] = 3600 + number
    document["cleanup"]["starts_after_seconds"] = 7200
    file = tmp_path_factory.mktemp("plans") / "launch.json"
    file.write_text(json.dumps(document))
    return file


def checks(address: str, *words: str, code: int) -> dict[str, dict[str, Any]]:
    ended, out, err = rollout(*words, "--json", "--endpoint-url", address)
    assert ended == code, out + err
    return {item["name"]: item for item in json.loads(out)["checks"]}


def words(found: dict[str, dict[str, Any]], word: str) -> set[str]:
    return {name for name, item in found.items() if item["word"] == word}


def test_a_stack_that_was_just_deployed_is_ready(address: str) -> None:
    found = checks(address, "check", code=0)
    assert len(found) == 12
    assert words(found, "fail") == set()
    assert words(found, "cannot tell") <= LACKS


def test_all_that_a_launch_relies_on_stands(address: str, plan: Path) -> None:
    given = ("--plan", str(plan), "--requests-per-day", "10000000")
    found = checks(address, "preflight", *given, code=0)
    assert words(found, "fail") == set()
    assert found["notification"]["text"] == "1 confirmed: sqs"
    assert words(found, "cannot tell") <= LACKS
    assert found["permissions"]["text"].endswith("calls simulated")
    assert "flag-free" in words(found, "pass")


def test_the_drill_closes_what_it_opened(address: str, plan: Path) -> None:
    found = checks(address, "preflight", "--plan", str(plan), "--drill", code=0)
    assert found["rollback-drill"]["word"] == "pass"
    again = checks(address, "preflight", code=0)
    assert {"flag-free", "flag-at-zero", "flag-deployment"} <= words(again, "pass")


def test_elsewhere_than_on_a_terminal_a_check_is_a_line(address: str) -> None:
    _, out, _ = rollout("check", "--endpoint-url", address)
    *lines, last = out.splitlines()
    assert all(len(line.split("\t")) == 3 for line in lines)
    assert last.endswith("cannot tell")


def test_a_launch_costs_what_was_counted_and_what_was_foreseen(address: str, plan: Path) -> None:
    first = answer("launch", "--plan", str(plan), "--endpoint-url", address)
    states = boto3.client(
        "stepfunctions",
        endpoint_url=address,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )

    def ended() -> bool:
        told = states.describe_execution(executionArn=first["execution_arn"])
        return bool(told["status"] != "RUNNING")

    until(ended, "the launch ends")
    pages = states.get_paginator("get_execution_history")
    events = [
        event
        for page in pages.paginate(executionArn=first["execution_arn"])
        for event in page["events"]
    ]
    bill = answer("cost", "--rollout", first["rollout"], "--endpoint-url", address)
    answer("roll-back", "--why", "end of a test", "--endpoint-url", address)

    used = bill["used"]
    entered = [event for event in events if "stateEnteredEventDetails" in event]
    names = [event["stateEnteredEventDetails"]["name"] for event in entered]
    assert names[-1] == "Launched"
    assert used["states"] >= len(names)  # a retry is a transition too
    assert used["evaluations"] == names.count("Evaluate Shadow") + names.count("Evaluate Metrics")
    assert used["requests"] > 0
    assert bill["usd"]["the rollout"] > 0

    # Looks at the data plane and at the evidence come as often as they must; all else is foreseen.
    parsed, _ = plan_documents.load(plan)
    said = of_plan(parsed, None, Deployment(poll_seconds=1, bake_minutes=0), "canary")
    retries = used["states"] - len(names)
    made = used["states"] - retries - 3 * (used["evaluations"] + used["received"])
    assert made == said.states - 3 * (said.evaluations + said.received)
    assert used["exposures"] == said.exposures == 2
