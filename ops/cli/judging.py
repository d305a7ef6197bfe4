"""Evidence: judge it, judge it again, and say in which fields answers differ."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import click

from ops import deployed, histories, judging, mismatching, replaying
from ops.cli.options import against_stack, as_json, beside_stack
from rollout.adapters import plan_documents


@click.command(epilog="Example: rollout mismatches --since 2h")
@click.option("--rollout", "rollout_id", default="", help="Default: the running or last one.")
@click.option("--since", default="", help="30m, 2h, 3d; default: since the rollout's launch.")
@as_json
@against_stack
def mismatches(stack: deployed.Stack, rollout_id: str, since: str, as_json: bool) -> None:
    """Say in which fields the candidate's answers differ, how often, and which of it is noise.

    Examples show kinds and sizes of values, never the values.
    """
    result = mismatching.mismatches(stack, histories.named(stack, rollout_id), since)
    if as_json:
        click.echo(json.dumps(result))
    else:
        mismatching.show(result)


@click.command(epilog="Example: rollout judge --jsonl < minutes.jsonl")
@click.option(
    "--jsonl", is_flag=True, required=True, help="JSON lines in, one answer a minute out."
)
def judge(jsonl: bool) -> None:
    """Judge recorded minutes as the playbook would: GO, HOLD or ROLLBACK for each.

    Standard input has one JSON object a line: {"type": "start", "schedule": …, "thresholds": …}
    begins a rollout, each {"type": "minute", …} after it is answered with a word and a reason.
    """
    judging.answer_lines(sys.stdin, sys.stdout)


@click.command(epilog="Example: rollout replay --counts counts.csv --plan plans/beta.json")
@click.option(
    "--plan", "plans", type=click.Path(path_type=Path), multiple=True, help="Judge by it."
)
@click.option(
    "--counts", type=click.Path(path_type=Path), help="Recorded minutes: CSV, JSON lines."
)
@click.option("--rollout", "rollout_id", help="A rollout that has been, from CloudWatch.")
@as_json
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


COMMANDS: Final = (judge, replay, mismatches)
