"""Counts from CloudWatch, as the read path emits them per arm."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol, Self

from botocore.exceptions import BotoCoreError, ClientError

from rollout.adapters.clients import client
from rollout.domain.cohort import CANDIDATE, CONTROL
from rollout.domain.window import Arm, Shadow
from rollout.settings import Settings, settings

SHADOW: Final = "shadow"
ARM_METRICS: Final = ("Requests", "Errors", "Slow")
SHADOW_METRICS: Final = ("Compared", "Mismatched", "Failed")
# CloudWatch counts by the hour are enough for what began more than a day ago.
HOUR: Final = 3600
DAY: Final = 86400


class MetricsUnavailableError(RuntimeError):
    """CloudWatch did not give a complete answer: no decision can be taken on it."""


class Metrics(Protocol):
    """The port: totals over [start, end), epoch seconds."""

    def arms(self, start: float, end: float, period: int) -> tuple[Arm, Arm]: ...
    def shadow(self, start: float, end: float, period: int) -> Shadow: ...
    def control_p95_ms(self, start: float, end: float, period: int) -> float | None: ...


@dataclass(frozen=True)
class CloudWatchMetrics:
    """Metrics by namespace, with dimensions service and arm."""

    api: Any
    namespace: str
    service: str

    @classmethod
    def connect(cls, known: Settings | None = None) -> Self:
        """From the environment variables of the function."""
        known = known or settings()
        return cls(client("cloudwatch"), known.text("METRIC_NAMESPACE"), known.text("SERVICE_NAME"))

    def arms(self, start: float, end: float, period: int) -> tuple[Arm, Arm]:
        """(control, candidate) totals. Raises MetricsUnavailableError."""
        wanted = [(name, arm) for arm in (CONTROL, CANDIDATE) for name in ARM_METRICS]
        sums = self._sums(wanted, start, end, period)
        return Arm(*sums[:3]), Arm(*sums[3:])

    def shadow(self, start: float, end: float, period: int) -> Shadow:
        """Shadow totals. Raises MetricsUnavailableError."""
        wanted = [(name, SHADOW) for name in SHADOW_METRICS]
        return Shadow(*self._sums(wanted, start, end, period))

    def control_p95_ms(self, start: float, end: float, period: int) -> float | None:
        """The worst p95 of the control's latency over the interval, ms; None without data."""
        (values,) = self._ask([("Latency", CONTROL)], "p95", start, end, period)
        return max(values, default=None)

    def _sums(
        self, wanted: list[tuple[str, str]], start: float, end: float, period: int
    ) -> list[int]:
        answers = self._ask(wanted, "Sum", start, end, period)
        return [round(math.fsum(values)) for values in answers]

    def _ask(
        self, wanted: list[tuple[str, str]], stat: str, start: float, end: float, period: int
    ) -> list[list[float]]:
        period = HOUR if end - start > DAY and period < HOUR else period
        # Whole periods inside [start, end): a period that began earlier holds another exposure.
        first, last = math.ceil(start / period) * period, math.floor(end / period) * period
        if last <= first:
            return [[] for _ in wanted]
        queries = [self._query(f"m{i}", *pair, stat, period) for i, pair in enumerate(wanted)]
        values: dict[str, list[float]] = {query["Id"]: [] for query in queries}
        status: dict[str, str] = dict.fromkeys(values, "missing")
        try:
            for result in self._pages(queries, first, last):
                values[result["Id"]] += result["Values"]
                status[result["Id"]] = result.get("StatusCode", "Complete")
        except (ClientError, BotoCoreError) as error:
            raise MetricsUnavailableError(f"CloudWatch did not answer: {error}") from error
        _all_complete(status)
        return list(values.values())

    def _pages(
        self, queries: list[dict[str, Any]], first: float, last: float
    ) -> Iterable[dict[str, Any]]:
        pages = self.api.get_paginator("get_metric_data").paginate(
            MetricDataQueries=queries,
            StartTime=datetime.fromtimestamp(first, UTC),
            EndTime=datetime.fromtimestamp(last, UTC),
        )
        for page in pages:
            yield from page["MetricDataResults"]

    def _query(self, ident: str, metric: str, arm: str, stat: str, period: int) -> dict[str, Any]:
        dimensions = [
            {"Name": "service", "Value": self.service},
            {"Name": "arm", "Value": arm},
        ]
        return {
            "Id": ident,
            "MetricStat": {
                "Metric": {
                    "Namespace": self.namespace,
                    "MetricName": metric,
                    "Dimensions": dimensions,
                },
                "Period": period,
                "Stat": stat,
            },
        }


def _all_complete(status: dict[str, str]) -> None:
    """Every series' last page must say Complete: earlier pages say PartialData, as more follow."""
    for ident, word in status.items():
        if word != "Complete":
            raise MetricsUnavailableError(f"CloudWatch answered {word} for {ident}")
