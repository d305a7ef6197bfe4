"""The saved queries: the documented grammar, fields that the lines carry, and the right numbers."""

import json
from typing import Any

import pytest

from ops.templates import read_template
from rollout.adapters import read_lines, users_control
from rollout.domain.observation import Observation
from tests import fakes
from tests.fakes import FakeCandidate, exposed
from tests.functional.test_comparing import USER, Comparator
from tests.functional.test_read import Reader
from tests.functional.test_template import ROOT
from tests.insights import QueryError, answer, fields_of, query

RESOURCES = read_template(ROOT / "template.yaml")["Resources"]
QUERIES = {
    resource["Properties"]["Name"]["Fn::Sub"].split("/")[1]: resource["Properties"]
    for resource in RESOURCES.values()
    if resource["Type"] == "AWS::Logs::QueryDefinition"
}
# Four reads a minute, in two minutes, and one that nobody answered.
SECONDS = (0, 10, 20, 30, 60, 70, 80, 90, 95)


def text(number: int) -> str:
    return next(
        str(found["QueryString"]) for name, found in QUERIES.items() if name[0] == str(number)
    )


def failing(_: str) -> Any:
    raise ConnectionError("no")


@pytest.fixture
def reads(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Lines that the read handler itself has printed."""
    known = {"user-1": users_control.user("user-1")}
    on, broken = exposed(10_000), FakeCandidate(known, "TimeoutError")
    for reader in (Reader(), Reader(on), Reader(on), Reader(on, broken)) * 2:
        reader({"userId": "user-1"})
    Reader(control=failing)({"userId": "user-1"})
    lines = printed(capsys)
    assert [line["event"] for line in lines].count("read.served") == 9
    read_lines.flag_observed(fakes.request_log(), "v1", on)
    return [{**line, "@timestamp": at} for line, at in zip(lines, (*SECONDS, 96), strict=True)] + [
        {**line, "@timestamp": 5} for line in printed(capsys)
    ]


@pytest.fixture
def compared(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Lines that the comparator itself has printed: equal, different, failed."""
    for comparator in (
        Comparator(USER),
        Comparator({**USER, "name": "Eve"}),
        Comparator(error="X"),
    ):
        comparator(Observation(USER, duration_ms=2.0))
    return [{**line, "@timestamp": 60 + number} for number, line in enumerate(printed(capsys))]


def printed(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_there_are_eight_questions_each_on_the_groups_that_can_answer_it() -> None:
    assert sorted(name[0] for name in QUERIES) == [str(number) for number in range(1, 9)]
    for name, found in QUERIES.items():
        about = "CompareLogs" if "Shadow" in name else "ReadLogs"
        assert found["LogGroupNames"] == [{"Ref": about}]


def test_their_names_are_of_the_stack_so_that_two_stacks_do_not_collide() -> None:
    names = [
        r["Properties"]["Name"]["Fn::Sub"] for r in RESOURCES.values() if "QueryDef" in r["Type"]
    ]
    assert all(name.startswith("${AWS::StackName}/") for name in names)


@pytest.mark.parametrize("name", QUERIES)
def test_each_asks_only_for_what_the_lines_carry(
    name: str, reads: list[dict[str, Any]], compared: list[dict[str, Any]]
) -> None:
    lines = {"ReadLogs": reads, "CompareLogs": compared}[QUERIES[name]["LogGroupNames"][0]["Ref"]]
    rows = answer(QUERIES[name]["QueryString"], lines)
    assert rows
    # A column that no row ever fills asks for something that does not exist.
    assert all(any(row[column] is not None for row in rows) for column in rows[0])


def test_shadow_differences_are_counted_by_the_minute(compared: list[dict[str, Any]]) -> None:
    assert answer(text(1), compared) == [
        {"t": 60, "compared": 2, "mismatches": 1, "mismatch_pct": 50.0}
    ]


def test_errors_are_counted_per_arm_and_minute_newest_first(reads: list[dict[str, Any]]) -> None:
    rows = answer(text(2), reads)
    assert [row["t"] for row in rows] == sorted((row["t"] for row in rows), reverse=True)
    per_arm = {(row["path"], row["t"]): (row["requests"], row["errors"]) for row in rows}
    assert per_arm[("candidate", 0)] == per_arm[("candidate", 60)] == (3, 1)
    assert per_arm[("control", 0)] == (1, 0)
    assert per_arm[("control", 60)] == (2, 1)


def test_latency_is_told_in_percentiles_per_arm(reads: list[dict[str, Any]]) -> None:
    rows = {row["path"]: row for row in answer(text(3), reads)}
    assert rows["candidate"]["requests"] == 6
    assert rows["candidate"]["p50_ms"] <= rows["candidate"]["p95_ms"] <= rows["candidate"]["p99_ms"]


def test_a_canary_success_is_a_read_that_needed_no_fallback(reads: list[dict[str, Any]]) -> None:
    (row,) = answer(text(4), reads)
    assert (row["total"], row["successes"], row["fallbacks"]) == (6, 4, 2)
    assert row["success_pct"] == pytest.approx(100 * 4 / 6)


def test_failed_shadow_reads_are_attempts_too(compared: list[dict[str, Any]]) -> None:
    (row,) = answer(text(5), compared)
    assert row["attempts"] == 3


def test_traffic_shows_what_was_served_beside_what_was_configured(
    reads: list[dict[str, Any]],
) -> None:
    (row,) = answer(text(6), reads)
    assert (row["requests"], row["candidate"], row["flag_bps"]) == (9, 6, 10_000)
    assert row["exposure_bps"] == 10_000


def test_error_detail_names_reads_that_failed_and_users_only_by_hash(
    reads: list[dict[str, Any]],
) -> None:
    rows = answer(text(7), reads)
    assert {row["event"] for row in rows} == {"read.served", "read.error"}
    assert all(row["user_hash"] != "user-1" for row in rows)
    assert rows[0]["@timestamp"] >= rows[-1]["@timestamp"]


def test_a_flag_change_is_told_once_for_each_version(reads: list[dict[str, Any]]) -> None:
    (row,) = answer(text(8), reads)
    assert (row["config_version"], row["first_seen"], row["sandboxes"]) == ("v1", 5, 1)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("filter ok = 1 | eval x = 1", "no command"),
        ("filter ok = 1 | extend rate = 1", "no command"),
        ("stats sum(mismatch) as m by bin(1m) | sort @timestamp desc", "with `as`"),
        ("stats sum(ok) as m by bin(1m) as t | sort @timestamp desc", "no field '@timestamp'"),
        ("stats sum(ok) as m by bin(300s) as t", "larger unit"),
        ("stats ok as m by path", "none of count"),
        ("stats sum(abs(ok)) as m", "no function"),
        ("filter duration > 1 | stats count(*) as n", "no field 'duration'"),
        ("filter ok like /x/", "no field 'like'"),
        ("filter ok = #1", "cannot read"),
    ],
)
def test_what_the_language_does_not_have_is_refused(wrong: str, said: str) -> None:
    with pytest.raises(QueryError, match=said):
        query(wrong, ["@timestamp", "ok", "path", "mismatch"])


def test_a_field_is_what_can_be_counted_or_compared() -> None:
    assert fields_of([{"a": 1, "b": {"c": 1}, "d": None}, {"e": "x"}]) == {"a", "e"}
