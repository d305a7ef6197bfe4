"""Plans explained to a person: what each phase will have seen, and when it can say yes."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from ops.deployed import Stack
from ops.local.traffic import INTERVAL_S, Interval, read_csv
from ops.tables import show_table
from rollout.adapters import plan_documents
from rollout.adapters.metrics import CloudWatchMetrics
from rollout.domain.errors import InvalidInputError
from rollout.domain.forecast import Forecast
from rollout.domain.planner import outlook, suggestions

HOUR: Final = 3600
DAY: Final = 86400
WAYS: Final = "--requests-per-day, --traffic or --last-days"


def explain(
    file: Path,
    stack: Callable[[], Stack],
    requests_per_day: float | None,
    traffic: Path | None,
    last_days: int | None,
    users: int,
) -> dict[str, Any]:
    """{"plan", "requests_per_day", "users", "phases", "suggestions"}; seconds are null for never.

    Exactly one forecast must be given. Raises InvalidInputError.
    """
    plan, _ = plan_documents.load(file)
    forecast = expected(stack, requests_per_day, traffic, last_days)
    if forecast is None:
        raise InvalidInputError(field="forecast", value=None, expected=f"one of {WAYS}")
    phases = outlook(plan, forecast, users, len(plan.allow_list))
    return {
        "plan": plan.name,
        "requests_per_day": forecast.requests(0, DAY),
        "users": users,
        "phases": [_finite(asdict(one)) for one in phases],
        "suggestions": list(suggestions(phases)),
    }


def expected(
    stack: Callable[[], Stack],
    requests_per_day: float | None,
    traffic: Path | None,
    last_days: int | None,
) -> Forecast | None:
    """The traffic that one of the three ways names; None when none is given.

    Raises InvalidInputError for more than one, and for a recording that is none.
    """
    given = [way for way in (requests_per_day, traffic, last_days) if way is not None]
    if len(given) > 1:
        raise InvalidInputError(field="forecast", value=given, expected=f"one of {WAYS}")
    if requests_per_day is not None:
        return Forecast.constant(requests_per_day)
    if traffic is not None:
        return Forecast(tuple(_even(read_csv(traffic))), INTERVAL_S)
    return counted(stack(), last_days) if last_days is not None else None


def _even(trace: list[Interval]) -> Iterator[float]:
    """The counts in intervals of one length; a gap in the recording is filled by halves."""
    for interval in trace:
        parts = max(1, round(interval.length_s / INTERVAL_S))
        yield from [interval.requests / parts] * parts


def counted(stack: Stack, days: int) -> Forecast:
    """The requests per hour of the last days, whichever arm answered."""
    end = math.floor(time.time() / HOUR) * HOUR
    start = end - days * DAY
    rows, _ = CloudWatchMetrics.connect(stack.settings()).rows(start, end, HOUR)
    by_hour = dict.fromkeys(range(start, end, HOUR), 0.0)
    for row in rows:
        arms = (row.control, row.candidate)
        by_hour[int(row.at)] = float(sum(arm.requests for arm in arms if arm))
    return Forecast(tuple(by_hour.values()), HOUR)


def _finite(values: dict[str, Any]) -> dict[str, Any]:
    return {
        key: None if isinstance(value, float) and math.isinf(value) else value
        for key, value in values.items()
    }


def show(result: dict[str, Any]) -> None:
    """The phases as a table, then what a person might do."""
    console = Console(highlight=False, soft_wrap=True)
    console.print(
        f"{result['plan']}: {result['requests_per_day']:.0f} requests a day, "
        f"{result['users']} users"
    )
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("phase", "exposure", "users", "in the bake", "to certify", "to detect"):
        table.add_column(heading, justify="left" if heading == "phase" else "right")
    for phase in result["phases"]:
        table.add_row(
            phase["phase"],
            f"{phase['exposure_bps'] / 100:g} %",
            f"{phase['users']:.0f}",
            f"{phase['requests']:.0f}",
            f"{phase['certify']} in {_length(phase['certify_seconds'])}",
            f"{phase['detect']} in {_length(phase['detect_seconds'])}",
        )
    show_table(table)
    console.print("to certify: clean requests; to detect: twice the limit, in 9 of 10 rollouts")
    for text in result["suggestions"]:
        console.print(text, markup=False)


def _length(seconds: float | None) -> str:
    if seconds is None:
        return "never"
    for size, unit in ((DAY, "d"), (HOUR, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
