"""The shadow comparator: ask the candidate for what the control has answered, compare, count."""

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from rollout.adapters import request_log
from rollout.adapters.candidate import TIMED_OUT, Candidate, LambdaCandidate
from rollout.adapters.request_log import SHADOW_UNITS, RequestLog
from rollout.domain.compare import differences
from rollout.domain.observation import Observation

SHADOW: Final = "shadow"
SHOWN_PATHS: Final = 20


@dataclass(frozen=True)
class Ports:
    """What a comparison needs from outside."""

    candidate: Candidate
    log: RequestLog


def compare(event: dict[str, Any], ports: Ports) -> dict[str, Any]:
    """Compare one control answer with the candidate's.

    Event: {"userId", "userHash", "control": {"value", "error", "duration_ms"}, "ignore": [path]}.
    Returns {"outcome": SHADOW-OK, SHADOW-DIFF or SHADOW-FAILED, "paths": [differing paths]}.
    """
    control = event["control"]
    observed = ports.candidate.read(event["userId"])
    outcome, paths = _outcome(control, observed, event.get("ignore", ()))
    metrics = {
        "Compared": int(not observed.failed),
        "Mismatched": int(outcome == "SHADOW-DIFF"),
        "Failed": int(observed.failed),
        "Slow": int(observed.error == TIMED_OUT),
        "Latency": round(observed.duration_ms, 3),
    }
    facts = {
        "event": "shadow.failed" if observed.failed else "shadow.compared",
        "outcome": outcome,
        "mismatch": metrics["Mismatched"],
        "timed_out": metrics["Slow"],
        "control_ms": round(control["duration_ms"], 3),
        "candidate_ms": metrics["Latency"],
        "diff_paths": ",".join(paths[:SHOWN_PATHS]),
        "error_type": observed.error,
        "user_hash": event["userHash"],
    }
    ports.log.write(SHADOW, SHADOW_UNITS, metrics, facts)
    return {"outcome": outcome, "paths": paths}


def _outcome(control: dict[str, Any], observed: Observation, ignore: Any) -> tuple[str, list[str]]:
    if observed.failed:
        return "SHADOW-FAILED", []
    if control["error"]:
        # The control failed where the candidate answered: they differ, as a whole.
        return "SHADOW-DIFF", [""]
    found = differences(control["value"], observed.value, ignore)
    paths = sorted({f"{difference.path}:{difference.kind}" for difference in found})
    return ("SHADOW-DIFF" if paths else "SHADOW-OK"), paths


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """The Lambda entry point."""
    return compare(event, _ports())


@cache
def _ports() -> Ports:
    return Ports(LambdaCandidate.connect(), request_log.connect())
