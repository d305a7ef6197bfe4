"""A person freezes a rollout on the local stack; and a launch whose way back is not proven."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.local.running import PATIENCE_SECONDS, ROOT, answer, local_stack, rollout, until

pytestmark = [pytest.mark.local, pytest.mark.stories]
# Long enough to be seen held, short enough to be waited for.
HOLD_SECONDS = 15
# As long as the candidate may take there.
SLOW_MS = 5000


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with local_stack() as environment:
        yield environment["AWS_ENDPOINT_URL"]


@pytest.fixture(autouse=True)
def ended_after(address: str) -> Iterator[None]:
    yield
    answer("roll-back", "--why", "end of a test", "--endpoint-url", address)


def planned(folder: Path, hold_seconds: int) -> Path:
    """The plan of the rehearsal; a busy machine too can hold its canary in time, and passes it."""
    document = json.loads((ROOT / "plans" / "rehearsal.json").read_text(encoding="utf-8"))
    document["approval"]["timeout_seconds"] = hold_seconds
    document["slowness"]["absolute_ms"] = SLOW_MS
    document["phases"][1].update(bake_seconds=15, maximum_bake_seconds=600)
    file = folder / "held.json"
    file.write_text(json.dumps(document))
    return file


def status(address: str) -> dict[str, Any]:
    return answer("status", "--endpoint-url", address)


def sentences(address: str) -> str:
    return " ".join(item["sentence"] for item in status(address)["executions"])


def in_canary(address: str, plan: Path) -> str:
    """A rollout whose canary is exposed."""
    found = answer("launch", "--plan", str(plan), "--endpoint-url", address)
    until(lambda: status(address)["exposure_bps"] == 100, "the canary is exposed")
    until(lambda: "Bake" in str(status(address)["executions"]), "it bakes")
    return str(found["rollout"])


def change(address: str, word: str) -> dict[str, Any]:
    """A hold or a resume, again while the flag is being deployed."""
    words = (word, "--why", "odd", "--who", "ada", "--json", "--endpoint-url", address)

    def done() -> dict[str, Any] | None:
        code, out, err = rollout(*words)
        assert code == 0 or "cannot hold now" in err, err
        return dict(json.loads(out)) if code == 0 else None

    return dict(until(done, f"the rollout can {word}"))


def test_a_canary_is_held_past_its_bake_and_goes_on_when_resumed(
    address: str, tmp_path: Path
) -> None:
    name = in_canary(address, planned(tmp_path, PATIENCE_SECONDS))
    found = change(address, "hold")
    assert (found["word"], found["exposure_bps"], found["told"]) == ("HELD", 100, True)
    # It would have been promoted by now, and is not.
    until(lambda: "; otherwise PROMOTE" in sentences(address), "it has passed its bake")
    now = status(address)
    assert (now["phase"], now["exposure_bps"]) == ("canary", 100)
    assert (now["scheduled"], now["held"]["until"]) == ([], now["lease_until"])
    assert change(address, "resume")["word"] == "RESUMED"
    until(lambda: status(address)["exposure_bps"] > 100, "the ramp has begun")
    assert (status(address)["rollout"], status(address)["held"]) == (name, {})


def test_a_hold_that_nobody_resumes_is_rolled_back_with_the_reason(
    address: str, tmp_path: Path
) -> None:
    in_canary(address, planned(tmp_path, HOLD_SECONDS))
    change(address, "hold")
    until(lambda: not status(address)["holds_flag"], "it is rolled back")
    until(lambda: "RUNNING" not in str(status(address)["executions"]), "the execution has ended")
    (execution,) = status(address)["executions"]
    assert (execution["state"], status(address)["exposure_bps"]) == ("ROLLED_BACK", 0)
    # The emulator forgets the note of a version, which has who and why.
    assert ", and nobody has resumed it" in execution["sentence"]


def api(address: str, service: str) -> Any:
    known = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return boto3.client(service, endpoint_url=address, region_name="us-east-1", **known)


@pytest.fixture
def rollback_role(address: str) -> Iterator[str]:
    """The role of the function that rolls back; it may not see what is scheduled."""
    stack, iam = api(address, "cloudformation"), api(address, "iam")
    name = stack.describe_stacks()["Stacks"][0]["StackName"]
    found = stack.describe_stack_resource(StackName=name, LogicalResourceId="RollBackRole")
    role = found["StackResourceDetail"]["PhysicalResourceId"]
    denied = {"Effect": "Deny", "Action": "scheduler:ListSchedules", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [denied]})
    iam.put_role_policy(RoleName=role, PolicyName="denied", PolicyDocument=policy)
    yield role
    iam.delete_role_policy(RoleName=role, PolicyName="denied")


@pytest.mark.usefixtures("rollback_role")
def test_a_launch_whose_way_back_is_not_proven_exposes_nobody(address: str, tmp_path: Path) -> None:
    plan = planned(tmp_path, HOLD_SECONDS)
    answer("launch", "--plan", str(plan), "--endpoint-url", address)
    until(lambda: "ROLLED_BACK" in str(status(address)["executions"]), "the launch has ended")
    (execution,) = status(address)["executions"]
    assert "the rollback is not proven: its schedules are still there" in execution["sentence"]
    assert (status(address)["exposure_bps"], status(address)["holds_flag"]) == (0, False)
