"""Whatever is wrong, on every command: one line that says what, what to type next, and a code."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import click
import pytest
from click.testing import CliRunner, Result

from ops import refusals
from ops.cli import main
from rollout.adapters import clients
from tests.fakes import ROOT
from tests.functional.aws import STARTED, RefusedError
from tests.functional.checked import Checked
from tests.functional.test_cli import commands

BETA = str(ROOT / "plans" / "beta.json")
# What a command needs to get as far as AWS, where that is more than its name.
NEEDS = {
    "launch": ["--plan", BETA],
    "roll-back": ["--why", "w"],
    "kill": ["--why", "w"],
    "hold": ["--why", "w"],
    "resume": ["--why", "w"],
    "approve": ["beta-1", "--why", "w"],
    "reject": ["beta-1", "--why", "w"],
    "replay": ["--rollout", "beta-1"],
    "cost": ["--rollout", "beta-1"],
    "plan explain": [BETA, "--last-days", "1"],
    "plan show": [BETA, "--last-days", "1"],
    "plan lint": [BETA, "--last-days", "1"],
}
# Commands that read a plan.
WITH_PLAN = {
    "launch": ["--plan"],
    "preflight": ["--plan"],
    "rehearse": ["--plan"],
    "cost": ["--requests-per-day", "1", "--plan"],
    "replay": ["--counts", "none.csv", "--plan"],
    "plan explain": ["--requests-per-day", "1"],
    "plan show": [],
    "plan lint": [],
}


def needs_stack(command: click.Command) -> bool:
    return any("--stack" in parameter.opts for parameter in command.params)


# The kill switch goes on where it can, so that it asks and answers otherwise.
AGAINST_A_STACK = [name for name, command in commands() if needs_stack(command) and name != "kill"]


def run(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def line(result: Result, code: int) -> str:
    """The one line that a person gets; never a traceback."""
    assert result.exit_code == code, result.output
    assert result.output.startswith("rollout: "), result.output
    assert result.output.count("\n") == 1, result.output
    assert "Traceback" not in result.output
    return result.output


def at(name: str, *more: str) -> Result:
    return run(*name.split(), *NEEDS.get(name, []), *more)


@pytest.mark.parametrize("name", AGAINST_A_STACK)
def test_a_stack_that_is_not_there(patch: pytest.MonkeyPatch, name: str) -> None:
    Checked().use(patch)
    said = line(at(name, "--stack", "other", "--region", "eu-west-1"), 1)
    assert "there is no stack other (region eu-west-1)" in said
    for remedy in ("sam deploy", "rollout local up", "--stack", "--region"):
        assert remedy in said


def test_the_kill_switch_without_a_stack_says_how_it_works_without_one(
    patch: pytest.MonkeyPatch,
) -> None:
    Checked().use(patch)
    said = line(at("kill", "--stack", "other", "--region", "eu-west-1"), 1)
    assert "there is no stack other" in said
    assert "--application" in said


REFUSED = [
    ("ExpiredToken", "your credentials have expired: `aws sso login`"),
    ("InvalidClientTokenId", "look at --profile, --region, and the clock"),
    ("AccessDenied", "you lack the right to DescribeStacks: `rollout preflight` names"),
    ("Throttling", "try again in a minute"),
]


@pytest.mark.parametrize("name", AGAINST_A_STACK)
@pytest.mark.parametrize(("code", "next_step"), REFUSED)
def test_a_call_that_aws_refuses(
    patch: pytest.MonkeyPatch, name: str, code: str, next_step: str
) -> None:
    account = Checked()
    account.said["DescribeStacks"] = RefusedError(code, "The security token")
    account.use(patch)
    said = line(at(name, "--region", "us-east-1"), 1)
    assert f"AWS refused DescribeStacks: {code}" in said
    assert next_step in said


@pytest.mark.parametrize("operation", ["StartExecution", "ListDeployments", "DescribeExecution"])
def test_a_right_that_is_missing_only_later(patch: pytest.MonkeyPatch, operation: str) -> None:
    account = Checked(executions={"beta-1": {"status": "RUNNING", "input": "{}"}})
    account.said[operation] = RefusedError("AccessDeniedException", "not authorized")
    account.use(patch)
    name = "status" if operation == "DescribeExecution" else "launch"
    said = line(at(name, "--region", "us-east-1"), 1)
    assert f"you lack the right to {operation}" in said


@pytest.fixture
def nowhere(patch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """A person's machine without any setting of AWS, and without a way to ask another machine."""
    patch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    patch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    patch.setattr(boto3, "DEFAULT_SESSION", None)
    clients.client.cache_clear()
    return patch


UNREACHED = [
    (["--profile", "nobody"], "give --profile"),
    ([], "give --region, or set AWS_REGION"),
    (["--region", "us-east-1"], "`aws sso login`"),
]


@pytest.mark.parametrize(("words", "next_step"), UNREACHED)
def test_aws_that_cannot_be_asked(
    nowhere: pytest.MonkeyPatch, words: list[str], next_step: str
) -> None:
    said = line(at("status", *words), 1)
    assert "AWS cannot be asked: " in said
    assert next_step in said


@pytest.mark.usefixtures("impatient")
def test_an_address_where_nobody_answers(nowhere: pytest.MonkeyPatch) -> None:
    said = line(at("status", "--endpoint-url", "http://127.0.0.1:9"), 1)
    assert "look at --region and --endpoint-url, and at the network" in said


