"""All rollouts under all judges, on several processes."""

import multiprocessing
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from benchmarks.decision import oracle
from benchmarks.decision.judge import Judge
from benchmarks.decision.judges import build
from benchmarks.decision.levels import LEVELS
from benchmarks.decision.loops import PATIENCE, closed_loop, open_loop
from benchmarks.decision.scenarios import SCENARIOS
from benchmarks.decision.simulate import Rollout
from ops.local.traffic import Interval

Record = dict[str, Any]


@dataclass(frozen=True, order=True)
class Task:
    """One simulated rollout, to be judged by everyone."""

    level: str
    scenario: str
    replicate: int
    closed: bool = False


@dataclass(frozen=True)
class Setting:
    """What every worker knows. command: the external judge's, named `command`.

    draws: beside the judges, what one could do that is told what is coming (`oracle`), from so many
    draws of what might have been counted; 0 leaves it out.
    """

    judges: tuple[str, ...]
    seed: int
    command: str | None = None
    trace: Sequence[Interval] | None = None
    draws: int = 0


@dataclass
class _Worker:
    setting: Setting
    judges: dict[str, Judge] = field(default_factory=dict)


_WORKERS: list[_Worker] = []


def run(tasks: Sequence[Task], setting: Setting, jobs: int) -> Iterator[list[Record]]:
    """The records of one task after the other, in no order."""
    if jobs == 1:
        _prepare(setting)
        yield from map(_one, tasks)
        return
    context = multiprocessing.get_context("spawn")
    # The long ones first, so that no process is left alone with one.
    ordered = sorted(tasks, key=lambda task: -LEVELS[task.level].planned)
    with context.Pool(jobs, _prepare, (setting,)) as pool:
        yield from pool.imap_unordered(_one, ordered)


def _prepare(setting: Setting) -> None:
    judges = {name: build(name, setting.command) for name in setting.judges}
    _WORKERS[:] = [_Worker(setting, judges)]


def _one(task: Task) -> list[Record]:
    worker = _WORKERS[0]
    level, scenario = LEVELS[task.level], SCENARIOS[task.scenario]
    seed = (worker.setting.seed, task.replicate)
    about = {**asdict(task), "kind": scenario.kind}
    if task.closed:
        # Every judge leads its own rollout through the same world.
        return [
            {"judge": name, **about, **asdict(closed_loop(judge, rollout))}
            for name, judge in worker.judges.items()
            for rollout in [Rollout(level, scenario, seed, PATIENCE, worker.setting.trace)]
        ]
    rollout = Rollout(level, scenario, seed, trace=worker.setting.trace)
    chunk = rollout.whole()
    found = [
        {"judge": name, **about, **asdict(open_loop(judge, rollout, chunk))}
        for name, judge in worker.judges.items()
    ]
    if worker.setting.draws:
        chance = np.random.default_rng([*seed, zlib.crc32(rollout.start["rollout"].encode())])
        told = oracle.judged(rollout, chunk, chance, worker.setting.draws)
        found += [{"judge": name, **about, **record} for name, record in told.items()]
    return found
