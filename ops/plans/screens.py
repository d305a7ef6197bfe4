"""Plans on a terminal, at most 80 columns wide."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import click
from rich.table import Table

from ops.plans.linting import Found
from ops.tables import show_table

WORDS = {"shadow_failures": "shadow failures"}


def show_agenda(result: dict[str, Any]) -> None:
    """The phases in dates, then what each must certify."""
    zone = ZoneInfo(result["time_zone"])
    click.echo(f"{result['plan']}, launched {_moment(result['launched_at'], zone)}, {zone.key}")
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for heading in ("phase", "earliest", "likely end", "exposure", "requests", "users"):
        left = heading in ("phase", "earliest", "likely end")
        table.add_column(heading, justify="left" if left else "right", no_wrap=True)
    for phase in result["phases"]:
        table.add_row(
            phase["phase"],
            _moment(phase["starts_at"], zone),
            _moment(phase["ends_at"], zone) if phase["ends_at"] else "never",
            f"{phase['exposure_bps'] / 100:g} %",
            "?" if phase["requests"] is None else f"{phase['requests']:,.0f}",
            f"{phase['users']:,.0f}",
        )
    show_table(table)
    for phase in result["phases"]:
        for line in _certifies(phase):
            click.echo(line)
    ends = result["ends_at"]
    click.echo(f"over at the earliest {_moment(ends, zone)}" if ends else "never over")


def _certifies(phase: dict[str, Any]) -> list[str]:
    items = [
        f"{WORDS.get(one['metric'], one['metric'])} {one['rate']:.3g} ({one['requests']})"
        for one in phase["certify"]
    ]
    certified = ", ".join(items) or "nothing stricter than a coin toss"
    lines = [f"{phase['phase']} certifies (clean requests): {certified}"]
    return [*lines, f"{phase['phase']}: {phase['problem']}"] if phase["problem"] else lines


def _moment(at: float, zone: ZoneInfo) -> str:
    return f"{datetime.fromtimestamp(at, zone):%a %d %b %H:%M}"


def show_findings(found: Sequence[Found]) -> None:
    """One line each: level, then what is so."""
    for one in found:
        click.echo(f"{one.level}: {one.text}")
    if not found:
        click.echo("nothing found")
