"""python -m benchmarks.verdict: the last verdict of a rollout of a week, over all of its minutes.

`evaluate` keeps no state: every look judges the whole rollout anew from the counts. A week is
10,080 minutes under plans/beta.json, its phases equally long, with a healthy candidate; with eight
tenants named, and without. Beside it, in turns, what any judge has to do first: to read the same
counts from JSON.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Final

import click
import numpy as np

from benchmarks.timing import medians_us, tell
from ops.inlining import ROOT
from rollout.domain import plan_reading
from rollout.domain.flag import FULL_BPS
from rollout.domain.minute import Evidence, Minute
from rollout.domain.plan import Plan
from rollout.domain.verdict import Call, judge
from rollout.domain.window import Arm, Shadow

WEEK_MINUTES: Final = 10_080
VOLUMES: Final = {"1,000 a day": 1000 / 1440, "100 a minute": 100, "10,000 a minute": 10_000}
TENANTS: Final = tuple(f"tenant-{number}" for number in range(8))
ERRORS, SLOW, MISMATCHES = 0.002, 0.04, 0.001
SEED: Final = 1


def minutes(plan: Plan, volume: float, count: int) -> Iterator[Minute]:
    """A healthy rollout of so many minutes, at so many requests a minute."""
    chance = np.random.default_rng(SEED)

    def some(requests: int, rate: float) -> int:
        return int(chance.binomial(requests, rate))

    for number in range(count):
        stage = number * len(plan.phases) // count
        exposure = plan.phases[stage].exposure_bps / FULL_BPS
        total = int(chance.poisson(volume))
        asked = some(total, exposure)
        control, candidate = [
            Arm(each, some(each, ERRORS), some(each, SLOW)) for each in (total - asked, asked)
        ]
        shadow = Shadow(total, some(total, MISMATCHES), some(total, ERRORS))
        few, fewer = control.requests // len(TENANTS), candidate.requests // len(TENANTS)
        rows = ((few, some(few, ERRORS), fewer, some(fewer, ERRORS)),) * len(plan.tenants)
        yield Minute(stage, exposure, control, candidate, shadow, rows, at=60.0 * number)


@click.command()
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True)
@click.option("--minutes", "count", type=click.IntRange(100), default=WEEK_MINUTES)
def main(rounds: int, count: int) -> None:
    """Measure the last verdict; one JSON line."""
    plan = plan_reading.read(json.loads((ROOT / "plans/beta.json").read_text("utf-8")))
    found = {}
    for name, volume in VOLUMES.items():
        for tenants in ((), TENANTS):
            named = replace(plan, tenants=tenants)
            about = f"{name}, {len(tenants)} tenants"
            found[about] = _measured(named, tuple(minutes(named, volume, count)), rounds)
    tell("verdict", {"minutes": count, "verdicts": found})


def _measured(plan: Plan, week: tuple[Minute, ...], rounds: int) -> dict[str, float]:
    evidence, last = Evidence(week, 60, 10**6), plan.phases[-1]
    text = json.dumps([asdict(minute) for minute in week])
    calls = {
        "verdict": lambda _: judge(evidence, last, plan),
        "json": lambda _: json.loads(text),
    }
    assert judge(evidence, last, plan).call is not Call.ROLL_BACK
    spent = medians_us(calls, rounds=rounds, calls_a_round=1)
    return {
        "seconds": round(spent["verdict"] / 1e6, 2),
        "minute_us": round(spent["verdict"] / len(week), 1),
        "over_json": round(spent["verdict"] / spent["json"], 1),
    }


if __name__ == "__main__":
    main()
