"""What a rollout will cost, and what one did cost."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click
from rich.table import Table

from ops import deployed, histories, planning
from ops.cli.options import as_json, beside_stack
from ops.costs import prices
from ops.costs.lines import MONTH, READS, ROLLOUT, Line, bill, month, total
from ops.costs.usage import Deployment, of_plan, of_record
from ops.records.record import record
from ops.tables import show_table
from rollout.adapters import plan_documents
from rollout.domain.errors import InvalidInputError


@click.command(epilog="Example: rollout cost --plan plans/beta.json --requests-per-day 1000")
@click.option("--plan", type=click.Path(path_type=Path), help="What a rollout by it will cost.")
@click.option("--rollout", "rollout_id", default="", help="What this rollout did cost, so far.")
@click.option("--until", default="", help="Only until this phase of the plan ends.")
@click.option("--requests-per-day", type=click.FloatRange(0), help="The same at any time.")
@click.option("--traffic", type=click.Path(path_type=Path), help="CSV of counts, repeated.")
@click.option("--last-days", type=click.IntRange(1, 60), help="As CloudWatch counted them.")
@click.option("--sandboxes", type=click.IntRange(1), default=3, show_default=True)
@click.option("--traced", type=click.FloatRange(0, 1), default=0.0, help="Share of reads.")
@as_json
@beside_stack
def cost(
    stack: Callable[[], deployed.Stack],
    plan: Path | None,
    rollout_id: str,
    until: str,
    as_json: bool,
    **options: Any,
) -> None:
    """Say what AWS charges for a rollout: list prices of us-east-1, without free tiers.

    With --plan for one to come, and for a month of the stack; with --rollout for one that was, by
    what was counted. What the rollout causes and what the reads cost anyway are told apart.
    """
    here = Deployment(sandboxes=options.pop("sandboxes"), traced=options.pop("traced"))
    if bool(plan) == bool(rollout_id):
        raise InvalidInputError(
            field="--plan, --rollout",
            value=[str(plan or ""), rollout_id],
            expected="exactly one of them",
        )
    if plan:
        parsed, _ = plan_documents.load(plan)
        forecast = planning.expected(stack, **options)
        if forecast is None:
            raise InvalidInputError(
                field="forecast", value=None, expected=f"one of {planning.WAYS}"
            )
        used, name = of_plan(parsed, forecast, here, until), parsed.name
        lines = [*bill(used, here), *month(forecast.requests(0, planning.DAY), here)]
    else:
        found = stack()
        name = histories.named(found, rollout_id)
        used = of_record(record(found, name))
        lines = bill(used, here)
    _show(name, lines, vars(used), as_json)


def _show(name: str, lines: list[Line], used: dict[str, Any], as_json: bool) -> None:
    parts = [part for part in (ROLLOUT, READS, MONTH) if any(one.of == part for one in lines)]
    if as_json:
        totals = {part: total(lines, part) for part in parts}
        items = [line.to_json() for line in lines]
        known = {"prices_as_of": prices.AS_OF, "region": prices.REGION}
        click.echo(json.dumps({"of": name, **known, "used": used, "lines": items, "usd": totals}))
        return
    click.echo(f"{name}, USD, list prices of {prices.REGION} on {prices.AS_OF}, no free tier")
    table = Table("for", "service", "what", box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for heading in ("count", "USD"):
        table.add_column(heading, justify="right")
    for line in lines:
        if line.quantity:
            count = f"{line.quantity:,.0f}" if line.quantity >= 10 else f"{line.quantity:.3g}"
            table.add_row(line.of, line.service, line.what, count, f"{line.cost:.4f}")
    show_table(table)
    for part in parts:
        click.echo(f"{part}: {total(lines, part):.4f}")


COMMANDS: Final = (cost,)
