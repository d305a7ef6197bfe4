"""Plans: what they promise, in dates and numbers, and whether that can be kept."""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from ops import deployed, planning
from ops.cli.endings import FAILED
from ops.cli.options import as_json, beside_stack
from ops.plans import alarm, fields, linting, screens
from ops.plans.agenda import agenda
from rollout.adapters import plan_documents
from rollout.domain.errors import InvalidInputError


@click.group("plan")
def plan_group() -> None:
    """Plans: what they promise, and whether that can be kept."""


def with_forecast(command: Callable[..., Any]) -> Callable[..., Any]:
    """The three ways to say what traffic is expected, and how many users there are."""
    for option in (
        click.option("--users", type=click.IntRange(1), default=10_000, show_default=True),
        click.option("--last-days", type=click.IntRange(1, 60), help="As CloudWatch counted them."),
        click.option("--traffic", type=click.Path(path_type=Path), help="CSV of counts, repeated."),
        click.option("--requests-per-day", type=click.FloatRange(0), help="The same at any time."),
    ):
        command = option(command)
    return command


@plan_group.command(epilog="Example: rollout plan explain plans/beta.json --requests-per-day 1000")
@click.argument("file", type=click.Path(path_type=Path))
@with_forecast
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


@plan_group.command("show", epilog="Example: rollout plan show plans/beta.json")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--launch-at", default="", help="ISO 8601, as 2026-11-30T09:00; default: now.")
@with_forecast
@as_json
@beside_stack
def show_plan(
    stack: Callable[[], deployed.Stack], file: Path, launch_at: str, users: int, **options: Any
) -> None:
    """Show the phases with their dates, exposure, requests, users and what each must certify.

    Dates are in the plan's time zone, the earliest possible: AppConfig's bake and the readers'
    polls, a few minutes, come on top of every phase.
    """
    as_json = options.pop("as_json")
    plan, _ = plan_documents.load(file)
    forecast = planning.expected(stack, **options)
    launched_at = _launch(launch_at, _zone(plan.time_zone))
    days = agenda(plan, forecast, users, launched_at)
    result = {
        "plan": plan.name,
        "time_zone": plan.time_zone,
        "launched_at": launched_at,
        "users": users,
        "phases": [asdict(entry) for entry in days.entries],
        "ends_at": days.ends_at,
    }
    if as_json:
        click.echo(json.dumps(result))
    else:
        screens.show_agenda(result)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidInputError(
            field="time_zone", value=name, expected="an IANA name, as in Europe/Paris"
        ) from None


def _launch(text: str, zone: ZoneInfo) -> float:
    """The launch as epoch seconds; a time without offset is in the plan's zone."""
    if not text:
        return time.time()
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC).timestamp()
    except (ValueError, OverflowError):
        raise InvalidInputError(
            field="--launch-at", value=text, expected="ISO 8601, as 2026-11-30T09:00"
        ) from None


@plan_group.command("lint", epilog="Example: rollout plan lint plans/beta.json --last-days 7")
@click.argument("file", type=click.Path(path_type=Path))
@with_forecast
@as_json
@beside_stack
def lint(stack: Callable[[], deployed.Stack], file: Path, users: int, **options: Any) -> None:
    """Find what is wrong with a plan, and what somebody should know of it.

    Errors: unknown fields, gaps, overlaps, phases out of order, samples that the traffic cannot
    give, an alarm that contradicts the plan. Warnings: an alarm that cannot see a phase, dates
    that cannot be kept, nobody in the cohort. Exit code 1 when there is an error.
    """
    as_json = options.pop("as_json")
    document = plan_documents.document_of(file)
    forecast = planning.expected(stack, **options)
    found = linting.lint(document, linting.Known(forecast, users, alarm.of_template()))
    failed = any(one.level == linting.ERROR for one in found)
    if as_json:
        click.echo(json.dumps({"plan": str(file), "findings": [asdict(one) for one in found]}))
    else:
        screens.show_findings(found)
    sys.exit(FAILED if failed else 0)


@plan_group.command("fields", epilog="Example: rollout plan fields > docs/plan.md")
@as_json
def every_field(as_json: bool) -> None:
    """Write docs/plan.md: every field of a plan, from the schema (--json: the schema itself)."""
    click.echo(json.dumps(plan_documents.schema()) if as_json else fields.page(), nl=as_json)


COMMANDS: Final = (plan_group,)
