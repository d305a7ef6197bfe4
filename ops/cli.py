"""The command `rollout`: against AWS or a local stack alike."""

import getpass
import json
import os
import signal
import sys
from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path
from typing import Any, Final

import click
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.table import Table

from ops import approving, deployed, judging, mismatching, planning, replaying, rollouts
from rollout.adapters import plan_documents
from rollout.adapters.flags import FlagConflictError, FlagMissingError
from rollout.adapters.metrics import MetricsUnavailableError
from rollout.domain.errors import InvalidInputError
from rollout.handlers.roll_back import NotRolledBackError

FAILED, BAD_INPUT = 1, 2
KNOWN: Final = (
    deployed.StackError,
    rollouts.RolloutError,
    FlagConflictError,
    FlagMissingError,
    MetricsUnavailableError,
    NotRolledBackError,
)


def explained(command: Callable[..., Any]) -> Callable[..., Any]:
    """Turn every expected failure into one line: exit 2 for bad input, 1 for the rest."""

    @wraps(command)
    def run(*args: Any, **options: Any) -> Any:
        try:
            return command(*args, **options)
        except InvalidInputError as error:
            _fail(str(error), BAD_INPUT)
        except KNOWN as error:
            _fail(str(error), FAILED)
        except ClientError as error:
            said = error.response["Error"]
            _fail(f"AWS refused {error.operation_name}: {said['Code']}: {said['Message']}", FAILED)
        except BotoCoreError as error:
            _fail(f"AWS cannot be asked: {error}", FAILED)

    return run


def _fail(text: str, code: int) -> None:
    click.echo(f"rollout: {text}", err=True)
    sys.exit(code)


