"""The state machine, read as data: what an operator and an auditor must be able to rely on."""

import json
import math
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ops.faults.machine import longest_wait
from rollout.adapters.clients import ThrottledError
from rollout.domain import drill, question, response
from rollout.domain.exposure import LOST, SERVED_DOWN, SERVED_LIVE, SERVED_SHADOW
from rollout.domain.holding import HELD
from rollout.domain.plan import Plan
from rollout.domain.preflight import REFUSED
from rollout.domain.step import ACTIONS, next_word
from rollout.domain.verdict import Call

ROOT = Path(__file__).parents[2]
FILE = ROOT / "statemachines" / "playbook.asl.json"
MACHINE: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
STATES: dict[str, dict[str, Any]] = MACHINE["States"]
TASKS = {name: state for name, state in STATES.items() if state["Type"] == "Task"}
CHOICES = {name: state for name, state in STATES.items() if state["Type"] == "Choice"}
ENDS = {name for name, state in STATES.items() if state["Type"] in ("Succeed", "Fail")}
TRANSIENT = {
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
}
# While these wait users stay on what is certified: the control, or the exposure that has passed.
PATIENT = {
    "Preflight",
    "Drill Rollback",
    "Start Shadow",
    "Enable Canary",
    "Raise Exposure",
    "Schedule Ramp",
    "Schedule Cleanup",
    "Cleanup",
}


def targets(state: dict[str, Any]) -> Iterator[str]:
    """Every state that may follow."""
    for key in ("Next", "Default"):
        if key in state:
            yield state[key]
    for branch in (*state.get("Choices", ()), *state.get("Catch", ())):
        yield branch["Next"]


def reachable(start: str) -> set[str]:
    found, waiting = set(), [start]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += targets(STATES[name])
    return found


@pytest.mark.parametrize("name", STATES)
def test_every_state_says_what_it_is_for(name: str) -> None:
    assert STATES[name]["Comment"].endswith((".", "?"))


@pytest.mark.parametrize("name", TASKS)
def test_every_task_has_an_end_in_time(name: str) -> None:
    task = TASKS[name]
    assert ("TimeoutSeconds" in task) != ("TimeoutSecondsPath" in task)


@pytest.mark.parametrize("name", TASKS)
def test_every_task_repeats_what_may_pass(name: str) -> None:
    repeated = {error for rule in TASKS[name]["Retry"] for error in rule["ErrorEquals"]}
    assert repeated >= TRANSIENT or "States.ALL" in repeated


@pytest.mark.parametrize("name", TASKS)
def test_whoever_was_throttled_waits_longer_and_by_chance(name: str) -> None:
    """Else all that were refused at once would come again at once, and again be refused."""
    first, *others = TASKS[name]["Retry"]
    assert first["ErrorEquals"] == [ThrottledError.__name__]
    assert (first["JitterStrategy"], first["IntervalSeconds"], first["BackoffRate"]) == (
        "FULL",
        2,
        2,
    )
    assert first["MaxDelaySeconds"] == (300 if name in PATIENT else 30)
    # On average it waits half of the longest: still longer than any other rule.
    assert total_wait(first) / 2 > max(map(total_wait, others))
    assert first["MaxAttempts"] > max(rule["MaxAttempts"] for rule in others)


def total_wait(rule: dict[str, Any]) -> float:
    """Seconds at the most before a rule is used up, beside the attempts themselves."""
    return sum(longest_wait(rule, before) for before in range(rule["MaxAttempts"]))


@pytest.mark.parametrize("name", sorted(set(TASKS) - PATIENT - {"Roll Back"}))
def test_evidence_and_people_do_not_wait_longer_than_minutes(name: str) -> None:
    assert total_wait(TASKS[name]["Retry"][0]) <= 150


def test_a_step_that_waits_its_longest_twice_comes_within_the_betas_lease() -> None:
    document = json.loads((ROOT / "plans" / "beta.json").read_text(encoding="utf-8"))
    waits = [total_wait(TASKS[name]["Retry"][0]) for name in PATIENT]
    assert 2 * max(waits) <= document["lease"]["grace_seconds"]


def test_the_page_for_the_person_on_call_has_these_waits() -> None:
    page = (ROOT / "docs" / "playbook.md").read_text(encoding="utf-8")
    section = page.split("## When AWS says: too many")[1].split("\n## ")[0]
    rows = re.findall(r"^\| ([A-Z][^|]+) \| (\d+) times \| (\d+) (\w+), (\d+) on", section, re.M)
    found = set()
    for states, times, most, unit, mean in rows:
        for name in states.split(", "):
            rule = TASKS[name]["Retry"][0]
            seconds = total_wait(rule) / (60 if unit == "minutes" else 1)
            assert (int(times), int(most)) == (rule["MaxAttempts"], math.ceil(seconds)), name
            assert int(mean) == int(seconds / 2), name
            found.add(name)
    assert found == set(TASKS)


