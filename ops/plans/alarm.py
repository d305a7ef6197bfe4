"""The alarm beside the judge: from how many requests a period on it says anything at all."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ops.local.alarms import EXPRESSION, read_definition

TEMPLATE: Final = Path(__file__).parents[2] / "template.yaml"


@dataclass(frozen=True)
class Alarm:
    """minimum: requests of the candidate in a period; fewer never breach. threshold: in percent.

    breaching: so many periods must breach. arm: whose metrics it watches, "" for neither.
    """

    minimum: int
    threshold: float
    period_seconds: int
    breaching: int
    arm: str


def of_template(template: Path = TEMPLATE) -> Alarm | None:
    """The alarm as template.yaml has it; None where there is no template beside this package."""
    if not template.exists():
        return None
    known = read_definition(template, {})
    return Alarm(
        known.minimum,
        known.threshold,
        known.period_seconds,
        known.datapoints_to_alarm,
        dict(known.requests.dimensions).get("arm", ""),
    )


def of_deployed(described: Mapping[str, Any]) -> Alarm | None:
    """The alarm as DescribeAlarms tells it; None when it is of another kind, as locally."""
    metrics = {metric["Id"]: metric for metric in described.get("Metrics", ())}
    math = next((one["Expression"] for one in metrics.values() if "Expression" in one), "")
    match = EXPRESSION.fullmatch(math)
    if match is None or match["requests"] not in metrics:
        return None
    statistic = metrics[match["requests"]]["MetricStat"]
    return Alarm(
        int(match["minimum"]),
        float(described["Threshold"]),
        int(statistic["Period"]),
        int(described.get("DatapointsToAlarm", described["EvaluationPeriods"])),
        _arm(statistic["Metric"]["Dimensions"]),
    )


def _arm(dimensions: Iterable[Mapping[str, str]]) -> str:
    return next((one["Value"] for one in dimensions if one["Name"] == "arm"), "")
