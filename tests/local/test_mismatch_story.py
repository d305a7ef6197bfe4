"""A candidate that is wrong in 3 % of one field, beside a field in which the control is noisy;
told with planted values, none of which may be left in anything that the story leaves behind."""

import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pg8000.native
import pytest
from click.testing import CliRunner

from ops.cli import main
from ops.local.deploy import physical
from ops.local.service import USERS
from ops.local.stack import LocalStack
from rollout.adapters import tracing
from rollout.adapters.database_login import parse_url
from rollout.adapters.users_candidate import UsersCandidate
from rollout.handlers.candidate import candidate
from tests.functional.test_dashboard import WIDGETS, rows
from tests.functional.test_queries import QUERIES, text
from tests.insights import answer
from tests.local import artefacts, planting
from tests.local.canaries import leaks, text_of
from tests.local.planting import Told
from tests.local.running import until

pytestmark = pytest.mark.local
COMMANDS = (
    *("status", "mismatches", "replay --rollout {rollout}", "mismatches --since 2h"),
    *("history", "watch {rollout} --once"),
    *("report {rollout} --out - --format html", "report {rollout} --out - --format md"),
    "report {rollout} --out - --format json",
)
ARMS = ("control", "candidate")
STATUSES = [200, 200, 400, 400, 400, 400, 400]


@pytest.fixture(scope="module")
def told() -> Iterator[Told]:
    with planting.planted(), LocalStack() as stack:
        folder = stack.emulator.log.parent
        yield planting.tell(stack)
    assert not folder.exists()


@pytest.fixture(scope="module")
def everything(told: Told) -> list[tuple[str, str]]:
    """Every artefact there is, once the failures that can be made have been made too."""
    stack, shown = told.stack, list(said(told))
    assert planting.strange_requests(stack) == STATUSES
    planting.expose_everybody(stack, lambda: stack.read(planting.VICTIM))
    planting.failing_comparisons(stack)
    until(lambda: log_lines(stack, "shadow.dropped") >= 2, "the comparator has told")
    until(lambda: log_lines(stack, "22P02", "read") > 1, "the reads that failed have been logged")
    return [
        *artefacts.artefacts(stack),
        *artefacts.messages(stack),
        *shown,
        *traces(stack),
        ("report", text_of(told.report)),
        ("report table", told.table),
        *((f"progress {number}", text) for number, text in enumerate(told.progress)),
        ("file emulator.log", stack.emulator.log.read_text(errors="replace")),
    ]


def log_lines(stack: LocalStack, word: str, group: str = "") -> int:
    """How often a word is in the log groups whose names end so."""
    found = artefacts.artefacts(stack)
    logs = [text for name, text in found if name.startswith("log ") and name.endswith(group)]
    return sum(text.count(word) for text in logs)


def said(told: Told) -> Iterator[tuple[str, str]]:
    """What each command that shows something says of the story, to people and to programs."""
    listed = told.stack.emulator.client("stepfunctions").list_executions(
        stateMachineArn=told.stack.outputs["StateMachineArn"]
    )["executions"]
    for command in COMMANDS:
        words = command.format(rollout=listed[0]["name"]).split()
        for more in ([], ["--json"]):
            done = CliRunner().invoke(main, [*words, *more])
            yield f"command {command} {' '.join(more)}", f"{done.output}{done.exception or ''}"


def traces(stack: LocalStack) -> Iterator[tuple[str, str]]:
    """The packets of a candidate's reads that are traced: one answered, one failed."""
    core = pytest.importorskip("aws_xray_sdk.core.recorder")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.bind(("127.0.0.1", 0))
        recorder = core.AWSXRayRecorder()
        address = f"127.0.0.1:{daemon.getsockname()[1]}"
        recorder.configure(sampling=False, service="read", daemon_address=address)
        login = parse_url(stack.database.url)
        users = UsersCandidate(lambda _: pg8000.native.Connection(**login))
        traced = tracing.traced(users, recorder, read="query")
        for user in (f"{planting.USER}1", planting.VICTIM):
            with recorder.in_segment("function"):
                answer = candidate({"userId": user}, traced)
            assert bool(answer["error"]) == (user == planting.VICTIM)
        packets = list(planting.datagrams(daemon))
    assert len(packets) == 2
    assert "DatabaseError" in packets[1]
    yield from ((f"trace {number}", text) for number, text in enumerate(packets))


