"""Start a rollout, and look at it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console

from ops import approving, deployed, holding, rollouts
from ops.cli.endings import show
from ops.cli.options import against_stack, as_json, beside_stack
from ops.drilled import drill_of
from ops.tables import show_entries
from rollout.adapters import plan_documents
from rollout.domain.messages import drilled


@click.command(epilog="Example: rollout launch --plan plans/beta.json")
@click.option("--plan", type=click.Path(path_type=Path), required=True, help="The plan to follow.")
@click.option("--rollout", "rollout_id", default="", help="Id; default: plan name and time.")
@as_json
@beside_stack
def launch(stack: Callable[[], deployed.Stack], plan: Path, rollout_id: str, as_json: bool) -> None:
    """Start a rollout: one execution of the playbook."""
    plan_documents.load(plan)  # a bad plan is told before AWS is asked
    result = rollouts.launch(stack(), plan, rollout_id)
    text = f"launched {result['rollout']}; follow it with `rollout status`\n"
    show(result, as_json, text + result["execution_arn"])


@click.command(epilog="Example: rollout status --json")
@as_json
@against_stack
def status(stack: deployed.Stack, as_json: bool) -> None:
    """Show what is served, the running rollout, and what comes next."""
    result = rollouts.status(stack)
    asked = approving.shown(stack, result["rollout"]) if result["holds_flag"] else None
    result["question"] = asked
    result["held"] = holding.shown(stack) if result["holds_flag"] else {}
    result["drill"] = drill_of(stack, result["rollout"]) if result["rollout"] else {}
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
    if result["held"]:
        ends = "go on with `rollout resume`; silence rolls back"
        line = f"held       {result['held']['reason']}; {ends}"
        console.print(line, markup=False, soft_wrap=True)
    console.print(f"shadow     {result['shadow_bps'] / 100:g} % of control reads")
    drill = drilled(result["drill"])
    if drill:
        console.print(f"way back   {drill}")
    _question_lines(console, result["question"])
    for item in result["scheduled"]:
        console.print(f"next       {item['name']} at {item['at']}")
    _executions(result["executions"])


def _executions(found: list[dict[str, Any]]) -> None:
    headings = ("execution", "action", "phase", "status", "state", "why")
    rows = [
        (
            item["name"],
            item["action"],
            item["phase"],
            item["status"],
            item["state"] or item["status"],
            item["sentence"],
        )
        for item in found
    ]
    show_entries(headings, rows, ("action", "phase", "state", "execution"))


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


COMMANDS: Final = (launch, status)
