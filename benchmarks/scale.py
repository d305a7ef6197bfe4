"""python -m benchmarks.scale: what a rollout of the beta uses at any traffic, and how many stacks
of the template one account holds. Ends with one JSON line.

Nothing is measured here: it is the arithmetic of ops/costs, which a test holds to the machine, over
traffic, and the template's resources over the quotas of AWS.
"""

import json
import math
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any, Final

from ops.costs import lines
from ops.costs.usage import Deployment, of_plan
from ops.local.stack import ROOT
from ops.templates import read_template
from rollout.adapters import plan_documents
from rollout.adapters.metrics import WANTED
from rollout.domain.forecast import Forecast

DAY: Final = 86_400
PER_DAY: Final = (1e3, 24e3, 1e6, 100 * DAY, 1e4 * DAY, 1e6 * DAY)
# How long one read keeps a sandbox, as ops/costs/lines.py guesses it, and one comparison.
READ_S, COMPARE_S = 0.010, 0.060
LEAST_SANDBOXES: Final = 3
# A sandbox takes no more, however short they are. Source: Lambda developer guide, "Concurrency".
SANDBOX_READS_PER_SECOND: Final = 10
# Comparisons a second, as comparison.most_per_second in a plan.
CEILING: Final = 20
PLAN: Final = ROOT / "plans" / "beta.json"


@dataclass(frozen=True)
class Quota:
    """How many an account, or an account in a region, has by default, and what the source is."""

    name: str
    default: float
    source: str


# By resource of the template. Each can be raised, IAM's to 5,000.
RESOURCES: Final = {
    "AWS::AppConfig::DeploymentStrategy": Quota(
        "deployment strategies", 20, "AppConfig API reference, ServiceQuotaExceededException"
    ),
    "AWS::IAM::Role": Quota("roles", 1000, "IAM user guide, quotas"),
    "AWS::AppConfig::Application": Quota(
        "AppConfig applications", 100, "AppConfig API reference, ServiceQuotaExceededException"
    ),
    "AWS::IAM::ManagedPolicy": Quota("managed policies", 1500, "IAM user guide, quotas"),
}
# What 1,000 rollouts at the same time ask for in a second.
GET_METRIC_DATA: Final = Quota("GetMetricData a second", 50, "CloudWatch user guide, quotas")
START_EXECUTION: Final = Quota("StartExecution at once", 1300, "Step Functions guide, quotas")
TRANSITIONS: Final = Quota("state transitions a second", 5000, "Step Functions guide, quotas")
CONCURRENCY: Final = Quota("Lambda sandboxes at once", 1000, "Lambda developer guide, quotas")


def rollout(per_day: float) -> dict[str, Any]:
    """What one rollout of the beta uses at this traffic, which is the same at any time."""
    plan, _ = plan_documents.load(PLAN)
    second = per_day / DAY
    sandboxes = max(LEAST_SANDBOXES, math.ceil(second * max(READ_S, 1 / SANDBOX_READS_PER_SECOND)))
    here = Deployment(sandboxes=sandboxes)
    forecast = Forecast.constant(per_day)
    used = of_plan(plan, forecast, here)
    bill = lines.bill(used, here)
    under = of_plan(replace(plan, most_compared_per_second=CEILING), forecast, here)
    logged = {
        of: sum(item.quantity for item in bill if (item.of, item.what) == (of, "GB ingested"))
        for of in (lines.ROLLOUT, lines.READS)
    }
    return {
        "reads_per_day": per_day,
        "transitions": used.states + used.executions,
        "steps": used.tasks,
        "looks": used.evaluations,
        "sandboxes": sandboxes,
        "polls_per_second": round(min(second, sandboxes / here.poll_seconds), 3),
        "comparators": math.ceil(second * COMPARE_S * max(p.shadow_bps for p in plan.phases) / 1e4),
        "log_gb_rollout": round(logged[lines.ROLLOUT], 3),
        "log_gb_reads": round(logged[lines.READS], 3),
        "usd_rollout": round(lines.total(bill, lines.ROLLOUT), 2),
        "usd_under_ceiling": round(lines.total(lines.bill(under, here), lines.ROLLOUT), 2),
        "usd_reads": round(lines.total(bill, lines.READS), 2),
    }


def stacks() -> list[dict[str, Any]]:
    """By resource, how many stacks of the template fit into the default quota; fewest first."""
    template = read_template(ROOT / "template.yaml")
    counted = Counter(
        item["Type"] for item in template["Resources"].values() if "Condition" not in item
    )
    found = [
        {
            "quota": quota.name,
            "default": quota.default,
            "per_stack": counted[kind],
            "stacks": int(quota.default // counted[kind]),
        }
        for kind, quota in RESOURCES.items()
    ]
    return sorted(found, key=lambda item: item["stacks"])


def at_once(rollouts: int) -> list[dict[str, Any]]:
    """What so many rollouts ask for while all of them bake, and when all begin in one minute."""
    plan, _ = plan_documents.load(PLAN)
    looks = rollouts / plan.evaluation.every_seconds
    asked = [
        (GET_METRIC_DATA, looks * math.ceil(len(WANTED) / 500)),
        (TRANSITIONS, looks * 3),
        (START_EXECUTION, float(rollouts)),
    ]
    return [
        {"quota": quota.name, "default": quota.default, "asked": round(value, 1)}
        for quota, value in asked
    ]


def main() -> None:
    """Print the tables, and everything as JSON."""
    rows = [rollout(per_day) for per_day in PER_DAY]
    for row in rows:
        print("  ".join(f"{key} {value:,}" for key, value in row.items()))
    limits, thousand = stacks(), at_once(1000)
    for item in (*limits, *thousand):
        print("  ".join(f"{key} {value}" for key, value in item.items()))
    print(json.dumps({"rollouts": rows, "stacks": limits, "thousand_rollouts": thousand}))


if __name__ == "__main__":
    main()
