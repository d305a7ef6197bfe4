"""The log lines are a contract: readers find in them what the real handlers write; docs say it."""

import json
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import astuple
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ops.local import emf
from rollout.adapters import read_lines
from rollout.adapters.metrics import CloudWatchMetrics
from rollout.adapters.request_log import RequestLog
from rollout.adapters.shadow import Shadow
from rollout.adapters.shadow_log import NOTED, ShadowLog
from rollout.domain.flag import Flag
from rollout.domain.mismatches import Totals, report
from rollout.domain.observation import Observation
from rollout.handlers import compare, read
from tests.fakes import exposed

ROOT = Path(__file__).parents[2]
QUERIES = re.findall(
    r"QueryString: \|-\n((?: {8}.*\n)+)", (ROOT / "template.yaml").read_text("utf-8")
)
DOCS = (ROOT / "docs/read-path.md").read_text("utf-8")
# Words of the query language; an alias comes after "as".
LANGUAGE = {
    *("filter", "stats", "fields", "sort", "limit", "display", "by", "as", "asc", "desc"),
    *("and", "or", "in", "not", "like", "ispresent"),
    *("count", "sum", "avg", "pct", "max", "min", "bin", "latest", "earliest"),
}
LOG = RequestLog("N", "s", 60, b"key")


class Source:
    """A flag in memory, as fresh as it can be."""

    version, stale, exposure_bps = "0123456789ab", 0, 10_000

    def flag(self) -> Flag:
        return exposed(self.exposure_bps, tenants=("t-1", "t-2"))


class Fixed:
    """A candidate with one answer, and a tee that takes everything."""

    def __init__(self, answer: Observation) -> None:
        self.answer = answer

    def read(self, _user_id: str) -> Observation:
        return self.answer

    def send(self, _shadow: Shadow) -> str:
        return ""


def broken(_user_id: str) -> dict[str, Any]:
    raise OSError("gone")


def answered(candidate: Observation, control: Callable[[str], Any], tenant: str = "") -> None:
    ports = read.Ports(Source(), control, Fixed(candidate), Fixed(candidate), LOG, lambda: 1)
    read.read({"userId": "user-1", "tenant": tenant}, "request-1", ports)


def compared(candidate: Observation) -> None:
    shadow = Shadow("user-1", "0" * 16, Observation({"id": "1"}, "", 1.0), rollout_id="beta-1")
    compare.compare(shadow.to_json(), compare.Ports(Fixed(candidate), LOG))


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    """By event, one line of each that the handlers of the read path write."""
    answered(Observation(error="TimedOut"), broken)
    compared(Observation(error="TimedOut"))
    compared(Observation({"id": "2"}, "", 2.0))
    read_lines.flag_observed(LOG, Source.version, Source().flag())
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return {line["event"]: line for line in found}


class CloudWatch:
    """Keeps what is put, and sums it up as it is asked for."""

    def __init__(self) -> None:
        self.data: list[dict[str, Any]] = []

    def put_metric_data(self, *, Namespace: str, MetricData: list[dict[str, Any]]) -> None:  # noqa: N803  boto3's names
        self.data += [{**datum, "Namespace": Namespace} for datum in MetricData]

    def get_paginator(self, name: str) -> "CloudWatch":
        assert name == "get_metric_data"
        return self

    def paginate(self, **given: Any) -> Iterator[dict[str, Any]]:
        end = given["EndTime"].timestamp()
        for query in given["MetricDataQueries"]:
            yield {"MetricDataResults": [self._result(query, given["StartTime"].timestamp(), end)]}

    def _result(self, query: dict[str, Any], start: float, end: float) -> dict[str, Any]:
        stat = query["MetricStat"]
        values: dict[float, list[float]] = {}
        for datum in self.data:
            at = datum["Timestamp"] // stat["Period"] * stat["Period"]
            same = all(datum[key] == value for key, value in stat["Metric"].items())
            if same and start <= at < end:
                for value, count in zip(datum["Values"], datum["Counts"], strict=True):
                    values.setdefault(at, []).extend([value] * int(count))
        summed = {"Sum": sum, "p95": max}[stat["Stat"]]
        return {
            "Id": query["Id"],
            "Timestamps": [datetime.fromtimestamp(at, UTC) for at in values],
            "Values": [summed(found) for found in values.values()],
        }