NO_PLANS: list[tuple[str | None, str]] = [
    (None, "a readable file"),
    ("", "JSON"),
    ("name: beta\n", "JSON"),
    ('{"name": "beta",', "JSON"),
    ("[]", "plan"),
    ('{"name": "beta"}', "expected the field phases"),
]


@pytest.mark.parametrize("name", WITH_PLAN)
@pytest.mark.parametrize(("text", "said"), NO_PLANS)
def test_a_plan_that_is_none(
    patch: pytest.MonkeyPatch, tmp_path: Path, name: str, text: str | None, said: str
) -> None:
    Checked().use(patch)
    file = tmp_path / "plan.json"
    if text is not None:
        file.write_text(text)
    result = run(*name.split(), *WITH_PLAN[name], str(file))
    if name == "plan lint" and said.startswith("expected"):
        assert result.exit_code == 1  # what is wrong is what it was asked for
        assert said in result.output
        return
    assert said in line(result, 2)


def test_every_option_that_takes_a_plan_is_tried() -> None:
    takes = {
        name
        for name, command in commands()
        if any("--plan" in one.opts or one.name == "file" for one in command.params)
    }
    assert takes - set(WITH_PLAN) == set()


ENDED = {
    "status": "SUCCEEDED",
    "stopDate": STARTED,
    "input": json.dumps({"action": "launch", "rollout_id": "beta-1"}),
    "output": json.dumps({"outcome": {"word": "COMPLETED", "sentence": "done"}}),
}


@pytest.mark.parametrize("name", ["approve", "reject"])
def test_a_rollout_that_has_ended_asks_nothing(patch: pytest.MonkeyPatch, name: str) -> None:
    Checked(executions={"beta-1": ENDED}).use(patch)
    said = line(at(name, "--region", "us-east-1"), 1)
    assert "rollout beta-1 asks nothing now" in said
    assert "rollout status" in said


# Commands that take the name of a rollout, and where.
OF_A_ROLLOUT = {
    "watch": [],
    "mismatches": ["--rollout"],
    "replay": ["--rollout"],
    "cost": ["--rollout"],
    "approve": ["--why", "w"],
    "reject": ["--why", "w"],
}
TWO = {
    "beta-1": ENDED,
    "beta-2": {**ENDED, "input": json.dumps({"action": "launch", "rollout_id": "beta-2"})},
}


@pytest.mark.parametrize("name", OF_A_ROLLOUT)
def test_a_rollout_that_nobody_knows(patch: pytest.MonkeyPatch, name: str) -> None:
    Checked(executions=TWO).use(patch)
    said = line(run(name, *OF_A_ROLLOUT[name], "gamma-1", "--region", "us-east-1"), 1)
    assert "no rollout gamma-1 is known; the last ones are beta-2, beta-1" in said
    assert "rollout history" in said


@pytest.mark.parametrize("name", OF_A_ROLLOUT)
def test_a_beginning_that_two_rollouts_share(patch: pytest.MonkeyPatch, name: str) -> None:
    Checked(executions=TWO).use(patch)
    said = line(run(name, *OF_A_ROLLOUT[name], "beta", "--region", "us-east-1"), 2)
    assert "ROLLOUT is 'beta'" in said
    assert "beta-2, beta-1" in said


@pytest.mark.parametrize("name", ["approve", "reject"])
def test_a_decision_needs_the_whole_name(patch: pytest.MonkeyPatch, name: str) -> None:
    Checked(executions={"beta-1": ENDED}).use(patch)
    said = line(run(name, "bet", "--why", "w", "--region", "us-east-1"), 2)
    assert "ROLLOUT is 'bet'; expected the whole name to decide on, as in beta-1" in said


def test_a_rollout_may_be_named_by_its_beginning(patch: pytest.MonkeyPatch) -> None:
    account = Checked(executions={"beta-1": ENDED}).use(patch)
    account.said = {"GetExecutionHistory": {"events": []}}  # type: ignore[attr-defined]
    words = ("--rollout", "bet", "--json", "--region", "us-east-1")
    assert json.loads(run("cost", *words).output)["of"] == "beta-1"
    assert json.loads(run("mismatches", *words).output)["rollout"] == "beta-1"


def test_every_command_that_takes_a_rollout_is_tried() -> None:
    takes = {
        name
        for name, command in commands()
        if any(one.name in ("rollout", "rollout_id") for one in command.params)
    }
    # A launch names a new one; what a person does to whatever is served needs no name.
    assert takes - {"launch", "roll-back", "report", "hold", "resume"} == set(OF_A_ROLLOUT)


WRONG: list[tuple[list[str], str]] = [
    (["launch"], "--plan"),
    (["approve"], "ROLLOUT"),
    (["cost", "--traced", "2", "--plan", BETA], "--traced"),
    (["preflight", "--users", "0"], "--users"),
    (["stautus"], "No such command"),
    (["status", "--colour"], "No such option"),
]


@pytest.mark.parametrize(("words", "said"), WRONG)
def test_words_that_make_no_command(words: list[str], said: str) -> None:
    result = run(*words)
    assert result.exit_code == 2
    assert said in result.output
    assert "Traceback" not in result.output


def test_what_botocore_raises_is_told_without_line_breaks() -> None:
    from botocore.exceptions import ConnectTimeoutError, SSOTokenLoadError

    make: list[tuple[Callable[[], Any], str]] = [
        (lambda: SSOTokenLoadError(error_msg="a\nb"), "have expired"),
        (lambda: ConnectTimeoutError(endpoint_url="http://x"), "the network"),
    ]
    for made, said in make:
        text = refusals.not_asked(made())
        assert "\n" not in text
        assert said in text
