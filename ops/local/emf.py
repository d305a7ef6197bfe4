"""Stands in for CloudWatch extracting metrics from log lines in embedded metric format (EMF)."""

import json
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any, NamedTuple, Self

from botocore.exceptions import BotoCoreError, ClientError

POLL_SECONDS = 0.5
# How far a later event may carry an earlier time: an invocation's lines are stamped before they
# are stored.
OVERLAP_MS = 2_000
MAX_VALUES = 150  # distinct values in one datum of PutMetricData
MAX_DATA = 1_000  # data in one PutMetricData


class Metric(NamedTuple):
    """What is summed into one datum of PutMetricData. `second` is Unix time."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    unit: str
    resolution: int
    second: int


Totals = dict[Metric, Counter[float]]  # how often each value occurred


class Forwarder:
    """A thread that turns new EMF lines of some log groups into PutMetricData.

    Args:
        emulator: hands out boto3 clients, `client("logs")`.
        log_groups: names; a group that does not exist yet is waited for.
    """

    def __init__(self, emulator: Any, log_groups: Sequence[str]) -> None:
        self._logs = emulator.client("logs")
        self._cloudwatch = emulator.client("cloudwatch")
        self._readers = [LogReader(self._logs, group) for group in log_groups]
        self._stopping = threading.Event()
        self._round = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="emf-forwarder", daemon=True)
        self.error: Exception | None = None

    def __enter__(self) -> Self:
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

    def forward(self) -> int:
        """Forward what is new now, without waiting for the thread; returns the number of lines."""
        with self._round:
            lines = [line for reader in self._readers for line in reader.new_lines()]
            publish(self._cloudwatch, totals(lines))
            return len(lines)

    def _run(self) -> None:
        while not self._stopping.wait(POLL_SECONDS):
            try:
                self.forward()
            except (BotoCoreError, ClientError) as error:
                self.error = error


class LogReader:
    """The lines written to one log group from now on, each once."""

    def __init__(self, logs: Any, group: str) -> None:
        self._logs = logs
        self._group = group
        self._first = self._newest = int(time.time() * 1000)
        self._seen: Counter[tuple[str, int, str]] = Counter()

    def new_lines(self) -> Iterator[str]:
        """Lines not returned before, with an overlap into the past for late ones."""
        start = max(self._first, self._newest - OVERLAP_MS)
        found: Counter[tuple[str, int, str]] = Counter()
        for event in self._events(start):
            # Equal lines of one stream and millisecond are told apart by counting them.
            key = (event["logStreamName"], event["timestamp"], event["message"])
            found[key] += 1
            if found[key] > self._seen[key]:
                yield event["message"]
            self._newest = max(self._newest, event["timestamp"])
        self._seen = found

    def _events(self, start: int) -> Iterator[dict[str, Any]]:
        pages = self._logs.get_paginator("filter_log_events").paginate(
            logGroupName=self._group, startTime=start, filterPattern='"_aws"'
        )
        try:
            for page in pages:
                yield from page["events"]
        except self._logs.exceptions.ResourceNotFoundException:
            return


def totals(lines: Iterable[str]) -> Totals:
    """Values per metric, dimension set and second. Lines that are not EMF are passed over."""
    result: Totals = defaultdict(Counter)
    for line in lines:
        if '"_aws"' in line:
            for metric, values in _counted(line).items():
                result[metric].update(values)
    return result


def _counted(line: str) -> Totals:
    """One line's values; none of a line that only looks like EMF, as CloudWatch takes none."""
    found: Totals = defaultdict(Counter)
    try:
        for metric, value in parse(line):
            found[metric][value] += 1
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return {}
    return found


def parse(line: str) -> Iterator[tuple[Metric, float]]:
    """The values of one EMF line; nothing when it is not one."""
    try:
        record = json.loads(line)
        header = record["_aws"]
        second = int(header["Timestamp"]) // 1000
        directives = header["CloudWatchMetrics"]
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return
    for directive in directives:
        for names in directive["Dimensions"]:
            dimensions = tuple((name, str(record[name])) for name in names)
            for metric in directive["Metrics"]:
                values = record[metric["Name"]]
                key = Metric(
                    directive["Namespace"],
                    metric["Name"],
                    dimensions,
                    metric.get("Unit", "None"),
                    metric.get("StorageResolution", 60),
                    second,
                )
                for value in values if isinstance(values, list) else [values]:
                    yield key, float(value)


def publish(cloudwatch: Any, sums: Totals) -> None:
    """Send the totals with as few calls as PutMetricData allows."""
    by_namespace: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for metric, values in sums.items():
        by_namespace[metric.namespace].extend(data(metric, values))
    for namespace, entries in by_namespace.items():
        for start in range(0, len(entries), MAX_DATA):
            cloudwatch.put_metric_data(
                Namespace=namespace, MetricData=entries[start : start + MAX_DATA]
            )


def data(metric: Metric, values: Counter[float]) -> Iterator[dict[str, Any]]:
    """The data of one metric and second, at most MAX_VALUES distinct values each."""
    pairs = sorted(values.items())
    for start in range(0, len(pairs), MAX_VALUES):
        some = pairs[start : start + MAX_VALUES]
        yield {
            "MetricName": metric.name,
            "Dimensions": [{"Name": name, "Value": value} for name, value in metric.dimensions],
            "Timestamp": metric.second,
            "Unit": metric.unit,
            "StorageResolution": metric.resolution,
            "Values": [value for value, _ in some],
            "Counts": [float(count) for _, count in some],
        }
