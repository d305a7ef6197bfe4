"""A plan's document -> a Plan.

The shape (fields, types, ranges) was checked by plan.schema.json.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rollout.domain import rules
from rollout.domain.cohort import mark
from rollout.domain.plan import (
    ROLL_BACK,
    Band,
    Evaluation,
    Guardrail,
    Judge,
    NoData,
    Phase,
    Plan,
    Slowness,
)
from rollout.domain.plan_problems import problems

NOISE_BPS: Final = 500


def parse(document: Mapping[str, Any]) -> Plan:
    """A Plan from a document that the schema has accepted.

    Raises InvalidInputError naming the field, its value and what was expected.
    """
    plan = read(document)
    for problem in problems(plan):
        raise problem
    return plan


def read(document: Mapping[str, Any]) -> Plan:
    """The same, whatever makes no sense in it; raises InvalidInputError for cleaning rules only."""
    return Plan(
        name=document["name"],
        phases=tuple(_phase(item, document["evaluation"]) for item in document["phases"]),
        cleanup_after_seconds=document["cleanup"]["starts_after_seconds"],
        guardrails=tuple(
            _guardrail(metric, item) for metric, item in document["guardrails"].items()
        ),
        slowness=Slowness(**document["slowness"]),
        judge=Judge(**document["judge"]),
        no_data=NoData(**document["no_data"]),
        evaluation=Evaluation(**document["evaluation"]),
        lease_grace_seconds=document["lease"]["grace_seconds"],
        approval_seconds=document["approval"]["timeout_seconds"],
        cleaning_rules=_rules(document.get("comparison", {}).get("rules", ())),
        noise_bps=document.get("comparison", {}).get("noise_sample_bps", NOISE_BPS),
        most_compared_per_second=document.get("comparison", {}).get("most_per_second"),
        salt=document["cohort"]["salt"],
        allow_list=_marks(document["cohort"]),
        tenants=tuple(document["cohort"].get("tenants", ())),
        approval_people=document["approval"].get("people", 1),
        response=document.get("response", ROLL_BACK),
        time_zone=document.get("time_zone", "UTC"),
    )


def _marks(cohort: Mapping[str, Any]) -> tuple[str, ...]:
    """The users of the allow-list as marks: their ids go into no flag and no execution."""
    return tuple(mark(cohort["salt"], user) for user in cohort.get("allow_list", ()))


def _phase(item: Mapping[str, Any], evaluation: Mapping[str, Any]) -> Phase:
    longest = item.get("maximum_bake_seconds")
    return Phase(
        name=item["name"],
        kind=item["kind"],
        exposure_bps=item["exposure_bps"],
        shadow_bps=item["shadow_bps"],
        starts_after_seconds=item.get("starts_after_seconds", 0),
        bake_seconds=item["bake_seconds"],
        maximum_bake_seconds=4 * item["bake_seconds"] if longest is None else longest,
        certify=dict(item.get("certify", {})),
    )


def _guardrail(metric: str, item: Mapping[str, Any]) -> Guardrail:
    bands = tuple(Band(b["call"], b["from"], b["to"]) for b in item["bands"])
    return Guardrail(metric, item["tolerated"], item["certify"], bands)


def _rules(items: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    parsed = [rules.parse(item, f"comparison.rules[{number}]") for number, item in enumerate(items)]
    return tuple(rule.to_text() for rule in parsed)
