"""The plan of the matrix: the rehearsal's phases and limits, in minutes instead of seconds."""

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any, Final

from rollout.adapters import plan_documents
from rollout.domain.cohort import bucket
from rollout.domain.plan import Plan

FILE: Final = Path(__file__).parents[2] / "plans" / "rehearsal.json"
MINUTE: Final = 60
# Between two steps: as long as a phase may bake and a person be asked.
STEP_SECONDS: Final = 20 * MINUTE


@cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    for number, phase in enumerate(document["phases"]):
        phase.update(bake_seconds=2 * MINUTE, maximum_bake_seconds=10 * MINUTE)
        if phase["kind"] == "ramp":
            phase["starts_after_seconds"] = STEP_SECONDS * number
    document["cleanup"]["starts_after_seconds"] = STEP_SECONDS * len(document["phases"])
    document["evaluation"] = dict.fromkeys(
        ("every_seconds", "settle_seconds", "period_seconds"), MINUTE
    )
    document["no_data"]["after_seconds"] = 5 * MINUTE
    document["lease"]["grace_seconds"] = 10 * MINUTE
    document["approval"]["timeout_seconds"] = 10 * MINUTE
    document["cohort"]["allow_list"] = []
    return document


def document() -> dict[str, Any]:
    """As it is written; a copy."""
    return copy.deepcopy(_document())


@cache
def plan() -> Plan:
    """The same, parsed."""
    return plan_documents.parse(document())


def launch(rollout_id: str) -> dict[str, Any]:
    """The input of a launch."""
    return {"action": "launch", "rollout_id": rollout_id, "plan": document()}


@cache
def users() -> tuple[str, ...]:
    """One user of every cohort of the plan: each is the first to be exposed at its exposure."""
    found, below = [], 0
    for exposure in sorted({phase.exposure_bps for phase in plan().phases} - {0}):
        names = (f"user-{number}" for number in range(1, 10_001))
        found.append(next(n for n in names if below <= bucket(plan().salt, n) < exposure))
        below = exposure
    return tuple(found)
