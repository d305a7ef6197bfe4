"""Tell the whole of a rollout in one file."""

from pathlib import Path
from typing import Final

import click

from ops import deployed, histories
from ops.cli.endings import show
from ops.cli.options import against_stack, as_json
from ops.reports import FORMATS

HERE: Final = "-"


@click.command(epilog="Example: rollout report beta-20260314-090000 --out report.html")
@click.argument("rollout", default="")
@click.option("--out", default="", help="The file; - is standard output. Default: in reports/.")
@click.option(
    "--format", "form", type=click.Choice(FORMATS), help="Default: by the name of the file, html."
)
@click.option("--users", type=click.IntRange(1), help="How many users there are, if you know.")
@as_json
@against_stack
def report(
    stack: deployed.Stack, rollout: str, out: str, form: str, users: int | None, as_json: bool
) -> None:
    """Write what was tried, seen and decided in a rollout as one file, to read without a network.

    ROLLOUT is a name or the beginning of one; default: the one that holds the flag, or the last.
    """
    # Charts and graphs are slow to import, and no other command draws.
    from ops import reporting as reports

    form = form or _form(out)
    found = reports.report(stack, histories.named(stack, rollout), form, users)
    if out == HERE:
        click.echo(found.text, nl=False)
        return
    file = reports.write(found.text, Path(out or f"reports/{found.rollout}.{form}"))
    result = {"rollout": found.rollout, "outcome": found.outcome, "file": str(file)}
    show(result, as_json, f"{found.rollout}: {found.outcome}; the report is {file}")


def _form(out: str) -> str:
    ending = Path(out).suffix.removeprefix(".")
    return ending if ending in FORMATS else FORMATS[0]


COMMANDS: Final = (report,)
