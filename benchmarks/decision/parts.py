"""python -m benchmarks.decision.parts: what each part of the judge is good for.

The same rollouts are judged again and again, each time without one of its parts: how much more
harm is served then, and who else is rolled back.
"""

import importlib
import json
import math
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import click
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.decision import score
from benchmarks.decision.judges import OURS
from benchmarks.decision.levels import LEVELS
from benchmarks.decision.run import Setting, Task, run
from benchmarks.decision.scenarios import SCENARIOS, SILENT, TROUBLED
from benchmarks.decision.tables import number, percent, plain
from rollout.domain import wealth

SEED: Final = 1
WHOLE: Final = "nothing"
# What is left out, and which constants of the judge do that: "module.NAME" -> value.
PARTS: Final[Mapping[str, Mapping[str, Any]]] = {
    WHOLE: {},
    "the body of the latencies": {
        "slowness.P95_SHARE": 0.5,
        "slowness.TAIL_SHARE": 0.5,
        "slowness.BODY_SHARE": 0.0,
    },
    "the tail": {"slowness.TAIL_SHARE": 0.0, "slowness.BODY_SHARE": 0.9},
    "the p95 by itself": {"slowness.P95_SHARE": 0.0, "slowness.BODY_SHARE": 0.75},
    "draws without replacement": {"body.MANY": 0},
    "more on small effects": {"wealth.TAPER": 1.0},
    "bets that stake 5 %": {"case.FRACTIONAL_ODDS": ()},
    "the steps of the ramp": {"harm.STEP": 0.0},
    "onsets at any minute": {"harm.SPREAD": 0.0},
    "clumps as the control has them": {"clumping.PRECISE": 0.0},
    "the cap on a minute": {"wealth.LOG_CAP": wealth.LOG_RICH},
    "trouble of the control": {"trial.TROUBLE_REQUESTS": math.inf},
    "storms that are not remembered": {"latency.LONGEST_STORM": 0},
    "cold sandboxes": {"slowness.BORNE_OUT": 0.0},
}


@click.command()
@click.option("--part", "names", multiple=True, type=click.Choice(list(PARTS)), metavar="NAME")
@click.option("--rollouts", type=click.IntRange(1), default=3, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=SEED, show_default=True)
@click.option("--jobs", type=click.IntRange(1), default=2, show_default=True)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Where to write JSON.")
def main(names: tuple[str, ...], rollouts: int, seed: int, jobs: int, out: Path | None) -> None:
    """Leave out one part of the judge after the other."""
    chosen = list(dict.fromkeys((WHOLE, *(names or PARTS))))
    # A process for each, since what is left out stays left out.
    with ProcessPoolExecutor(jobs, get_context("spawn"), max_tasks_per_child=1) as pool:
        found = pool.map(without, chosen, [rollouts] * len(chosen), [seed] * len(chosen))
        shown = track(found, "Parts", len(chosen), console=Console(stderr=True), transient=True)
        judged = dict(zip(chosen, shown, strict=True))
    Console().print(table(judged))
    if out:
        about = {"seed": seed, "rollouts": rollouts}
        out.write_text(json.dumps({**about, "without": judged}) + "\n", encoding="utf-8")


def without(part: str, rollouts: int, seed: int) -> score.Summary:
    """The measures of the judge without one of PARTS, which this process has lost from now on."""
    for name, value in PARTS[part].items():
        module, constant = named(name)
        setattr(module, constant, value)
    tasks = [
        Task(level, scenario.name, replicate)
        for level in LEVELS
        for scenario in SCENARIOS.values()
        if scenario.kind not in (SILENT, TROUBLED)
        for replicate in range(rollouts)
    ]
    records = [one for found in run(tasks, Setting((OURS,), seed), jobs=1) for one in found]
    return score.summary(records)[OURS]


def named(name: str) -> tuple[ModuleType, str]:
    """The module of "module.NAME", and the constant's name."""
    module, constant = name.split(".")
    return importlib.import_module(f"rollout.domain.{module}"), constant


def table(judged: Mapping[str, score.Summary]) -> Table:
    """Part -> what is served, missed and rolled back without it."""
    found = plain("The judge without one of its parts", "without")
    for heading in ("bad served", "missed", "healthy", "tolerable", "stress rolled back"):
        found.add_column(heading, justify="right")
    for part, judge in judged.items():
        pooled = judge["pooled"]
        found.add_row(
            part,
            number(score.ratio(judge, judged[WHOLE], "bad_mean")),
            percent(pooled["missed_harmful"]),
            percent(pooled["false_healthy"]),
            percent(pooled["false_tolerable"]),
            percent(pooled["rolled_back_stress"]),
        )
    return found


if __name__ == "__main__":
    main()
