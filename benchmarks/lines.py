"""python -m benchmarks.lines: what a minute costs `rollout judge --jsonl`.

The healthy rollouts of benchmarks/decision, a look in every minute, as the command reads and
answers them; beside it, in turns, what it takes to read the same lines as JSON. Processor time.
"""

import io
import json
import time
from collections import deque
from collections.abc import Iterator
from typing import Final

import click

from benchmarks.decision.levels import LEVELS, Level
from benchmarks.decision.scenarios import HEALTHY, SCENARIOS
from benchmarks.decision.simulate import Rollout
from benchmarks.timing import medians_us, tell
from ops.judging import answer_lines
from rollout.domain.protocol import Session

SEED: Final = 1


def lines(level: Level, kinds: int) -> Iterator[str]:
    """The first so many kinds of healthy rollouts, one after the other."""
    healthy = [each for each in SCENARIOS.values() if each.kind == HEALTHY]
    for scenario in healthy[:kinds]:
        rollout = Rollout(level, scenario, (SEED, 1))
        yield from map(json.dumps, (rollout.start, *rollout.whole().messages))


@click.command()
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True)
@click.option("--kinds", type=click.IntRange(1), default=9, show_default=True)
def main(rounds: int, kinds: int) -> None:
    """Measure one look at each volume, and at all; one JSON line."""
    found, looks, spent = {}, 0, 0.0
    for name, level in LEVELS.items():
        texts = list(lines(level, kinds))
        found[name] = _measured(texts, rounds)
        looks, spent = looks + len(texts), spent + len(texts) * found[name]["look_us"]
    tell("lines", {"levels": found, "all_looks_us": round(spent / looks)})


def _measured(texts: list[str], rounds: int) -> dict[str, float]:
    """look_us: without reading JSON, which is json_us; over_json: all of it, over that.
    slowest_ms: the one look that took longest.
    """
    whole = "\n".join(texts)
    calls = {
        "judged": lambda _: answer_lines(io.StringIO(whole), io.StringIO()),
        "read": lambda _: deque(map(json.loads, io.StringIO(whole)), maxlen=0),
    }
    spent = medians_us(calls, rounds=rounds, calls_a_round=1)
    return {
        "look_us": round((spent["judged"] - spent["read"]) / len(texts)),
        "json_us": round(spent["read"] / len(texts)),
        "over_json": round(spent["judged"] / spent["read"], 1),
        "slowest_ms": round(_slowest_ms(texts), 1),
    }


def _slowest_ms(texts: list[str]) -> float:
    session, slowest = Session(), 0
    for message in map(json.loads, texts):
        begun = time.process_time_ns()
        session.take(message)
        slowest = max(slowest, time.process_time_ns() - begun)
    return slowest / 1e6


if __name__ == "__main__":
    main()