@pytest.mark.parametrize("name", TASKS)
def test_every_task_catches_everything_and_keeps_the_document(name: str) -> None:
    last = TASKS[name]["Catch"][-1]
    assert last["ErrorEquals"] == ["States.ALL"]
    assert last["ResultPath"].startswith("$.")


@pytest.mark.parametrize("name", sorted(set(TASKS) - {"Roll Back", "Notify"}))
def test_every_task_that_fails_for_good_rolls_back(name: str) -> None:
    assert {rule["Next"] for rule in TASKS[name]["Catch"]} == {"Roll Back"}


def test_a_rollback_that_fails_is_never_called_a_success() -> None:
    assert [rule["Next"] for rule in STATES["Roll Back"]["Catch"]] == ["Control Not Confirmed"]
    assert STATES["Control Not Confirmed"]["Type"] == "Fail"


def test_a_message_that_fails_changes_nothing() -> None:
    (rule,) = STATES["Notify"]["Catch"]
    assert rule["Next"] == STATES["Notify"]["Next"]


@pytest.mark.parametrize("name", STATES)
def test_every_next_state_exists(name: str) -> None:
    assert set(targets(STATES[name])) <= set(STATES)


def test_every_state_is_reached() -> None:
    assert reachable(MACHINE["StartAt"]) == set(STATES)


@pytest.mark.parametrize("name", STATES)
def test_every_path_ends(name: str) -> None:
    assert reachable(name) & ENDS


@pytest.mark.parametrize("name", sorted(set(STATES) - ENDS))
def test_from_every_state_the_rollout_can_be_rolled_back_unless_it_has_ended(name: str) -> None:
    after_the_end = {"Refuse", "Roll Back", "Notify", "How Did It End?"}
    assert name in after_the_end or "Roll Back" in reachable(name)


@pytest.mark.parametrize("name", CHOICES)
def test_choices_compare_one_word_and_nothing_else(name: str) -> None:
    rules = CHOICES[name]["Choices"]
    assert all(set(rule) == {"Variable", "StringEquals", "Next"} for rule in rules)
    assert len({rule["Variable"] for rule in rules}) == 1
    assert all(re.fullmatch(r"[A-Z_]+", rule["StringEquals"]) for rule in rules)


@pytest.mark.parametrize("name", CHOICES)
def test_an_unknown_word_rolls_back(name: str) -> None:
    # At the end there is nothing left to roll back with: the guard does, on the failure.
    expected = "Control Not Confirmed" if name == "How Did It End?" else "Roll Back"
    assert CHOICES[name]["Default"] == expected


def words(name: str) -> set[str]:
    return {rule["StringEquals"] for rule in CHOICES[name]["Choices"]}


def test_the_machine_knows_every_call_but_the_one_that_is_its_default() -> None:
    calls = {str(call) for call in Call} - {"ROLL_BACK"}
    assert words("Shadow Sound?") == calls
    assert words("Go / No-Go?") == {*calls, response.STEP_DOWN}


def test_whoever_steps_down_asks_a_person_next_and_silence_rolls_back() -> None:
    assert set(targets(STATES["Step Down"])) == {"Confirm Exposure", "Roll Back"}
    served = {rule["StringEquals"]: rule["Next"] for rule in CHOICES["Exposure Served?"]["Choices"]}
    assert served[SERVED_DOWN] == "Ask a Person"


def test_the_machine_knows_every_word_of_the_preflight() -> None:
    assert words("Fit to Start?") == {*(action.upper() for action in ACTIONS), REFUSED, HELD}


def test_whoever_is_held_waits_and_then_looks_from_the_beginning() -> None:
    assert list(targets(STATES["Held"])) == ["Preflight"]
    assert {name for name, state in STATES.items() if "Held" in targets(state)} == {
        "Fit to Start?",
        "Exposure Served?",
        "Cleaned Up?",
    }


def test_only_a_proven_rollback_lets_a_launch_begin() -> None:
    assert words("Rollback Proven?") == {drill.PROVEN}
    before_shadow = {name for name in STATES if "Start Shadow" in targets(STATES[name])}
    assert before_shadow == {"Rollback Proven?"}


def test_what_is_drilled_is_the_function_that_rolls_back() -> None:
    asked = {STATES[name]["Parameters"]["FunctionName"] for name in ("Drill Rollback", "Roll Back")}
    assert asked == {"${RollBackFunctionArn}"}


