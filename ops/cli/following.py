"""Follow a rollout, and look back at those that have been."""

import json
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any, Final

import click
from rich.console import Console

from ops import deployed, histories
from ops.cli.options import against_stack, as_json
from ops.records.record import record
from ops.tables import show_entries
from ops.watching import watch as watching
from rollout.domain.notice import percent

HEADINGS: Final = ("rollout", "plan", "launched", "ended", "outcome", "highest", "why")


@click.command(epilog="Example: rollout watch --once")
@click.argument("rollout", default="")
@click.option("--once", is_flag=True, help="Show it as it is now, and end.")
@click.option(
    "--until-launched", is_flag=True, help="End with the launch, when the canary has passed."
)
@click.option(
    "--every", type=click.FloatRange(1, 3600), default=5, show_default=True, help="Seconds."
)
@as_json
@against_stack
def watch(stack: deployed.Stack, rollout: str, once: bool, as_json: bool, **more: Any) -> None:
    """Follow a rollout to its end: phase, exposure, evidence, time left, what happened.

    ROLLOUT is a name or the beginning of one; default: the one that holds the flag, or the last.
    Where standard output is no terminal, one line for each change. Exit codes: 0 completed (or
    launched, or, with --once, going on), 1 rolled back, refused or failed.
    """
    name, known = histories.named(stack, rollout), dict[str, Any]()
    follower = watching.Follower(partial(record, stack, name, known), **more)
    looks = _first(follower.looks()) if once else follower.looks()
    console = Console(highlight=False)
    if as_json:
        last = watching.as_json(looks)
    elif console.is_terminal and not once:
        last = watching.on_terminal(looks, console)
    elif once:
        last = watching.as_screens(looks, console)
    else:
        last = watching.as_lines(looks)
    sys.exit(watching.code(last))


def _first(looks: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    yield next(looks)


@click.command(epilog="Example: rollout history --limit 5")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@as_json
@against_stack
def history(stack: deployed.Stack, limit: int, as_json: bool) -> None:
    """List the rollouts of a stack, newest first: how far each came, and why it ended."""
    found = histories.history(stack, limit)
    if as_json:
        click.echo(json.dumps({"rollouts": found}))
    elif not found:
        click.echo("no rollout yet; start one with `rollout launch --plan plans/beta.json`")
    else:
        _show(found)


def _show(found: list[dict[str, Any]]) -> None:
    rows = [
        (
            item["rollout"],
            item["plan"],
            _minute(item["launched_at"]),
            _minute(item["ended_at"]) or "-",
            item["outcome"],
            percent(item["highest_bps"]),
            item["why"],
        )
        for item in found
    ]
    show_entries(HEADINGS, rows, ("rollout", "launched", "ended", "outcome", "highest"))


def _minute(at: str) -> str:
    return at[:16].replace("T", " ")


COMMANDS: Final = (watch, history)
