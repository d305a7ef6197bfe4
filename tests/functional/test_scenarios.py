"""The table of scenarios: complete, true in memory, and what the file of mocks is made of."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ops.faults.machine import MACHINE, Execution, TaskError
from tests.fakes import ROOT
from tests.scenarios import SCENARIOS, mocks
from tests.scenarios.by_state import ByState
from tests.scenarios.differences import DIFFERENCES
from tests.scenarios.failures import UNREADABLE
from tests.scenarios.runs import INPUT, Mocked, expected, in_memory
from tests.scenarios.visits import STATES, TIMED_OUT, Answered, Failed, Visit

TASKS = [name for name, state in STATES.items() if state["Type"] == "Task"]
RULES = [(name, number) for name in TASKS for number in range(len(STATES[name]["Retry"]))]


def steps() -> Iterator[tuple[Visit, str]]:
    """Every visit of every scenario, with the state that follows it, "" at the end."""
    for way in SCENARIOS.values():
        for visit, following in zip(way, [*way[1:], Visit("")], strict=True):
            yield visit, following.state


def gives_up(visit: Visit) -> bool:
    return bool(visit.calls) and isinstance(visit.calls[-1], Failed)


def covers(rule: dict[str, Any], error: str) -> bool:
    named = rule["ErrorEquals"]
    failed = "States.TaskFailed" in named and error != "States.Timeout"
    return error in named or failed or named == ["States.ALL"]


def uses(visit: Visit, number: int) -> int:
    """How many errors of a visit fall to the rule of that number: the first that covers it."""
    rules = STATES[visit.state]["Retry"]
    errors = [call.error for call in visit.calls if isinstance(call, Failed)]
    return sum(
        next((n for n, rule in enumerate(rules) if covers(rule, error)), None) == number
        for error in errors
    )


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_playbook_goes_as_the_table_says(name: str) -> None:
    """By the interpreter of the fault matrix; tests/local has the others."""
    assert in_memory(name) == expected(name)


def test_whoever_is_throttled_waits_twice_as_long_each_time_up_to_the_longest() -> None:
    """In memory the longest time that the jitter allows."""
    world = Mocked(SCENARIOS["PreflightCallsThrottled"])
    waits = list(Execution("one", INPUT, world).run())
    assert waits == [2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, *8 * (300.0,)]


class OneState:
    """TestState as AWS documents it: one state, to the next or to another attempt."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}

    def test_state(self, *, stateName: str, input: str, **asked: Any) -> dict[str, Any]:  # noqa: N803
        self._mock = asked.get("mock")
        self._failures = asked.get("stateConfiguration", {}).get("retrierRetryCount", 0) + 1
        self._execution = Execution("one", json.loads(input), self)
        try:
            list(self._execution.run(stateName))
        except _StopError as stopped:
            document = json.dumps(self._execution.document)
            return {"status": stopped.status, "nextState": stopped.following, "output": document}
        return {"status": self._execution.status}

    def clock(self) -> float:
        return 0.0

    def entered(self, execution: Execution) -> None:
        if len(execution.path) > 1:
            caught = self._mock and "errorOutput" in self._mock
            raise _StopError("CAUGHT_ERROR" if caught else "SUCCEEDED", execution.path[-1])

    def invoke(self, _function: str, _payload: Any, execution: Execution) -> Any:
        assert self._mock, "a task that is not mocked"
        if "errorOutput" in self._mock:
            self._failures -= 1
            if self._failures < 0:
                raise _StopError("RETRIABLE")
            error = self._mock["errorOutput"]
            raise TaskError(error["error"], error["cause"])
        result = json.loads(self._mock["result"])
        self.answers[execution.token] = result
        return result.get("Payload")


class _StopError(Exception):
    def __init__(self, status: str, following: str = "") -> None:
        self.status, self.following = status, following


@pytest.fixture(scope="module")
def by_state() -> ByState:
    return ByState(OneState())


@pytest.mark.parametrize("name", SCENARIOS)
def test_so_does_each_of_its_states_alone(by_state: ByState, name: str) -> None:
    """As AWS is asked, where it may be: this is what TestState is documented to answer."""
    assert by_state.run(name) == expected(name)


def test_every_state_is_entered() -> None:
    assert {visit.state for visit, _ in steps()} == STATES.keys()


