"""Before a launch, and after a deployment: what is as it should be, and what is not."""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.table import Table

from ops import deployed, planning
from ops.checks import preflight as before
from ops.checks import readiness
from ops.checks.check import FAIL, Check, Found, counted, run
from ops.checks.site import Site
from ops.cli.endings import FAILED
from ops.cli.options import against_stack, as_json
from rollout.adapters import plan_documents

USER_HELP: Final = "Whom the probes read."


@click.command(epilog="Example: rollout preflight --plan plans/beta.json")
@click.option("--plan", type=click.Path(path_type=Path), help="The plan that is to be launched.")
@click.option("--requests-per-day", type=click.FloatRange(0), help="Default: as CloudWatch counts.")
@click.option("--last-days", type=click.IntRange(1, 60), default=7, show_default=True)
@click.option("--users", type=click.IntRange(1), default=10_000, show_default=True)
@click.option("--user", default="user-1", show_default=True, help=USER_HELP)
@click.option("--drill", is_flag=True, help="Drill the rollback now: the flag exposes nobody.")
@as_json
@against_stack
def preflight(
    stack: deployed.Stack, plan: Path | None, drill: bool, as_json: bool, **options: Any
) -> None:
    """Look at everything that a launch relies on, and say what to do where it does not stand.

    Touches nothing, but for one read, one comparison, and with --drill the flag. Each check passes,
    fails, or cannot tell. Exit code 1 when one fails.
    """
    if drill and plan is None:
        raise click.UsageError("--drill needs --plan: the drill is that of a launch")
    known, document = plan_documents.load(plan) if plan else (None, None)
    per_day = options["requests_per_day"]
    forecast = planning.expected(lambda: stack, per_day, None, None)
    site = Site(
        stack,
        known,
        document,
        forecast,
        days=options["last_days"],
        users=options["users"],
        user=options["user"],
        drill=drill,
    )
    _end(before.CHECKS, site, as_json)


@click.command(epilog="Example: rollout check")
@click.option("--user", default="user-1", show_default=True, help=USER_HELP)
@as_json
@against_stack
def check(stack: deployed.Stack, user: str, as_json: bool) -> None:
    """Test a stack that was just deployed, in twelve ways; needs no plan.

    Makes two reads and asks the candidate. Exit code 1 when one fails.
    """
    _end(readiness.CHECKS, Site(stack, user=user), as_json)


def _end(checks: Sequence[Check], site: Site, as_json: bool) -> None:
    site.prepare()
    found = run(checks, site)
    counts = counted(found)
    if as_json:
        items = [one.to_json() for one in found]
        click.echo(json.dumps({"stack": site.stack.name, "counts": counts, "checks": items}))
    else:
        show(found, counts)
    sys.exit(FAILED if counts[FAIL] else 0)


def show(found: Sequence[Found], counts: dict[str, int]) -> None:
    """A table on a terminal; elsewhere a line for each, word, name and text parted by tabs."""
    console = Console(highlight=False)
    if console.is_terminal:
        table = Table("", "check", "found", box=None, pad_edge=False)
        for one in found:
            table.add_row(one.word, one.name, "\n".join(filter(None, (one.text, one.to_do))))
        console.print(table, markup=False)
    else:
        for one in found:
            told = f"{one.text}; do: {one.to_do}" if one.to_do else one.text
            click.echo(f"{one.word}\t{one.name}\t{told}")
    click.echo(", ".join(f"{count} {word}" for word, count in counts.items()))


COMMANDS: Final[tuple[Callable[..., Any], ...]] = (preflight, check)
