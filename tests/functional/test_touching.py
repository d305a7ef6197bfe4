"""The users a rollout touched: by Logs Insights on AWS, by reading the lines on a local stack."""

import json
from typing import Any, Final

import pytest

from ops import touching
from ops.deployed import Stack
from ops.reports.links import PATTERNS
from ops.touching import PATIENCE_SECONDS, QUERY, QueryError, asked, filtered, touched
from rollout.adapters import users_control
from tests.fakes import FakeCandidate, exposed
from tests.functional.test_adapters import Api
from tests.functional.test_read import Reader
from tests.insights import answer
from tests.recorded import LAUNCHED, record

STACK: Final = Stack("stack", {"ReadFunctionName": "read"})
SPAN: Final = (100, 200)
ROLLOUT: Final = exposed(10_000).rollout_id


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Lines of the read handler: two users who fell back, one of them twice, and one who was slow;
    one to whom nothing happened, and one whom the control served slowly.
    """
    users = {f"user-{number}": users_control.user(f"user-{number}") for number in range(1, 6)}
    good, slow = FakeCandidate(users), FakeCandidate(users, duration_ms=1e6)
    bad = FakeCandidate(users, "TimeoutError")
    on = exposed(10_000)
    for user, candidate in ((1, bad), (1, bad), (2, bad), (3, slow), (4, good)):
        Reader(on, candidate)({"userId": f"user-{user}"})
    Reader(exposed(0), good)({"userId": "user-5"})
    lines = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    lines[-1]["Slow"] = 1
    strange = {**lines[0], "rollout_id": f"{ROLLOUT}-before", "user_hash": "somebody else"}
    return [json.dumps(line, separators=(",", ":")) for line in (*lines, strange)]


def insights(*statuses: str, users: str = "3", requests: str = "4") -> Api:
    """Logs Insights, whose query has each status in turn when it is asked."""
    api = Api("logs")
    given = {"startTime": 100, "endTime": 200, "queryString": QUERY.format(rollout="beta-1")}
    api.answers("start_query", {"queryId": "q"}, logGroupName="group", **given)
    row = [{"field": "users", "value": users}, {"field": "requests", "value": requests}]
    for status in statuses:
        api.answers("get_query_results", {"status": status, "results": [row]}, queryId="q")
    return api


def test_a_query_is_waited_for() -> None:
    waits: list[float] = []
    api = insights("Scheduled", "Running", "Complete")
    found = asked(api.client, "group", "beta-1", SPAN, waits.append)
    assert (found, len(waits)) == ({"users": 3, "requests": 4}, 2)


def test_a_query_that_finds_no_line_finds_nobody() -> None:
    api = Api("logs")
    api.answers("start_query", {"queryId": "q"})
    api.answers("get_query_results", {"status": "Complete", "results": []})
    assert asked(api.client, "group", "beta-1", SPAN) == {"users": 0, "requests": 0}


@pytest.mark.parametrize("status", ["Failed", "Cancelled", "Timeout"])
def test_a_query_that_ends_otherwise_is_no_number(status: str) -> None:
    with pytest.raises(QueryError, match=f"ended the query as {status}"):
        asked(insights(status).client, "group", "beta-1", SPAN)


def test_a_query_without_an_end_is_stopped() -> None:
    waits: list[float] = []
    api = insights(*["Running"] * int(1 + PATIENCE_SECONDS / touching.PAUSE_SECONDS))
    api.answers("stop_query", {"success": True}, queryId="q")
    with pytest.raises(QueryError, match="no answer within 60 s"):
        asked(api.client, "group", "beta-1", SPAN, waits.append)
    api.stub.assert_no_pending_responses()


def test_the_query_and_the_reading_of_lines_count_the_same(printed: list[str]) -> None:
    (row,) = answer(QUERY.format(rollout=ROLLOUT), [json.loads(line) for line in printed])
    api = Api("logs")
    api.answers("filter_log_events", {"events": [{"message": line} for line in printed]})
    assert filtered(api.client, "group", ROLLOUT, SPAN) == row == {"users": 3, "requests": 4}


def test_every_line_of_the_cohort_has_the_words_that_are_filtered_by(printed: list[str]) -> None:
    """As the emulator takes them: parted by spaces, without the quotes around each."""
    words = [word.strip('"') for word in touching.WORDS.format(rollout=ROLLOUT).split()]
    assert [all(word in line for word in words) for line in printed] == [True] * 5 + [False, True]


def test_the_command_of_a_report_shows_the_lines_of_reads_that_failed(printed: list[str]) -> None:
    words = [word.strip('"') for word in PATTERNS[0].format(rollout=ROLLOUT).split()]
    shown = [all(word in line for word in words) for line in printed]
    assert shown == [True, True, True, False, False, False, True]


def against(patch: pytest.MonkeyPatch, api: Api, endpoint: str = "") -> dict[str, Any]:
    """What is counted of the recorded rollout."""
    patch.setenv("AWS_ENDPOINT_URL", endpoint)
    patch.setattr(touching, "client", lambda service: api.client)
    return touched(STACK, record())


def test_lines_are_asked_for_from_the_launch_to_a_poll_after_the_end(
    patch: pytest.MonkeyPatch,
) -> None:
    api, end = Api("logs"), record()["read_at"] + 60
    span = {"startTime": int(LAUNCHED), "endTime": int(end)}
    query = QUERY.format(rollout="beta-1")
    api.answers(
        "start_query", {"queryId": "q"}, logGroupName="/aws/lambda/read", queryString=query, **span
    )
    api.answers("get_query_results", {"status": "Complete", "results": []})
    assert against(patch, api) == {"users": 0, "requests": 0}


def test_a_local_stack_is_read_by_its_filter(patch: pytest.MonkeyPatch, printed: list[str]) -> None:
    api = Api("logs")
    api.answers("filter_log_events", {"events": [{"message": line} for line in printed]})
    assert against(patch, api, "http://127.0.0.1:1") == {"users": 3, "requests": 4}


def test_what_is_refused_is_said_and_fails_nothing(patch: pytest.MonkeyPatch) -> None:
    api = Api("logs")
    api.refuses("start_query", "AccessDeniedException", 400)
    said = against(patch, api)["unavailable"]
    assert said.startswith("AWS refused StartQuery: AccessDeniedException")
    assert "you lack the right to StartQuery" in said


def test_a_query_that_ends_badly_is_said_and_fails_nothing(patch: pytest.MonkeyPatch) -> None:
    api = Api("logs")
    api.answers("start_query", {"queryId": "q"})
    api.answers("get_query_results", {"status": "Timeout", "results": []})
    assert against(patch, api) == {"unavailable": "Logs Insights ended the query as Timeout"}
