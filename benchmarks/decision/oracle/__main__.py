"""python -m benchmarks.decision.oracle: how good any judge can be, and how far the others are."""

import json
from pathlib import Path
from statistics import mean
from typing import Any, Final

import click
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.decision import score
from benchmarks.decision.judges import JUDGES
from benchmarks.decision.levels import LEVELS
from benchmarks.decision.oracle.told import ORACLES
from benchmarks.decision.run import Record, Setting, Task, run
from benchmarks.decision.scenarios import HARMFUL, SCENARIOS
from benchmarks.decision.tables import number, percent, plain

SEED: Final = 1
NAMED: Final = [name for name, scenario in SCENARIOS.items() if scenario.kind == HARMFUL]


@click.command()
@click.option(
    "--judge", "names", multiple=True, type=click.Choice(list(JUDGES)), help="Beside the oracles."
)
@click.option("--scenario", "scenarios", multiple=True, type=click.Choice(NAMED), metavar="NAME")
@click.option("--level", "levels", multiple=True, type=click.Choice(list(LEVELS)))
@click.option("--rollouts", type=click.IntRange(1), default=15, show_default=True)
@click.option("--draws", type=click.IntRange(1), default=1000, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=SEED, show_default=True)
@click.option("--jobs", type=click.IntRange(1), default=2, show_default=True)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Where to write JSON.")
def main(**given: Any) -> None:
    """The least that harm must serve, and the least that must be missed, with false rollbacks of
    at most 1 %: judges that are told what harm is coming, on the harmful rollouts.

    \b
    Example:
      python -m benchmarks.decision.oracle --judge ours --judge alarm-calibrated
    """
    tasks = [
        Task(level, scenario, replicate)
        for level in given["levels"] or LEVELS
        for scenario in given["scenarios"] or NAMED
        for replicate in range(given["rollouts"])
    ]
    setting = Setting(given["names"], given["seed"], draws=given["draws"])
    found = run(tasks, setting, given["jobs"])
    shown = track(found, "Rollouts", len(tasks), console=Console(stderr=True), transient=True)
    result = summary([record for records in shown for record in records])
    _show(result, Console())
    if given["out"] is not None:
        about = {key: given[key] for key in ("seed", "rollouts", "draws")}
        given["out"].write_text(json.dumps(about | result) + "\n", encoding="utf-8")


def summary(records: list[Record]) -> dict[str, Any]:
    """judges: as `score.summary`; ratios: judge -> oracle -> how often more bad was served;
    least_missed: by cell, by level and pooled, as the misses of a judge are."""
    judges = score.summary(records)
    told = [record for record in records if record["judge"] == next(iter(ORACLES))]
    levels = {
        level: mean(record["least_missed"] for record in told if record["level"] == level)
        for level in dict.fromkeys(record["level"] for record in told)
    }
    cells: dict[str, list[float]] = {}
    for record in told:
        name = f"{record['level']}/{record['scenario']}"
        cells.setdefault(name, []).append(record["least_missed"])
    return {
        "judges": judges,
        "ratios": {
            name: {oracle: score.ratio(judge, judges[oracle], "bad_mean") for oracle in ORACLES}
            for name, judge in judges.items()
        },
        "least_missed": {
            "pooled": mean(levels.values()),
            "levels": levels,
            "cells": {name: mean(values) for name, values in sorted(cells.items())},
        },
    }


def _show(result: dict[str, Any], console: Console) -> None:
    console.print(_pooled(result))
    least = result["least_missed"]
    by_level = ", ".join(f"{name} {percent(value)}" for name, value in least["levels"].items())
    console.print(f"Missed at least, by any judge: {percent(least['pooled'])} ({by_level})\n")
    console.print(_cells(result))


def _pooled(result: dict[str, Any]) -> Table:
    table = plain("Harmful rollouts, mean of the levels", "judge")
    for heading in ("missed", "bad served", *(f"/ {name}" for name in ORACLES)):
        table.add_column(heading, justify="right")
    for name, judge in result["judges"].items():
        pooled = judge["pooled"]
        ratios = (number(ratio) for ratio in result["ratios"][name].values())
        table.add_row(name, percent(pooled["missed_harmful"]), number(pooled["bad_mean"]), *ratios)
    return table


def _cells(result: dict[str, Any]) -> Table:
    """Level and scenario by judge: bad served (mean), and the share rolled back."""
    judges = result["judges"]
    table = plain("Bad served (mean), rolled back", "")
    table.add_column("missed at least", justify="right")
    for name in judges:
        table.add_column(name, justify="right")
    for cell, missed in result["least_missed"]["cells"].items():
        found = (judge["scenarios"][cell] for judge in judges.values())
        texts = (f"{number(one['bad_mean'])} {100 * one['rolled_back']:.0f} %" for one in found)
        table.add_row(cell, percent(missed), *texts)
    return table


if __name__ == "__main__":
    main()
