"""Plans: what they promise, and whether that can be kept."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

from ops import deployed, planning
from ops.cli.endings import FAILED
from ops.cli.options import as_json, beside_stack


@click.group("plan")
def plan_group() -> None:
    """Plans: what they promise, and whether that can be kept."""


@plan_group.command(epilog="Example: rollout plan explain plans/beta.json --requests-per-day 1000")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--requests-per-day", type=click.FloatRange(0), help="The same at any time.")
@click.option("--traffic", type=click.Path(path_type=Path), help="CSV of counts, repeated.")
@click.option("--last-days", type=click.IntRange(1, 60), help="As CloudWatch has counted them.")
@click.option("--users", type=click.IntRange(1), default=10_000, show_default=True)
@as_json
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


COMMANDS: Final = (plan_group,)