@pytest.mark.parametrize("name", STATES)
def test_every_way_out_of_a_state_is_gone(name: str) -> None:
    """Next, each choice and its Default; what a Catch leads to is another test's."""
    state = STATES[name]
    ways = {state[key] for key in ("Next", "Default") if key in state}
    ways |= {rule["Next"] for rule in state.get("Choices", ())}
    gone = {to for visit, to in steps() if visit.state == name and not gives_up(visit)}
    assert gone - {""} == ways


@pytest.mark.parametrize("name", TASKS)
def test_every_catch_is_taken(name: str) -> None:
    taken = {to for visit, to in steps() if visit.state == name and gives_up(visit)}
    assert taken == {rule["Next"] for rule in STATES[name]["Catch"]}


@pytest.mark.parametrize(("name", "number"), RULES)
def test_every_retry_is_used_up_and_enough(name: str, number: int) -> None:
    """One error more than the rule bears goes to the Catch, one less to an answer."""
    attempts = STATES[name]["Retry"][number]["MaxAttempts"]
    visits = [visit for visit, _ in steps() if visit.state == name]
    failed = {uses(visit, number) for visit in visits if gives_up(visit)}
    answered = {uses(visit, number) for visit in visits if not gives_up(visit)}
    assert max(failed) == attempts + 1
    assert max(answered) == attempts


@pytest.mark.parametrize("name", TASKS)
def test_every_task_is_too_late_once(name: str) -> None:
    late = [v for v, _ in steps() if v.state == name and v.calls[-1:] == (TIMED_OUT,)]
    assert late


def changes() -> Iterator[tuple[str, dict[str, Any], str, Any]]:
    """(state, rule, key, another value) for every rule by which the machine finds its way."""
    for name, state in MACHINE["States"].items():
        choices, catches, retries = (state.get(key, []) for key in ("Choices", "Catch", "Retry"))
        for rule in (state, *choices, *catches):
            for key in {"Next", "Default"} & rule.keys():
                yield name, rule, key, "Launched" if rule[key] == "Refused" else "Refused"
        for rule in choices:
            yield name, rule, "StringEquals", "GREEN"
        for rule in (*catches, *retries):
            yield name, rule, "ErrorEquals", ["AnotherError"]
        for rule in retries:
            yield name, rule, "MaxAttempts", rule["MaxAttempts"] + 1
            yield name, rule, "MaxAttempts", rule["MaxAttempts"] - 1


def test_no_change_of_the_machine_goes_unnoticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each rule changed by itself: some scenario through its state goes another way."""
    through = {
        state: [name for name in SCENARIOS if state in expected(name).path] for state in STATES
    }
    unnoticed = []
    for state, where, key, value in changes():
        with monkeypatch.context() as changed:
            changed.setitem(where, key, value)
            if all(goes_as_expected(name) for name in through[state]):
                unnoticed.append(f"{state}: {key} {value}")
    assert not unnoticed


def goes_as_expected(name: str) -> bool:
    """Also not when the machine asks for a call that the table does not have."""
    try:
        return in_memory(name) == expected(name)
    except (AssertionError, IndexError, KeyError):
        return False


@pytest.mark.parametrize("name", sorted(SCENARIOS.keys() - UNREADABLE.keys()))
def test_an_answer_has_what_its_state_reads(name: str) -> None:
    for visit in SCENARIOS[name]:
        selected = STATES[visit.state].get("ResultSelector", {}).values()
        wanted = {path.removeprefix("$.Payload.") for path in selected}
        for call in visit.calls:
            if isinstance(call, Answered):
                assert wanted <= call.returned.keys(), visit.state


def test_the_file_of_mocks_is_the_table() -> None:
    """`python -m tests.scenarios.mocks` writes it."""
    assert mocks.FILE.read_text(encoding="utf-8") == mocks.text()


def test_a_difference_has_a_scenario() -> None:
    for found in DIFFERENCES.values():
        assert found.keys() <= SCENARIOS.keys()


def test_the_record_names_every_difference() -> None:
    (record,) = (ROOT / "docs" / "decisions").glob("*-one-machine-four-interpreters.md")
    text = " ".join(record.read_text(encoding="utf-8").split())
    for known in DIFFERENCES.values():
        for _, why in known.values():
            assert why in text
