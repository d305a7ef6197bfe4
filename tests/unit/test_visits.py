"""An execution's history as visits of states."""

from datetime import UTC, datetime
from typing import Any

from ops.records.visits import visits


def event(second: int, **details: Any) -> dict[str, Any]:
    return {"timestamp": datetime.fromtimestamp(second, UTC), **details}


def entered(second: int, name: str, text: str = "{}") -> dict[str, Any]:
    return event(second, stateEnteredEventDetails={"name": name, "input": text})


def left(second: int, name: str, text: str = "{}") -> dict[str, Any]:
    return event(second, stateExitedEventDetails={"name": name, "output": text})


def test_a_visit_has_its_times_and_what_went_in_and_came_out() -> None:
    (one,) = visits([entered(10, "Bake", '{"a": 1}'), left(14, "Bake", '{"b": 2}')])
    assert one.to_json() == {
        "state": "Bake",
        "entered_at": 10.0,
        "left_at": 14.0,
        "seconds": 4.0,
        "input": {"a": 1},
        "output": {"b": 2},
        "failures": [],
    }


def test_a_state_that_has_not_been_left_has_no_output_yet() -> None:
    *_, last = visits([entered(1, "Preflight"), left(2, "Preflight"), entered(3, "Bake")])
    assert (last.state, last.left_at, last.output) == ("Bake", None, None)
    assert last.to_json()["seconds"] is None


def test_a_state_that_is_visited_again_is_another_visit() -> None:
    seen = [
        entered(1, "Bake"),
        left(2, "Bake"),
        entered(3, "Go"),
        left(3, "Go"),
        entered(4, "Bake"),
    ]
    assert [one.state for one in visits(seen)] == ["Bake", "Go", "Bake"]


def test_each_failed_attempt_stays_with_its_state() -> None:
    failed = {"error": "Lambda.TooManyRequestsException", "cause": "slow down"}
    events = [
        entered(1, "Preflight"),
        event(2, lambdaFunctionFailedEventDetails=failed),
        event(3, taskFailedEventDetails={"error": "States.TaskFailed"}),
        left(4, "Preflight"),
        entered(5, "Bake"),
        event(6, executionAbortedEventDetails={"error": "RolledBack", "cause": "a person"}),
    ]
    preflight, bake = visits(events)
    assert preflight.failures == [failed, {"error": "States.TaskFailed", "cause": ""}]
    assert bake.failures == [{"error": "RolledBack", "cause": "a person"}]


def test_what_is_no_json_is_shown_as_it_came() -> None:
    (one,) = visits([entered(1, "Bake", '{"cut'), left(2, "Bake", "{}")])
    assert one.input == '{"cut'


def test_events_before_the_first_state_belong_to_none() -> None:
    assert visits([event(1, executionStartedEventDetails={"input": "{}"})]) == []
    assert visits([event(1, executionFailedEventDetails={"error": "States.Runtime"})]) == []
