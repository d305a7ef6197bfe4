"""The local stack: rehearse on it, or keep it up."""

import json
import signal
import sys
from pathlib import Path
from typing import Final

import click

from ops.cli.endings import FAILED
from ops.cli.options import as_json


@click.command(epilog="Example: rollout rehearse --story errors --traffic counts.csv")
@click.option(
    "--story",
    "stories",
    multiple=True,
    help="healthy, errors (these two are the default), slow, step-down, outage, mismatch, "
    "approval-given, approval-refused, approval-timeout or orchestrator-killed.",
)
@click.option("--plan", type=click.Path(path_type=Path), help="Default: plans/rehearsal.json.")
@click.option(
    "--traffic",
    type=click.Path(path_type=Path),
    help="CSV of recorded counts (timestamp, value); default: a generated trace.",
)
@click.option(
    "--calls",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    help="Write every AWS call that a role of the template made to this file, as JSON.",
)
@as_json
def rehearse(
    stories: tuple[str, ...],
    plan: Path | None,
    traffic: Path | None,
    calls: Path | None,
    as_json: bool,
) -> None:
    """Run whole rollouts on an AWS emulator and a real PostgreSQL, here, in minutes."""
    from ops.local import rehearsal  # only this needs the emulator

    _end_like_ctrl_c()
    result = rehearsal.rehearse(stories, plan, traffic, calls)
    if as_json:
        click.echo(json.dumps(result))
    sys.exit(0 if all(story["as_it_should"] for story in result["stories"]) else FAILED)


@click.group()
def local() -> None:
    """A local stack: AWS emulator, PostgreSQL, the real template."""


@local.command(epilog="Example: rollout local up")
@click.option("--traffic/--no-traffic", default=True, show_default=True, help="Send reads.")
def up(traffic: bool) -> None:
    """Keep a local stack running until Ctrl-C."""
    from ops.local import rehearsal

    _end_like_ctrl_c()
    rehearsal.keep_up(traffic)


def _end_like_ctrl_c() -> None:
    """Whoever asks for an end gets the cleanup: emulator, database and folders go with us."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


COMMANDS: Final = (rehearse, local)
