"""The rows of docs/scale.md, each from its simulation."""

import math
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any, Final

from benchmarks.scale import evidence, lines, readers, replay, shadow, stacks
from benchmarks.scale.machine import HERE, Trace, Visit
from benchmarks.scale.quotas import SANDBOXES, Quota
from benchmarks.scale.readers import Window
from benchmarks.scale.traffic import (
    BETWEEN,
    DAY,
    DIFFERING,
    FAILING,
    GOOD,
    HOUR,
    LEVELS,
    Level,
)
from ops.costs import lines as bills
from ops.costs import prices
from ops.local.traffic import PEAK_S
from rollout.domain.flag import FULL_BPS

Row = dict[str, Any]
CEILING: Final = 20.0
CEILINGS: Final = (None, 20.0, 5.0, 1.0)
SWEPT: Final = "10,000 a second"
BUSY, QUIET = float(PEAK_S), float((PEAK_S + DAY // 2) % DAY)
# Of more than so many a second a part is simulated, on as small a part of the quota.
MOST_SIMULATED: Final = 10_000.0
# Above so many reads a day windows are simulated, not the day.
WHOLE_DAY: Final = 2e6
NUMBERS: Final = (10, 100, 1000)
SPREADS: Final = (
    ("at once", 1.0),
    ("a minute", 60.0),
    ("15 minutes", 900.0),
    ("half an hour", 1800.0),
)
STEPS: Final = (("launch", 0), ("last ramp step", 4))
HORIZON: Final = 2 * HOUR


def of_machine(trace: Trace) -> Row:
    """What one rollout did."""
    calls = trace.calls
    return {
        "traffic": trace.level,
        "ended": trace.words[-1],
        "transitions": trace.used.states + trace.used.executions,
        "looks": trace.used.evaluations,
        "calls": sum(calls.values()),
        "deployments": calls["appconfig:start_deployment"],
        "fetches": calls["appconfigdata:get_latest_configuration"],
        "metric_calls": calls["cloudwatch:get_metric_data"],
        "metrics": trace.queries,
        "points": sum(visit.points for visit in trace.visits),
        "heaviest_look": heaviest(trace),
    }


def of_readers(level: Level, seed: int) -> Row:
    """Sandboxes, polls and throttled reads, in the day's busiest and its quietest moment."""
    part = min(1.0, MOST_SIMULATED / level.per_second)
    quota = Quota(SANDBOXES.name, SANDBOXES.default * part, SANDBOXES.source)
    found = {}
    for name, at in (("busy", BUSY), ("quiet", QUIET)):
        window = _window(level, at)
        free = readers.simulate(level.per_second * part, window, seed, readers.UNLIMITED)
        held = readers.simulate(level.per_second * part, window, seed, quota)
        found[name] = free, held
    (busy, refused), (quiet, _) = found["busy"], found["quiet"]
    return {
        "traffic": level.name,
        "sandboxes_mean": busy.held / part,
        "sandboxes_peak": round(busy.peak / part),
        "sandboxes_quiet": round(quiet.peak / part),
        "throttled": refused.throttled / max(1, refused.reads),
        "polls_per_second": busy.polls / busy.seconds / part,
        "polls_per_second_quiet": quiet.polls / quiet.seconds / part,
        "started_per_hour": busy.started / busy.seconds * HOUR / part,
    }


def _window(level: Level, at: float) -> Window:
    """A day where that is possible; else some minutes, after enough to have warm sandboxes."""
    if level.per_day <= WHOLE_DAY:
        return Window(at - HOUR / 2, HOUR, warm=HOUR)
    if level.per_second <= 1000:
        return Window(at - 300, 600, warm=120)
    return Window(at, 45, warm=10)


def of_shadow(level: Level, ceiling: float | None, seed: int) -> Row:
    """Comparisons, what becomes of them in the busiest moment, and what a rollout's cost."""
    plan, template = evidence.under(level.plan, ceiling), shadow.Template.read()
    bps = [shadow.share_bps(plan, phase, level, at) for phase, at, _ in shadow.stretches(plan)]
    asked = shadow.asked_in_rollout(plan, level, shadow.capacity(template))
    sample = shadow.busiest(level, max(bps), template, seed, BUSY)
    offered = min(1.0, shadow.MOST_OFFERED / (level.per_second * max(bps) / FULL_BPS))
    return {
        "traffic": level.name,
        "ceiling": ceiling,
        "share_bps": bps[0],
        "a_second": asked.a_second,
        "asked": asked.asked,
        "done": asked.done,
        "busy_dropped": 1 - sample.reached * offered,
        "waited_p95": sample.waited_p95,
        "usd": asked.usd(shadow.usd(lines.measured())),
    }


def of_evidence(level: Level, ceiling: float | None, seeds: int, seed: int) -> Row:
    """Minutes until the soak is certified, and until the bad candidates' verdicts."""
    plan, capacity = (
        evidence.under(level.plan, ceiling),
        shadow.capacity(shadow.Template.read()),
    )
    found: Row = {"traffic": level.name, "ceiling": ceiling, "seeds": seeds}
    for candidate in (GOOD, DIFFERING, FAILING, BETWEEN):
        setting = evidence.Setting(level, plan, candidate, capacity)
        soaks = [evidence.soak(setting, seed + number) for number in range(seeds)]
        good = candidate is GOOD
        minutes = [one.certified if good else one.ended for one in soaks]
        median, p95 = (_finite(value) for value in evidence.quantiles(minutes))
        calls = sorted({one.call for one in soaks})
        found[candidate.name] = {"median": median, "p95": p95, "calls": calls}
    return found


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def of_bill(level: Level, trace: Trace, sandboxes: int, compared: Row) -> Row:
    """Log bytes and dollars of a whole rollout, by the trace and what was compared."""
    plan, bytes_ = level.plan, lines.measured()
    reads = by_candidate = 0.0
    for phase, starts, ends in shadow.stretches(plan):
        asked = level.forecast.requests(starts, ends - starts)
        reads += asked
        by_candidate += asked * phase.exposure_bps / FULL_BPS
    used = replace(
        trace.used,
        seconds=trace.seconds,
        requests=reads,
        by_candidate=by_candidate,
        compared=compared["done"],
    )
    bill = bills.bill(used, replace(HERE, sandboxes=max(1, sandboxes)))
    control = (reads - by_candidate) * bytes_.control + by_candidate * bytes_.candidate
    shadowing = compared["done"] * (bytes_.comparison + bills.CANDIDATE_BYTES)
    shadowing += by_candidate * bills.CANDIDATE_BYTES + used.tasks * bills.STEP_BYTES
    dropped = (compared["asked"] - compared["done"]) * shadow.QUEUED_USD
    return {
        "traffic": level.name,
        "ceiling": compared["ceiling"],
        "received": used.received + used.exposures * sandboxes,
        "log_gb_reads": control / prices.GB,
        "log_gb_rollout": shadowing / prices.GB,
        "usd_rollout": bills.total(bill, bills.ROLLOUT) + dropped,
        "usd_reads": bills.total(bill, bills.READS),
    }


def of_account(trace: Trace, back: Visit, seed: int, numbers: Sequence[int] = NUMBERS) -> list[Row]:
    """Many rollouts that are launched, or whose last step is due, within some time."""
    found = []
    for step, execution in STEPS:
        visits = [visit for visit in trace.visits if visit.execution == execution]
        visits = [visit for visit in visits if visit.at - visits[0].at <= HORIZON]
        for name, seconds in SPREADS:
            for number in numbers:
                one = replay.simulate(visits, back, number, seconds, seed)
                found.append({"step": step, "within": name, **asdict(one), "first": one.first})
    return found


def heaviest(trace: Trace) -> int:
    """Points that its heaviest look reads."""
    return max(visit.points for visit in trace.visits)


def of_stacks(trace: Trace) -> tuple[list[Row], list[Row]]:
    """(by the template's resources, by what a rollout asks for all along)."""
    (level,) = [level for level in LEVELS if level.name == trace.level]
    by_rate = [asdict(one) for one in stacks.by_rate(trace, level)]
    return [asdict(one) for one in stacks.by_resource()], by_rate
