"""Counts from CloudWatch, as the read path emits them per arm."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol, Self

from botocore.exceptions import BotoCoreError, ClientError

from rollout.adapters.clients import client
from rollout.domain.cohort import CANDIDATE, CONTROL
from rollout.domain.minute import Row
from rollout.domain.window import Arm, Shadow
from rollout.settings import Settings, settings

SHADOW: Final = "shadow"
ARM_METRICS: Final = ("Requests", "Errors", "Slow")
SHADOW_METRICS: Final = ("Compared", "Mismatched", "Failed")
WANTED: Final = (
    *[(name, CONTROL) for name in ARM_METRICS],
    *[(name, CANDIDATE) for name in ARM_METRICS],
    *[(name, SHADOW) for name in SHADOW_METRICS],
)
TENANT_METRICS: Final = ("Requests", "Errors")
# How long CloudWatch keeps points of a period, and no more of them than one answer can hold.
# Source: GetMetricData API reference; CloudWatch user guide, "Metrics retention".
HOUR, DAY = 3600, 86400
KEPT: Final = ((60, 3 * HOUR), (300, 15 * DAY), (HOUR, 63 * DAY))
MOST_PERIODS: Final = 11_000


class MetricsUnavailableError(RuntimeError):
    """CloudWatch did not give a complete answer: no decision can be taken on it."""


class Metrics(Protocol):
    """The port: counts over [start, end), epoch seconds."""

    def rows(
        self, start: float, end: float, period: int, tenants: Sequence[str] = ()
    ) -> tuple[list[Row], int]: ...
    def control_p95_ms(self, start: float, end: float, period: int) -> float | None: ...


@dataclass(frozen=True)
class CloudWatchMetrics:
    """Metrics by namespace, with dimensions service and arm, and tenant where a plan names any."""

    api: Any
    namespace: str
    service: str

    @classmethod
    def connect(cls, known: Settings | None = None) -> Self:
        """From the environment variables of the function."""
        known = known or settings()
        return cls(client("cloudwatch"), known.text("METRIC_NAMESPACE"), known.text("SERVICE_NAME"))

    def rows(
        self, start: float, end: float, period: int, tenants: Sequence[str] = ()
    ) -> tuple[list[Row], int]:
        """(periods that have counts, oldest first; the period used, in seconds).

        Raises MetricsUnavailableError.
        """
        period = kept_period(period, start, end)
        wanted = [(name, arm, "") for name, arm in WANTED]
        wanted += [
            (name, arm, tenant)
            for tenant in tenants
            for arm in (CONTROL, CANDIDATE)
            for name in TENANT_METRICS
        ]
        series = self._ask(wanted, "Sum", start, end, period)
        found: dict[float, dict[int, int]] = {}
        for number, points in enumerate(series):
            for at, value in points:
                found.setdefault(at, {})[number] = round(value)
        return [_row(at, found[at], len(tenants)) for at in sorted(found)], period

    def control_p95_ms(self, start: float, end: float, period: int) -> float | None:
        """The worst p95 of the control's latency over the interval, ms; None without data."""
        period = kept_period(period, start, end)
        (points,) = self._ask([("Latency", CONTROL, "")], "p95", start, end, period)
        return max((value for _, value in points), default=None)

    def _ask(
        self,
        wanted: Sequence[tuple[str, str, str]],
        stat: str,
        start: float,
        end: float,
        period: int,
    ) -> list[list[tuple[float, float]]]:
        """The (epoch second, value) points of each series."""
        # Whole periods inside [start, end): a period that began earlier holds another exposure.
        first, last = math.ceil(start / period) * period, math.floor(end / period) * period
        if last <= first:
            return [[] for _ in wanted]
        queries = [self._query(f"m{i}", *pair, stat, period) for i, pair in enumerate(wanted)]
        points: dict[str, list[tuple[float, float]]] = {query["Id"]: [] for query in queries}
        status: dict[str, str] = dict.fromkeys(points, "missing")
        try:
            for result in self._pages(queries, first, last):
                stamps = (stamp.timestamp() for stamp in result["Timestamps"])
                points[result["Id"]] += zip(stamps, result["Values"], strict=True)
                status[result["Id"]] = result.get("StatusCode", "Complete")
        except (ClientError, BotoCoreError) as error:
            raise MetricsUnavailableError(f"CloudWatch did not answer: {error}") from error
        _all_complete(status)
        return list(points.values())

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

    def _query(
        self, ident: str, metric: str, arm: str, tenant: str, stat: str, period: int
    ) -> dict[str, Any]:
        known = {"service": self.service, "arm": arm} | ({"tenant": tenant} if tenant else {})
        return {
            "Id": ident,
            "MetricStat": {
                "Metric": {
                    "Namespace": self.namespace,
                    "MetricName": metric,
                    "Dimensions": [{"Name": n, "Value": v} for n, v in known.items()],
                },
                "Period": period,
                "Stat": stat,
            },
        }


def kept_period(period: int, start: float, end: float) -> int:
    """The period in seconds, or the next longer one that CloudWatch still has for `start`."""
    for longer, age in KEPT:
        if end - start > age or (end - start) / period > MOST_PERIODS:
            period = max(period, longer)
    return period


def _row(at: float, values: Mapping[int, int], tenants: int) -> Row:
    """The counts of one period. An arm without a point had no request, since another one had."""
    fields = len(WANTED)
    counts = [values.get(number, 0) for number in range(fields + 4 * tenants)]
    compared, mismatched, failed = counts[6:fields]
    shadow = Shadow(compared, min(mismatched, compared), failed)
    by_tenant = [_tenant(*counts[i : i + 4]) for i in range(fields, len(counts), 4)]
    return Row(at, _arm(*counts[:3]), _arm(*counts[3:6]), shadow, tuple(by_tenant))


def _tenant(
    asked: int, errors: int, asked_candidate: int, errors_candidate: int
) -> tuple[int, int, int, int]:
    return asked, min(errors, asked), asked_candidate, min(errors_candidate, asked_candidate)


def _arm(requests: int, errors: int, slow: int) -> Arm:
    # The metrics of one log line become visible one by one, so a part can be ahead of its whole.
    return Arm(requests, min(errors, requests), min(slow, requests))


def _all_complete(status: dict[str, str]) -> None:
    """Every series' last page must say Complete: earlier pages say PartialData, as more follow."""
    for ident, word in status.items():
        if word != "Complete":
            raise MetricsUnavailableError(f"CloudWatch answered {word} for {ident}")
