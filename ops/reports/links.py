"""Where to look further: consoles with the query filled in; commands on a local stack. Pure."""

import shlex
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from ops.watching.words import moment

Record = Mapping[str, Any]
# (title, output that names the function, query): of this rollout's reads, and of its shadow.
QUERIES: Final = (
    (
        "reads of the cohort that failed",
        "ReadFunctionName",
        "fields @timestamp, user_hash, error_type, latency_ms, phase "
        '| filter event = "read.served" and is_candidate = 1 and failed = 1 '
        'and rollout_id = "{rollout}" | sort @timestamp desc',
    ),
    (
        "answers that differ",
        "CompareFunctionName",
        'fields @timestamp, user_hash, phase | filter event = "shadow.compared" and mismatch = 1 '
        'and rollout_id = "{rollout}" | sort @timestamp desc',
    ),
)
# The same lines on a local stack, whose filter knows no fields: words that a line must have.
PATTERNS: Final = (
    '"read.served" "is_candidate":1 "failed":1 {rollout}',
    '"shadow.compared" "mismatch":1 {rollout}',
)


def links(record: Record, outputs: Mapping[str, str], endpoint: str = "") -> list[dict[str, str]]:
    """[{"title", "url"}] on AWS, [{"title", "command"}] where `endpoint` is a local stack's.

    outputs: of the stack.
    """
    if endpoint:
        return [*_executions_here(record, endpoint), *_logs_here(record, outputs, endpoint)]
    region, span = _region(outputs["StateMachineArn"]), _span(record)
    consoles = [(f"execution {one['name']}", execution(one["arn"])) for one in record["executions"]]
    for title, output, query in _queries(record):
        consoles.append((title, insights(region, _group(outputs, output), query, *span)))
    consoles.append(("traces of the cohort's reads", traces(region, *span)))
    if "DashboardName" in outputs:  # of stacks that were deployed since there is that output
        consoles.append(("dashboard", dashboard(region, outputs["DashboardName"], *span)))
    return [{"title": title, "url": url} for title, url in consoles]


def execution(arn: str) -> str:
    """An execution in the console of Step Functions.

    Source: Apache Airflow's Amazon provider, StateMachineExecutionsDetailsLink.
    """
    return f"{_console(_region(arn), 'states')}#/v2/executions/details/{arn}"


def insights(region: str, group: str, query: str, start: float, end: float) -> str:
    """CloudWatch Logs Insights, with group, time and query filled in.

    The keys, and JSURL for them, are those of Grafana's CloudWatch data source (aws_url.ts); the
    present address, logsV2 with % written as $, is the one the console itself shows.
    """
    detail = {
        **_range(start, end),
        "timeType": "ABSOLUTE",
        "tz": "UTC",
        "editorString": query,
        "source": [group],
    }
    fragment = quote(f"?queryDetail={_jsurl(detail)}", safe="~()'*-_.!").replace("%", "$")
    return f"{_console(region, 'cloudwatch')}#logsV2:logs-insights{fragment}"


def traces(region: str, start: float, end: float) -> str:
    """X-Ray traces of reads by the candidate, in that time.

    What failed in them is told by a subsegment, which X-Ray's own word `fault` does not look at.
    Source: X-Ray developer guide, "Use filter expressions", for the annotation; the address as the
    console shows it, with the time beside the query, not in it.
    """
    asked = {
        "query": {"expression": "annotation.canary = true"},
        "context": {"timeRange": _range(start, end)},
    }
    return f"{_console(region, 'cloudwatch')}#xray:traces/query?{_jsurl(asked)}"


def dashboard(region: str, name: str, start: float, end: float) -> str:
    """A dashboard of CloudWatch in that time, as the console shows its address."""
    span = _range(start, end)
    return (
        f"{_console(region, 'cloudwatch')}#dashboards/dashboard/{quote(name, safe='')}"
        f"?start={span['start']}&end={span['end']}"
    )


def _range(start: float, end: float) -> dict[str, str]:
    """A time as the console writes it: UTC, to the millisecond."""
    return {"end": f"{moment(end)[:-1]}.000Z", "start": f"{moment(start)[:-1]}.000Z"}


def _console(region: str, service: str) -> str:
    return f"https://{region}.console.aws.amazon.com/{service}/home?region={region}"


def _jsurl(value: Any) -> str:
    """The notation of the console for values in an address.

    Source: JSURL (github.com/Sage/jsurl), first version.
    """
    if isinstance(value, Mapping):
        return "~(" + "".join(f"{key}{_jsurl(item)}~" for key, item in value.items())[:-1] + ")"
    if isinstance(value, list):
        return "~(" + "".join(map(_jsurl, value)) + ")"
    text = "".join(
        letter if letter.isascii() and (letter.isalnum() or letter in "-_.") else _escaped(letter)
        for letter in value
    )
    return f"~'{text}"


def _escaped(letter: str) -> str:
    code = ord(letter)
    if letter == "$":
        return "!"
    return f"*{code:02x}" if code < 0x100 else f"**{code:04x}"


def _region(arn: str) -> str:
    return arn.split(":")[3] if arn.count(":") > 3 else ""


def _span(record: Record) -> tuple[float, float]:
    return record["launched_at"], record["ended_at"] or record["read_at"]


def _group(outputs: Mapping[str, str], output: str) -> str:
    return f"/aws/lambda/{outputs[output]}"


def _queries(record: Record) -> list[tuple[str, str, str]]:
    return [(title, out, query.format(rollout=record["rollout"])) for title, out, query in QUERIES]


def _executions_here(record: Record, endpoint: str) -> list[dict[str, str]]:
    return [
        {
            "title": f"execution {item['name']}",
            "command": f"aws --endpoint-url {endpoint} stepfunctions get-execution-history "
            f"--execution-arn {item['arn']}",
        }
        for item in record["executions"]
    ]


def _logs_here(record: Record, outputs: Mapping[str, str], endpoint: str) -> list[dict[str, str]]:
    start, end = (round(1000 * at) for at in _span(record))
    return [
        {
            "title": title,
            "command": f"aws --endpoint-url {endpoint} logs filter-log-events --log-group-name "
            f"{_group(outputs, output)} --start-time {start} --end-time {end} --filter-pattern "
            f"{shlex.quote(pattern.format(rollout=record['rollout']))}",
        }
        for (title, output, _), pattern in zip(QUERIES, PATTERNS, strict=True)
    ]
