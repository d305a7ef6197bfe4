"""How many stacks of the template one account holds, by its resources and by what looks ask for."""

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.scale import quotas
from benchmarks.scale.machine import Trace
from benchmarks.scale.traffic import ROOT, Level
from ops.costs.usage import EVALUATING
from ops.templates import read_template

# What a stack has, unless it is told to use those of another.
MADE: Final = (None, "MakesRampStrategy", "MakesRollbackStrategy")


@dataclass(frozen=True)
class Holds:
    """A quota, and how many stacks it holds."""

    quota: str
    default: float
    per_stack: float
    stacks: int


def by_resource() -> list[Holds]:
    """By resource of the template; fewest stacks first."""
    template: Any = read_template(ROOT / "template.yaml")
    counted = Counter(
        item["Type"] for item in template["Resources"].values() if item.get("Condition") in MADE
    )
    found = [
        Holds(quota.name, quota.default, counted[kind], int(quota.default // counted[kind]))
        for kind, quota in quotas.RESOURCES.items()
    ]
    return sorted(found, key=lambda item: item.stacks)


def by_rate(trace: Trace, level: Level) -> list[Holds]:
    """By what one rollout asks for a second while it bakes, looks spread evenly; fewest first.

    At the look that reads the most points.
    """
    looks = [visit for visit in trace.visits if visit.state in EVALUATING]
    most = max(looks, key=lambda visit: visit.points)
    every = level.plan.evaluation.every_seconds
    each = Counter(quotas.CALLS[call] for call in most.calls if call in quotas.CALLS)
    asked = {quota: many / every for quota, many in each.items()}
    asked[quotas.POINTS] = most.points / every
    asked[quotas.TRANSITIONS] = 3 / every
    found = [
        Holds(quota.name, quota.default, round(many, 6), math.floor(round(quota.default / many, 6)))
        for quota, many in asked.items()
    ]
    return sorted(found, key=lambda item: item.stacks)