def test_the_candidate_is_rolled_back_and_the_field_named(told: Told) -> None:
    assert told.report["outcome"] == "ROLLED_BACK"
    assert told.report["as_it_should"], told.report
    assert told.report["reason"].startswith("not approved by rehearsal: balance differs (value)")


def test_no_user_was_exposed_and_none_noticed(told: Told) -> None:
    assert (told.report["user_errors"], told.report["final_exposure_bps"]) == (0, 0)


def test_the_noisy_field_does_not_count(told: Told) -> None:
    reasons = {reason["path"]: reason for reason in told.report["mismatches"]}
    balance, tags = reasons["balance"], reasons["tags"]
    assert balance["count"] >= 5
    assert 0.01 < balance["share"] < 0.1
    # Some are counted before each comparator knows the field; most are excused.
    assert tags["excused"] > 10 * tags["count"]


def test_examples_show_shapes_only(told: Told) -> None:
    examples = [example for reason in told.report["mismatches"] for example in reason["examples"]]
    assert examples
    for example in examples:
        assert example["control"].startswith(("text(", "list("))


def test_the_report_stands_under_the_table(told: Told) -> None:
    assert "\n  balance differs (value): " in told.table
    assert "noise of the control" in told.table


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("log /aws/lambda/huntaze-mock-read", "SQLSTATE 22P02"),
        ("log /aws/lambda/huntaze-prisma-read", "candidate.failed"),
        ("log ", "shadow.dropped"),
        ("metrics", "candidate"),
        ("trace", "DatabaseError"),
        ("flag ", "sha256:"),
        ("deployment ", "rehearsal"),
        ("execution ", "sha256:"),
        ("history ", "INVESTIGATE"),
        ("schedule ", "beta-1"),
        (f"queue {USERS.stack}-people", "evidence"),
        ("command status", "ROLLED_BACK"),
        ("command mismatches", "balance"),
        ("command replay", "rehearsal"),
        ("report", "balance"),
        ("progress", "Ask a Person"),
    ],
)
def test_every_kind_of_artefact_was_looked_at_and_is_of_the_story(
    everything: list[tuple[str, str]], kind: str, word: str
) -> None:
    assert any(name.startswith(kind) and word in text for name, text in everything)


def test_nothing_that_a_story_leaves_names_a_user_or_tells_a_secret(
    told: Told, everything: list[tuple[str, str]]
) -> None:
    assert leaks(told.canaries, everything) == []


def test_a_task_token_is_only_where_step_functions_itself_records_it(
    told: Told, everything: list[tuple[str, str]]
) -> None:
    assert told.tokens
    tokens = {f"token {number}": token for number, token in enumerate(told.tokens)}
    found = leaks(tokens, everything)
    assert [place for _, place in found if not place.endswith(" with a token")] == []
    assert leaks(tokens, [("a log", f'{{"token": "{told.tokens[0]}"}}')])


def test_each_canary_was_in_what_users_were_told(told: Told) -> None:
    """Or the search would have had nothing to find."""
    answer: Any = planting.invoked(
        told.stack, told.stack.outputs["ReadAliasArn"], {"userId": f"{planting.USER}1"}
    )
    places = leaks(told.canaries, [("answer", answer["body"])])
    assert {name for name, _ in places} == {"user id", "name"}


# What people look at