def names(query: str) -> set[str]:
    """The fields that a query reads."""
    words = re.sub(r'"[^"]*"|\bas \w+|\b\d+m?\b', " ", query)
    aliases = set(re.findall(r"\bas (\w+)", query))
    return set(re.findall(r"@?[a-z_]\w*", words)) - LANGUAGE - aliases


@pytest.mark.parametrize("query", QUERIES, ids=range(len(QUERIES)))
def test_a_saved_query_reads_fields_that_its_lines_have(
    query: str, lines: dict[str, dict[str, Any]]
) -> None:
    events = set(re.findall(r'"([a-z]+\.[a-z]+)"', query))
    assert events
    wanted = {name for name in names(query) if not name.startswith("@")}
    known = [lines[event].keys() for event in events]
    if " or " in query:  # each event has its own condition
        known = [set().union(*known)]
    assert [wanted - fields for fields in known] == [set()] * len(known)


def test_the_mismatch_report_is_made_of_the_comparators_lines(
    lines: dict[str, dict[str, Any]],
) -> None:
    text = json.dumps(lines["shadow.compared"], separators=(",", ":"))
    assert NOTED in text

    class Logs:
        class exceptions:  # noqa: N801  boto3's name
            ResourceNotFoundException = KeyError

        def get_paginator(self, _: str) -> "Logs":
            return self

        def paginate(self, **_: Any) -> list[dict[str, Any]]:
            return [{"events": [{"message": text}]}]

    found = list(ShadowLog(Logs(), "group").noted(0, 1, "beta-1"))
    assert found == [lines["shadow.compared"]]
    plain = report(found, Totals(1, 1, 0)).to_json()
    assert [reason["path"] for reason in plain["reasons"]] == ["id"]


def test_what_is_judged_are_the_counts_of_the_handlers_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = time.time()
    good, late = Observation({"id": "1"}, "", 2.0), Observation({"id": "1"}, "", 900.0)
    for candidate in (good, good, late, Observation(error="TimedOut"), Observation(error="E")):
        answered(candidate, lambda _: {"id": "1"}, tenant="t-1")
    monkeypatch.setattr(Source, "exposure_bps", 0)
    for answer in (good, good, Observation({"id": "1"}, "", 30.0), Observation(error="OSError")):
        # How long the control takes must not depend on this machine.
        monkeypatch.setattr(read, "observed", lambda _, __, answer=answer: answer)
        answered(good, broken, tenant="t-2")
    for candidate in (good, Observation({"id": "2"}, "", 1.0), Observation(error="TimedOut")):
        compared(candidate)

    cloudwatch = CloudWatch()
    emf.publish(cloudwatch, emf.totals(capsys.readouterr().out.splitlines()))
    metrics = CloudWatchMetrics(cloudwatch, LOG.namespace, LOG.service)
    window = begun // 60 * 60, begun + 120
    rows, period = metrics.rows(*window, 60, ["t-1", "t-2"])
    assert period == 60
    assert total(row.control for row in rows) == (4, 1, 1)
    assert total(row.candidate for row in rows) == (5, 2, 1)
    assert total(row.shadow for row in rows) == (2, 1, 1)
    tenants = [
        [sum(counts) for counts in zip(*tenant, strict=True)]
        for tenant in zip(*(row.tenants for row in rows), strict=True)
    ]
    assert tenants == [[0, 0, 5, 2], [4, 1, 0, 0]]
    assert metrics.control_p95_ms(*window, 60) == 30


def total(counts: Iterable[Any]) -> tuple[int, ...]:
    """The counts of an arm over all rows: a minute may have ended in between."""
    return tuple(map(sum, zip(*map(astuple, filter(None, counts)), strict=True)))


def test_the_documented_fields_are_those_of_the_line(lines: dict[str, dict[str, Any]]) -> None:
    table = DOCS.split("| field | meaning |")[1].split("\n\n")[0]
    documented = {
        name
        for row in table.splitlines()
        if row.startswith("| `")
        for name in re.findall(r"`(\w+)`", row.split("|")[1])
    }
    metrics = {"_aws", "event", "service", "arm", "Requests", "Errors", "Slow", "Latency"}
    assert documented | metrics == lines["read.served"].keys()


def test_every_event_of_these_lines_is_documented(
    lines: dict[str, dict[str, Any]],
) -> None:
    for event in lines:
        assert f"`{event}`" in DOCS
