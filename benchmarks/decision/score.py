"""From records of single rollouts to what is worth knowing about a judge."""

import math
from collections.abc import Iterable, Sequence
from statistics import mean, median
from typing import Any, Final

from benchmarks.decision.bounds import upper_bound
from benchmarks.decision.levels import LEVELS
from benchmarks.decision.loops import COMPLETED, PAUSED, ROLLED_BACK
from benchmarks.decision.run import Record
from benchmarks.decision.scenarios import HARMFUL, HEALTHY, SILENT, STRESS, TOLERABLE, TROUBLED

Summary = dict[str, Any]
# Added to both sides of a ratio, so that nothing served is no division by zero.
ONE: Final = 1.0
DOUBT: Final = 0.05


def summary(records: Iterable[Record]) -> dict[str, Summary]:
    """Judge -> its measures: per level, pooled (mean of the levels), per scenario, closed loop."""
    by_judge: dict[str, list[Record]] = {}
    for record in records:
        by_judge.setdefault(record["judge"], []).append(record)
    return {name: _judge(found) for name, found in by_judge.items()}


def _judge(records: list[Record]) -> Summary:
    fixed = [record for record in records if not record["closed"]]
    levels = {
        name: _level([record for record in fixed if record["level"] == name])
        for name in LEVELS
        if any(record["level"] == name for record in fixed)
    }
    keys = (*_RATES, "bad_mean")
    return {
        "pooled": {key: _mean(level[key] for level in levels.values()) for key in keys},
        "levels": levels,
        "scenarios": _scenarios(fixed),
        "closed": _closed([record for record in records if record["closed"]]),
        "blind_go": sum(record["blind"] for record in fixed),
    }


_RATES: Final = {
    "false_healthy": (HEALTHY, True),
    "false_tolerable": (TOLERABLE, True),
    "missed_harmful": (HARMFUL, False),
    "missed_silent": (SILENT, False),
    "missed_troubled": (TROUBLED, False),
    "rolled_back_stress": (STRESS, True),
}


def _level(records: list[Record]) -> Summary:
    found: Summary = {}
    for key, (kind, rolled_back) in _RATES.items():
        chosen = [record for record in records if record["kind"] == kind]
        events = sum((record["rolled_back"] is not None) == rolled_back for record in chosen)
        found[key] = events / len(chosen) if chosen else None
        found[f"{key}_count"] = [events, len(chosen)]
        found[f"{key}_below"] = upper_bound(events, len(chosen), DOUBT) if chosen else None
    harmful = [record for record in records if record["kind"] == HARMFUL]
    found["early_harmful"] = _mean(float(_early(record)) for record in harmful)
    found["delay_median"] = _median(delay for record in harmful for delay in _delay(record))
    found["bad_mean"] = _mean(record["bad"] for record in harmful)
    found["microseconds_per_minute"] = _cost(records)
    return found


def _cost(records: list[Record]) -> float | None:
    """Processor time of one minute's look at a healthy rollout, which is judged to its end."""
    healthy = [record for record in records if record["kind"] == HEALTHY]
    minutes = sum(record["minutes"] for record in healthy)
    return 1e6 * sum(record["seconds"] for record in healthy) / minutes if minutes else None


def _early(record: Record) -> bool:
    """Rolled back before there was any harm: luck, not detection."""
    when, onset = record["rolled_back"], record["onset"]
    return when is not None and (onset is None or when < onset)


def _delay(record: Record) -> list[int]:
    """Minutes of harm until rollback, the first one counted; none if early or never."""
    if record["rolled_back"] is None or record["onset"] is None or _early(record):
        return []
    return [record["rolled_back"] - record["onset"] + 1]


def _scenarios(records: list[Record]) -> dict[str, Summary]:
    """`level/scenario` -> medians and shares."""
    cells: dict[str, list[Record]] = {}
    for record in records:
        cells.setdefault(f"{record['level']}/{record['scenario']}", []).append(record)
    return {
        name: {
            "kind": cell[0]["kind"],
            "rollouts": len(cell),
            "rolled_back": mean(record["rolled_back"] is not None for record in cell),
            "delay_median": _median(delay for record in cell for delay in _delay(record)),
            "bad_median": median(record["bad"] for record in cell),
            "bad_mean": mean(record["bad"] for record in cell),
            "exposed_median": median(record["exposed"] for record in cell),
        }
        for name, cell in sorted(cells.items())
    }


def _closed(records: list[Record]) -> Summary | None:
    if not records:
        return None
    healthy = [record for record in records if record["kind"] == HEALTHY]
    harmful = [record for record in records if record["kind"] == HARMFUL and record["harmed"]]
    done = [record["minutes"] for record in healthy if record["outcome"] == COMPLETED]
    return {
        "healthy_minutes_median": _median(done),
        **{
            f"healthy_{outcome.replace(' ', '_')}": _share(healthy, outcome)
            for outcome in (COMPLETED, PAUSED, ROLLED_BACK)
        },
        "harmful_reaching_full": _mean(float(record["reached"]) for record in harmful),
        "harmful_reaching_full_count": [sum(record["reached"] for record in harmful), len(harmful)],
        "harmful_bad_mean": _mean(record["bad"] for record in harmful),
    }


def _share(records: Sequence[Record], outcome: str) -> float | None:
    return _mean(float(record["outcome"] == outcome) for record in records)


def ratio(worse: Summary, better: Summary, measure: str) -> float | None:
    """How often more bad answers one judge served: geometric mean over level and kind of harm.

    One is added to each cell of both judges. measure: bad_mean or bad_median.
    """
    logs = [
        math.log((cell[measure] + ONE) / (better["scenarios"][name][measure] + ONE))
        for name, cell in worse["scenarios"].items()
        if cell["kind"] == HARMFUL and name in better["scenarios"]
    ]
    return math.exp(mean(logs)) if logs else None


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return mean(known) if known else None


def _median(values: Iterable[float]) -> float | None:
    known = list(values)
    return median(known) if known else None
