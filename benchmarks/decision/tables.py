"""The result as tables for the terminal."""

from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.decision.score import Summary

COLUMNS = (
    ("healthy rolled back", "false_healthy"),
    ("tolerable rolled back", "false_tolerable"),
    ("harmful missed", "missed_harmful"),
)


def show(result: dict[str, Any], console: Console) -> None:
    """The judges side by side; with one judge, its scenarios as well."""
    judges: dict[str, Summary] = result["judges"]
    console.print(_pooled(judges, result["ratios"]))
    console.print(_levels(judges))
    if any(judge["closed"] for judge in judges.values()):
        console.print(_closed(judges))
    if len(judges) == 1:
        console.print(_scenarios(next(iter(judges.values()))))


def _pooled(judges: dict[str, Summary], ratios: dict[str, Any]) -> Table:
    table = plain("Fixed schedule, mean of the levels", "judge")
    for heading in (*(heading for heading, _ in COLUMNS), "bad served / ours", "blind GO", "µs"):
        table.add_column(heading, justify="right")
    for name, judge in judges.items():
        table.add_row(
            name,
            *(percent(judge["pooled"][key]) for _, key in COLUMNS),
            number(ratios.get(name, {}).get("bad_mean")),
            str(judge["blind_go"]),
            number(_dearest(judge)),
        )
    return table


def _dearest(judge: Summary) -> float | None:
    """Microseconds of one look, at the level where it takes longest."""
    found = [level["microseconds_per_minute"] for level in judge["levels"].values()]
    return max((value for value in found if value is not None), default=None)


def _levels(judges: dict[str, Summary]) -> Table:
    table = plain(
        "By level: rolled back, missed; minutes of harm (median), bad served", "judge", ""
    )
    for heading in ("healthy", "toler.", "missed", "stress", "early", "min", "bad"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, judge in judges.items():
        for level, found in judge["levels"].items():
            table.add_row(
                name,
                level,
                *(percent(found[key]) for _, key in COLUMNS),
                percent(found["rolled_back_stress"]),
                percent(found["early_harmful"]),
                number(found["delay_median"]),
                number(found["bad_mean"]),
            )
    return table


def _closed(judges: dict[str, Summary]) -> Table:
    table = plain("Led by the judge, at mid", "judge")
    for heading in ("healthy done in min", "done", "paused", "rolled back", "harmful at 100 %"):
        table.add_column(heading, justify="right")
    for name, judge in judges.items():
        closed = judge["closed"]
        if closed:
            table.add_row(
                name,
                number(closed["healthy_minutes_median"]),
                percent(closed["healthy_completed"]),
                percent(closed["healthy_paused"]),
                percent(closed["healthy_rolled_back"]),
                percent(closed["harmful_reaching_full"]),
            )
    return table


def _scenarios(judge: Summary) -> Table:
    """Scenario by level: share rolled back, median delay, bad answers served (median)."""
    table = plain("Rolled back, after how many minutes of it, bad served (medians)", "scenario")
    for level in judge["levels"]:
        for heading in (level, "min", "bad"):
            table.add_column(heading, justify="right", no_wrap=True)
    for name in dict.fromkeys(key.partition("/")[2] for key in judge["scenarios"]):
        cells = [judge["scenarios"].get(f"{level}/{name}") for level in judge["levels"]]
        table.add_row(name, *(text for cell in cells for text in _cell(cell)))
    return table


def _cell(cell: Summary | None) -> tuple[str, str, str]:
    if cell is None:
        return "", "", ""
    rolled_back = f"{100 * cell['rolled_back']:.0f} %"
    return rolled_back, number(cell["delay_median"]), number(cell["bad_median"])


def plain(title: str, *columns: str) -> Table:
    """A table without lines; the first columns are not broken."""
    table = Table(
        title=title, title_justify="left", header_style="", box=box.SIMPLE, padding=(0, 1, 0, 0)
    )
    for column in columns:
        table.add_column(column, no_wrap=True)
    return table


def percent(value: float | None) -> str:
    """0.0042 as 0.4 %."""
    if value is None:
        return "–"
    return "100 %" if value == 1 else f"{100 * value:.1f} %"


def number(value: float | None) -> str:
    """Three digits or so."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
