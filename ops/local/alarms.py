"""Stands in for CloudWatch evaluating an alarm on metric math; drives SetAlarmState with it."""

import re
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from botocore.exceptions import BotoCoreError, ClientError

from ops.templates import Node, read_template

EXPRESSION = re.compile(
    r"IF\( (?P<requests>\w+) \s*>=\s* (?P<minimum>\d+) \s*,"
    r"\s* 100 \s*\*\s* (?P<errors>\w+) \s*/\s* (?P=requests) \s*,\s* 0 \s*\)",
    re.VERBOSE,
)


class AlarmDefinitionError(Exception):
    """The template's alarm is not of the one kind that is evaluated here."""


class Source(NamedTuple):
    """A metric, summed over each period."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Definition:
    """An alarm on IF(requests >= minimum, 100 * errors / requests, 0) > threshold.

    threshold is in percent; period_seconds the length of a period; in alarm when
    datapoints_to_alarm of the last evaluation_periods breach.
    """

    requests: Source
    errors: Source
    minimum: int
    threshold: float
    period_seconds: int
    evaluation_periods: int
    datapoints_to_alarm: int

    def breaches(self, requests: float, errors: float) -> bool:
        """Whether one period breaches; periods without data do not (notBreaching)."""
        return requests >= self.minimum and 100 * errors / requests > self.threshold

    def state(self, periods: list[tuple[float, float]]) -> str:
        """ALARM or OK from (requests, errors) of the last periods."""
        breaching = sum(self.breaches(requests, errors) for requests, errors in periods)
        return "ALARM" if breaching >= self.datapoints_to_alarm else "OK"


def read_definition(
    template: Path, values: dict[str, str], logical_id: str = "ErrorRateAlarm"
) -> Definition:
    """The alarm as template.yaml has it.

    Args:
        values: what the parameters the alarm refers to stand for, e.g. the stack's outputs
            MetricNamespace and ServiceName; the template's defaults otherwise.

    Raises:
        AlarmDefinitionError: it is another kind of alarm.
    """
    document = read_template(template)
    defaults = {name: str(p.get("Default")) for name, p in document["Parameters"].items()}
    properties = document["Resources"][logical_id]["Properties"]
    if properties["TreatMissingData"] != "notBreaching":
        raise AlarmDefinitionError(f"{logical_id}: TreatMissingData is not notBreaching")
    if properties["ComparisonOperator"] != "GreaterThanThreshold":
        raise AlarmDefinitionError(f"{logical_id}: not GreaterThanThreshold")

    metrics = {metric["Id"]: metric for metric in properties["Metrics"]}
    math = next(m["Expression"] for m in metrics.values() if "Expression" in m)
    match = EXPRESSION.fullmatch(math)
    if match is None:
        raise AlarmDefinitionError(f"{logical_id}: expression {math}")
    requests, errors = (metrics[match[part]]["MetricStat"] for part in ("requests", "errors"))
    return Definition(
        requests=source(requests, defaults | values),
        errors=source(errors, defaults | values),
        minimum=int(match["minimum"]),
        threshold=float(properties["Threshold"]),
        period_seconds=int(requests["Period"]),
        evaluation_periods=int(properties["EvaluationPeriods"]),
        datapoints_to_alarm=int(properties["DatapointsToAlarm"]),
    )


def source(statistic: Node, values: dict[str, str]) -> Source:
    if statistic["Stat"] != "Sum":
        raise AlarmDefinitionError(f"statistic {statistic['Stat']}")

    def plain(node: Any) -> str:
        return values[node["Ref"]] if isinstance(node, dict) else str(node)

    metric = statistic["Metric"]
    dimensions = tuple((d["Name"], plain(d["Value"])) for d in metric["Dimensions"])
    return Source(plain(metric["Namespace"]), metric["MetricName"], dimensions)


class AlarmEvaluator:
    """A thread that keeps alarms of the emulator in the state that a definition calls for.

    alarm_name: one or several, comma-separated: the metric alarm and the one that is over it.
    Use `dataclasses.replace(definition, period_seconds=1)` for a rehearsal. The current period
    is left out until it has ended and, as `lag_seconds` of metrics may be missing, a bit longer.
    """

    def __init__(
        self, emulator: Any, alarm_name: str, definition: Definition, lag_seconds: float = 1
    ) -> None:
        self._cloudwatch = emulator.client("cloudwatch")
        self._alarm_names = alarm_name.split(",")
        self._definition = definition
        self._lag = lag_seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="alarm-evaluator", daemon=True)
        self.error: Exception | None = None

    def __enter__(self) -> Self:
        """Start in OK: on AWS an alarm with notBreaching is, once it was evaluated."""
        self._set("OK", "No data")
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopping.set()
        self._thread.join()

    def evaluate(self, now: float | None = None) -> str:
        """Evaluate the periods that ended before `now` (Unix time) and set the state."""
        periods = self._periods(time.time() if now is None else now)
        state = self._definition.state(periods)
        if state != self._current():
            self._set(state, f"(requests, errors) per period, oldest first: {periods}")
        return state

    def _periods(self, now: float) -> list[tuple[float, float]]:
        length, count = self._definition.period_seconds, self._definition.evaluation_periods
        end = int((now - self._lag) // length) * length
        starts = [end - length * back for back in range(count, 0, -1)]
        sums = self._sums(starts[0], end)
        return [(sums["requests"].get(at, 0.0), sums["errors"].get(at, 0.0)) for at in starts]

    def _sums(self, start: int, end: int) -> dict[str, dict[int, float]]:
        sources = {"requests": self._definition.requests, "errors": self._definition.errors}
        answer = self._cloudwatch.get_metric_data(
            MetricDataQueries=[
                {
                    "Id": key,
                    "MetricStat": {
                        "Stat": "Sum",
                        "Period": self._definition.period_seconds,
                        "Metric": {
                            "Namespace": metric.namespace,
                            "MetricName": metric.name,
                            "Dimensions": [{"Name": n, "Value": v} for n, v in metric.dimensions],
                        },
                    },
                }
                for key, metric in sources.items()
            ],
            StartTime=start,
            EndTime=end,
        )
        return {
            result["Id"]: {
                int(at.timestamp()): value
                for at, value in zip(result["Timestamps"], result["Values"], strict=True)
            }
            for result in answer["MetricDataResults"]
        }

    def _current(self) -> str:
        found = self._cloudwatch.describe_alarms(AlarmNames=self._alarm_names)["MetricAlarms"]
        states = {str(alarm["StateValue"]) for alarm in found}
        return states.pop() if len(states) == 1 else ""

    def _set(self, state: str, reason: str) -> None:
        for name in self._alarm_names:
            self._cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason=reason)

    def _run(self) -> None:
        while not self._stopping.wait(min(1.0, self._definition.period_seconds / 2)):
            try:
                self.evaluate()
            except (BotoCoreError, ClientError) as error:
                self.error = error