def test_the_machine_knows_when_an_exposure_is_served() -> None:
    known = words("Exposure Served?")
    assert known >= {SERVED_DOWN, SERVED_LIVE, SERVED_SHADOW, "SPREADING"}
    assert LOST not in known


def test_the_machine_knows_everything_that_promoting_can_mean(plan: Plan) -> None:
    assert words("What Comes Next?") == {next_word(plan, phase) for phase in plan.phases}


def test_the_machine_knows_every_outcome_that_is_written() -> None:
    """The words of outcomes, as they stand in the handlers and in the machine itself."""
    handlers = ("schedule_next", "cleanup", "roll_back")
    texts = [
        (ROOT / "functions/rollout/handlers" / f"{name}.py").read_text(encoding="utf-8")
        for name in handlers
    ]
    lines = [line for text in texts for line in text.splitlines() if '"word": "' in line]
    written = {word for line in lines for word in re.findall(r'"([A-Z_]{4,})"', line)}
    assert words("How Did It End?") == written | {STATES["Refuse"]["Parameters"]["word"]}


def test_a_persons_answer_is_a_word_that_the_command_sends() -> None:
    assert words("Approved?") == {question.APPROVED}


@pytest.mark.parametrize("name", STATES)
def test_no_state_reads_a_list_by_position_or_calculates(name: str) -> None:
    """Slices and intrinsic functions differ between interpreters."""
    text = json.dumps(STATES[name])
    assert "States.Math" not in text
    assert "States.Array" not in text
    assert not re.search(r"\$[.\w]*\[", text)


@pytest.mark.parametrize("name", TASKS)
def test_a_rule_of_a_task_repeats_a_bounded_number_of_times(name: str) -> None:
    throttled, *others = TASKS[name]["Retry"]
    assert 1 <= throttled["MaxAttempts"] <= 16
    for rule in others:
        assert 1 <= rule["MaxAttempts"] <= 5
        assert rule["IntervalSeconds"] >= 1


def test_a_question_to_a_person_is_not_asked_again_when_nobody_answers() -> None:
    repeated = {error for rule in STATES["Ask a Person"]["Retry"] for error in rule["ErrorEquals"]}
    assert not repeated & {"States.ALL", "States.TaskFailed", "States.Timeout"}


def test_each_end_is_named_after_its_word() -> None:
    for rule in CHOICES["How Did It End?"]["Choices"]:
        assert rule["Next"].upper().replace(" ", "_") == rule["StringEquals"]


def test_it_runs_on_every_interpreter() -> None:
    """JSONPath without Assign and Map, and tasks that are Lambda functions."""
    assert "QueryLanguage" not in MACHINE
    for state in STATES.values():
        assert not {"QueryLanguage", "Assign", "Arguments", "Output"} & set(state)
        assert state["Type"] in ("Task", "Choice", "Wait", "Pass", "Succeed", "Fail")
    resources = {task["Resource"] for task in TASKS.values()}
    lambdas = "arn:aws:states:::lambda:invoke"
    assert resources == {lambdas, f"{lambdas}.waitForTaskToken"}


def test_waits_are_as_long_as_the_plan_says() -> None:
    for state in STATES.values():
        if state["Type"] == "Wait":
            assert set(state) == {"Type", "Comment", "SecondsPath", "Next"}


def test_it_waits_for_a_person_no_longer_than_the_plan_says() -> None:
    assert STATES["Ask a Person"]["TimeoutSecondsPath"] == "$.exposure.approval_seconds"


def test_the_linter_finds_nothing() -> None:
    statelint = Path(sys.executable).with_name("statelint")
    done = subprocess.run([statelint, FILE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "")


def test_the_picture_in_the_readme_is_the_machine() -> None:
    """Solid arrows are Next and Choices, dotted ones Default; a Catch is not drawn."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    drawn = readme.split("```mermaid\n")[1].split("```")[0]
    names = dict(re.findall(r'^  (\w+)[\[{(]+"([^"]+)"', drawn, re.MULTILINE))
    arrows = re.findall(r"^  (\w+) (-->|-\.->)(?:\|(\w+)\|)? (\w+)$", drawn, re.MULTILINE)
    found = {(names[a], kind, word, names[b]) for a, kind, word, b in arrows}
    expected = set()
    for name, state in STATES.items():
        if "Next" in state:
            expected.add((name, "-->", "", state["Next"]))
        if "Default" in state:
            expected.add((name, "-.->", "", state["Default"]))
        for rule in state.get("Choices", ()):
            expected.add((name, "-->", rule["StringEquals"], rule["Next"]))
    assert found == expected
    assert set(names.values()) == set(STATES)