@pytest.fixture(scope="module")
def lines(told: Told, everything: list[tuple[str, str]]) -> dict[str, list[dict[str, Any]]]:
    """Log group of the template -> its JSON lines, once every read that was counted is there."""
    assert everything
    stack = told.stack
    names = physical(stack.emulator, stack.name)
    groups = {name: names[name] for name in ("ReadLogs", "CompareLogs")}

    def complete() -> dict[str, list[dict[str, Any]]] | None:
        found = {name: json_lines(stack, group) for name, group in groups.items()}
        reads = sum(line.get("event") == "read.served" for line in found["ReadLogs"])
        counts = counted(stack)
        return found if reads == sum(counts[arm, "Requests"] for arm in ARMS) else None

    found: dict[str, list[dict[str, Any]]] = until(complete, "lines and metrics agree")
    return found


def json_lines(stack: LocalStack, group: str) -> list[dict[str, Any]]:
    pages = stack.emulator.client("logs").get_paginator("filter_log_events")
    return [
        {**json.loads(event["message"]), "@timestamp": event["timestamp"] / 1000}
        for page in pages.paginate(logGroupName=group)
        for event in page["events"]
        if event["message"].startswith("{")
    ]


@pytest.mark.parametrize("name", QUERIES)
def test_each_saved_question_is_answered_by_the_lines(
    lines: dict[str, list[dict[str, Any]]], name: str
) -> None:
    (group,) = QUERIES[name]["LogGroupNames"]
    rows = answer(QUERIES[name]["QueryString"], lines[group["Ref"]])
    assert rows
    assert all(any(row[column] is not None for row in rows) for column in rows[0])


def test_the_questions_count_what_the_metrics_count(
    told: Told, lines: dict[str, list[dict[str, Any]]]
) -> None:
    compared = answer(text(1), lines["CompareLogs"])
    errors = answer(text(2), lines["ReadLogs"])
    traffic = answer(text(6), lines["ReadLogs"])
    counts = counted(told.stack)
    assert sum(row["compared"] for row in compared) == counts["shadow", "Compared"]
    assert sum(row["mismatches"] for row in compared) == counts["shadow", "Mismatched"]
    for arm in ARMS:
        mine = [row for row in errors if row["path"] == arm]
        assert sum(row["requests"] for row in mine) == counts[arm, "Requests"]
        assert sum(row["errors"] for row in mine) == counts[arm, "Errors"]
    assert sum(row["candidate"] for row in traffic) == counts["candidate", "Requests"]


def counted(stack: LocalStack) -> dict[tuple[str, str], int]:
    """(arm, metric) -> the sum of everything that was counted."""
    known, now = stack.outputs, time.time()
    wanted = [("shadow", "Compared"), ("shadow", "Mismatched")]
    wanted += [(arm, name) for arm in ARMS for name in ("Requests", "Errors")]
    found = {}
    for arm, metric in wanted:
        points = stack.emulator.client("cloudwatch").get_metric_statistics(
            Namespace=known["MetricNamespace"],
            MetricName=metric,
            Dimensions=[
                {"Name": "service", "Value": known["ServiceName"]},
                {"Name": "arm", "Value": arm},
            ],
            StartTime=now - 3600,
            EndTime=now + 60,
            Period=3600,
            Statistics=["Sum"],
        )["Datapoints"]
        found[arm, metric] = round(sum(point["Sum"] for point in points))
    return found


def test_each_row_of_the_dashboard_names_what_was_counted(told: Told) -> None:
    known = {
        (metric["MetricName"], frozenset(item["Value"] for item in metric["Dimensions"]))
        for page in artefacts.pages_of(told.stack.emulator.client("cloudwatch"), "list_metrics")
        for metric in page["Metrics"]
        if metric["Namespace"] == told.stack.outputs["MetricNamespace"]
    }
    service = told.stack.outputs["ServiceName"]
    ours = [row for widget in WIDGETS for row in rows(widget) if row[0] == "${MetricNamespace}"]
    assert ours
    assert [row for row in ours if (row[1], frozenset({service, row[5]})) not in known] == []
