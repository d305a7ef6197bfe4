"""Everything, on several processes."""

import logging
import multiprocessing
from collections.abc import Callable
from typing import Any, Final

from benchmarks.scale import machine, rows
from benchmarks.scale.machine import Trace, Visit
from benchmarks.scale.rows import CEILING, CEILINGS, SWEPT, Row
from benchmarks.scale.traffic import LEVELS, Level

BY_NAME: Final = {level.name: level for level in LEVELS}
# The plan of each is driven once, and at the most traffic once more: steps depend on dates.
DRIVEN: Final = ("1,000 a day", "24,000 a day", "1,000,000 a second")
BETA: Final = "24,000 a day"
Job = tuple[Callable[..., Any], tuple[Any, ...]]


def _do(job: Job) -> Any:
    function, given = job
    return function(*given)


def _quiet() -> None:
    logging.disable(logging.CRITICAL)


def _all(jobs: list[Job], processes: int) -> list[Any]:
    if processes == 1:
        return [_do(job) for job in jobs]
    with multiprocessing.get_context("spawn").Pool(processes, _quiet) as pool:
        return pool.map(_do, jobs, chunksize=1)


def trace_for(level: Level, traces: dict[str, Trace]) -> Trace:
    """What a rollout at this traffic does: that of the level, or of the beta."""
    return traces.get(level.name, traces[BETA])


def run(seed: int, seeds: int, processes: int) -> dict[str, Any]:
    """All rows, by table. seeds: how many soaks of each kind."""
    asked = [(level, ceiling) for level in LEVELS for ceiling in (None, CEILING)]
    swept = [(BY_NAME[SWEPT], ceiling) for ceiling in CEILINGS if ceiling not in (None, CEILING)]
    jobs: list[Job] = [(machine.drive, (BY_NAME[name], seed)) for name in DRIVEN]
    jobs += [(machine.rollback, (BY_NAME[BETA], seed))]
    jobs += [(rows.of_readers, (level, seed)) for level in reversed(LEVELS)]
    jobs += [(rows.of_shadow, (*pair, seed)) for pair in (*asked, *swept)]
    jobs += [(rows.of_evidence, (*pair, seeds, seed)) for pair in (*asked, *swept)]
    found = iter(_all(jobs, processes))
    traces: dict[str, Trace] = {name: next(found) for name in DRIVEN}
    back: Visit = next(found)
    readers: list[Row] = [next(found) for _ in LEVELS][::-1]
    shadows: list[Row] = [next(found) for _ in (*asked, *swept)]
    soaks: list[Row] = [next(found) for _ in (*asked, *swept)]
    many = {row["traffic"]: row["sandboxes_peak"] for row in readers}
    bills = [
        rows.of_bill(level, trace_for(level, traces), many[level.name], shadow)
        for (level, _), shadow in zip(asked, shadows, strict=False)
    ]
    by_resource, by_rate = rows.of_stacks(traces[BETA])
    return {
        "seed": seed,
        "rollout": [rows.of_machine(trace) for trace in traces.values()],
        "calls": dict(traces[BETA].calls.most_common()),
        "readers": readers,
        "shadow": shadows,
        "evidence": soaks,
        "bill": bills,
        "account": rows.of_account(traces[BETA], back, seed),
        "stacks_by_resource": by_resource,
        "stacks_by_rate": by_rate,
    }