def against_stack(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say which stack, where; the command receives the Stack first."""
    return _stack_options(command, deployed.find)


def beside_stack(command: Callable[..., Any]) -> Callable[..., Any]:
    """The same; the command receives a function that finds the Stack, should it need one."""
    return _stack_options(command, lambda name: partial(deployed.find, name))


def _stack_options(command: Callable[..., Any], found: Callable[[str], Any]) -> Callable[..., Any]:
    @click.option("--stack", default=deployed.DEFAULT_STACK, show_default=True, help="Stack name.")
    @click.option("--endpoint-url", help="A local stack's address, or AWS_ENDPOINT_URL.")
    @click.option("--region", help="AWS region, or AWS_REGION.")
    @click.option("--profile", help="AWS profile, or AWS_PROFILE.")
    @wraps(command)
    def run(stack: str, endpoint_url: str, region: str, profile: str, **options: Any) -> Any:
        _point(endpoint_url, region, profile)
        return command(found(stack), **options)

    return run


def _point(endpoint_url: str | None, region: str | None, profile: str | None) -> None:
    """boto3 reads its environment; a local stack needs no account, so credentials are made up."""
    chosen = {"AWS_ENDPOINT_URL": endpoint_url, "AWS_REGION": region, "AWS_PROFILE": profile}
    chosen["AWS_DEFAULT_REGION"] = region
    os.environ.update({name: value for name, value in chosen.items() if value})
    if endpoint_url:
        os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
        if not profile:
            os.environ.setdefault("AWS_ACCESS_KEY_ID", "test")
            os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "test")


as_json = click.option("--json", "as_json", is_flag=True, help="One JSON line on standard output.")
who_and_why = [
    click.option("--who", "--by", default="", show_default="your identity", help="Who decides."),
    click.option("--why", required=True, help="The reason, kept with the decision."),
]


def with_reason(command: Callable[..., Any]) -> Callable[..., Any]:
    """--who and --why."""
    for option in reversed(who_and_why):
        command = option(command)
    return command


def _show(result: dict[str, Any], as_json: bool, text: str) -> None:
    click.echo(json.dumps(result) if as_json else text)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="rollout-playbook")
def main() -> None:
    """Move a read path from control to candidate, step by step, or back.

    Exit codes: 0 done, 1 failed or ended otherwise than it should, 2 bad input.
    """
    # The functions' log lines are for CloudWatch; here the result itself is shown.
    os.environ.setdefault("POWERTOOLS_LOG_LEVEL", "CRITICAL")


@main.command(epilog="Example: rollout launch --plan plans/beta.json")
@click.option("--plan", type=click.Path(path_type=Path), required=True, help="The plan to follow.")
@click.option("--rollout", "rollout_id", default="", help="Id; default: plan name and time.")
@as_json
@explained
@beside_stack
def launch(stack: Callable[[], deployed.Stack], plan: Path, rollout_id: str, as_json: bool) -> None:
    """Start a rollout: one execution of the playbook."""
    plan_documents.load(plan)  # a bad plan is told before AWS is asked
    result = rollouts.launch(stack(), plan, rollout_id)
    text = f"launched {result['rollout']}; follow it with `rollout status`\n"
    _show(result, as_json, text + result["execution_arn"])


@main.command(epilog="Example: rollout status --json")
@as_json
@explained
@against_stack
def status(stack: deployed.Stack, as_json: bool) -> None:
    """Show what is served, the running rollout, and what comes next."""
    result = rollouts.status(stack)
    asked = approving.shown(stack, result["rollout"]) if result["holds_flag"] else None
    result["question"] = asked
    if as_json:
        click.echo(json.dumps(result))
    else:
        _status_screen(result)


def _status_screen(result: dict[str, Any]) -> None:
    console = Console(highlight=False)
    share = result["exposure_bps"] / 100
    holder = f"in {result['phase']}" if result["holds_flag"] else "ended, the flag is free"
    console.print(f"stack      {result['stack']}")
    console.print(f"rollout    {result['rollout'] or 'none yet'} ({holder})")
    console.print(
        f"served     {share:g} % of users by the candidate, until "
        f"{result['lease_until'] or 'somebody changes it'}"
    )
    console.print(f"shadow     {result['shadow_bps'] / 100:g} % of control reads")
    _question_lines(console, result["question"])
    for item in result["scheduled"]:
        console.print(f"next       {item['name']} at {item['at']}")
    table = Table("execution", "action", "phase", "status", "state", "why", box=None)
    for item in result["executions"]:
        columns = ("name", "action", "phase", "status", "state", "sentence")
        table.add_row(*(item[column] for column in columns))
    console.print(table)


def _question_lines(console: Console, question: dict[str, Any] | None) -> None:
    """What is asked, if anything is."""
    if not question:
        return
    given = "".join(f", approved by {item['by']}" for item in question["approvals"])
    people = f", {question['people']} people must approve{given}" if question["people"] > 1 else ""
    lines = (
        f"asks       {question['sentence']}",
        f"answer     by {question['deadline']}, evidence {question['evidence']}{people}",
    )
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)


@main.command("roll-back", epilog="Example: rollout roll-back --why 'tickets about wrong balances'")
@with_reason
@as_json
@explained
@against_stack
def roll_back(stack: deployed.Stack, who: str, why: str, as_json: bool) -> None:
    """Serve everyone from the control, now; needs no state machine.

    Closes the flag past any alarm, deletes what is scheduled, stops running executions, and
    verifies at the data plane.
    """
    result = rollouts.roll_back(stack, who or getpass.getuser(), why)
    did = f"closed the flag of {result['holder'] or 'nobody'}" if result["changed"] else "it was so"
    took = f"{result['seconds']:.1f} s"
    text = f"control serves everyone, verified at the data plane after {took}; {did}"
    _show(result, as_json, text)


@main.command(epilog="Example: rollout approve beta-20260314-090000 --why 'a known typo'")
@click.argument("rollout")
@click.option("--evidence", default="", help="The hash you were shown; refused if it has changed.")
@with_reason
@as_json
@explained
@against_stack
def approve(
    stack: deployed.Stack, rollout: str, evidence: str, who: str, why: str, as_json: bool
) -> None:
    """Let a rollout that asks go on.

    Refused when the evidence has changed, the deadline has passed, or somebody has answered. A
    plan may ask for two people: then the first approval waits for the second.
    """
    who = who or approving.caller()
    result = approving.approve(stack, rollout, who=who, why=why, evidence=evidence)
    text = f"{rollout}: approved by {result['by']}: {result['why']}"
    if result["answer"] == approving.WANTS_ANOTHER:
        text += f"; another person must approve by {result['deadline']}, or silence rolls back"
    _show(result, as_json, text)


@main.command(epilog="Example: rollout reject beta-20260314-090000 --why 'p95 doubled'")
@click.argument("rollout")
@with_reason
@as_json
@explained
@against_stack
def reject(stack: deployed.Stack, rollout: str, who: str, why: str, as_json: bool) -> None:
    """Have a rollout that asks roll back. Always taken."""
    result = approving.reject(stack, rollout, who=who or approving.caller(), why=why)
    _show(result, as_json, f"{rollout}: rejected by {result['by']}: {why}")


@main.command(epilog="Example: rollout mismatches --since 2h")
@click.option("--rollout", "rollout_id", default="", help="Default: the running or last one.")
@click.option("--since", default="", help="30m, 2h, 3d; default: since the rollout's launch.")
@as_json
@explained
@against_stack
def mismatches(stack: deployed.Stack, rollout_id: str, since: str, as_json: bool) -> None:
    """Say in which fields the candidate's answers differ, how often, and which of it is noise.

    Examples show kinds and sizes of values, never the values.
    """
    result = mismatching.mismatches(stack, rollout_id, since)
    if as_json:
        click.echo(json.dumps(result))
    else:
        mismatching.show(result)


@main.command(epilog="Example: rollout rehearse --story errors --traffic counts.csv")
@click.option(
    "--story",
    "stories",
    multiple=True,
    help="healthy, errors (these two are the default), slow, outage, mismatch, approval-given, "
    "approval-refused or approval-timeout.",
)
@click.option("--plan", type=click.Path(path_type=Path), help="Default: plans/rehearsal.json.")
@click.option(
    "--traffic",
    type=click.Path(path_type=Path),
    help="CSV of recorded counts (timestamp, value); default: a generated trace.",
)
@as_json
@explained
def rehearse(
    stories: tuple[str, ...], plan: Path | None, traffic: Path | None, as_json: bool
) -> None:
    """Run whole rollouts on an AWS emulator and a real PostgreSQL, here, in minutes."""
    from ops.local import rehearsal  # only this needs the emulator

    _end_like_ctrl_c()
    result = rehearsal.rehearse(stories, plan, traffic)
    if as_json:
        click.echo(json.dumps(result))
    sys.exit(0 if all(story["as_it_should"] for story in result["stories"]) else FAILED)


@main.command(epilog="Example: rollout judge --jsonl < minutes.jsonl")
@click.option(
    "--jsonl", is_flag=True, required=True, help="JSON lines in, one answer a minute out."
)
@explained
def judge(jsonl: bool) -> None:
    """Judge recorded minutes as the playbook would: GO, HOLD or ROLLBACK for each.

    Standard input has one JSON object a line: {"type": "start", "schedule": …, "thresholds": …}
    begins a rollout, each {"type": "minute", …} after it is answered with a word and a reason.
    """
    judging.answer_lines(sys.stdin, sys.stdout)


@main.command(epilog="Example: rollout replay --counts counts.csv --plan plans/beta.json")
@click.option(
    "--plan", "plans", type=click.Path(path_type=Path), multiple=True, help="Judge by it."
)
@click.option(
    "--counts", type=click.Path(path_type=Path), help="Recorded minutes: CSV, JSON lines."
)
@click.option("--rollout", "rollout_id", help="A rollout that has been, from CloudWatch.")
@as_json
@explained
@beside_stack
def replay(
    stack: Callable[[], deployed.Stack],
    plans: tuple[Path, ...],
    counts: Path | None,
    rollout_id: str | None,
    as_json: bool,
) -> None:
    """Judge recorded minutes again: where another plan would have decided otherwise.

    With --rollout the first plan is the one that was followed.
    """
    known = [plan_documents.load(file)[0] for file in plans]
    result = replaying.again(known, counts, rollout_id, stack)
    if as_json:
        click.echo(json.dumps(result))
    else:
        replaying.show(result)


@main.group("plan")
def plan_group() -> None:
    """Plans: what they promise, and whether that can be kept."""


@plan_group.command(epilog="Example: rollout plan explain plans/beta.json --requests-per-day 1000")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--requests-per-day", type=click.FloatRange(0), help="The same at any time.")
@click.option("--traffic", type=click.Path(path_type=Path), help="CSV of counts, repeated.")
@click.option("--last-days", type=click.IntRange(1, 60), help="As CloudWatch has counted them.")
@click.option("--users", type=click.IntRange(1), default=10_000, show_default=True)
@as_json
@explained
@beside_stack
def explain(stack: Callable[[], deployed.Stack], file: Path, **options: Any) -> None:
    """Say for each phase how long it takes to certify it, and to notice harm.

    Exit code 1 when a phase cannot be certified in its longest bake.
    """
    as_json = options.pop("as_json")
    result = planning.explain(file, stack, **options)
    if as_json:
        click.echo(json.dumps(result))
    else:
        planning.show(result)
    sys.exit(FAILED if any(phase["problem"] for phase in result["phases"]) else 0)


@main.group()
def local() -> None:
    """A local stack: AWS emulator, PostgreSQL, the real template."""


@local.command(epilog="Example: rollout local up")
@click.option("--traffic/--no-traffic", default=True, show_default=True, help="Send reads.")
@explained
def up(traffic: bool) -> None:
    """Keep a local stack running until Ctrl-C."""
    from ops.local import rehearsal

    _end_like_ctrl_c()
    rehearsal.keep_up(traffic)


def _end_like_ctrl_c() -> None:
    """Whoever asks for an end gets the cleanup: emulator, database and folders go with us."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


if __name__ == "__main__":
    main()
