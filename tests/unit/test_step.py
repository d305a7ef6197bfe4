"""Steps: which step an execution's input asks for, and which one follows it."""

from dataclasses import replace
from typing import Any

import pytest

from rollout.domain.errors import InvalidInputError
from rollout.domain.plan import Plan
from rollout.domain.step import LEAD_SECONDS, Step, next_word, parse, schedule_name

NOW = 10_000.7
HISTORY = (("soak", 9100.5), ("canary", 9200.0))
STEP = Step("beta-1", "ramp", "half", launched_at=9000, history=HISTORY)
SERVED = [["soak", 9100.5], ["canary", 9200.0]]


# What an input asks for


def test_a_launch_starts_now_and_may_name_its_rollout() -> None:
    step = parse({"action": "launch", "rollout_id": "beta-1", "plan": {}}, "run-1", NOW)

    assert step == Step("beta-1", "launch", "", 10_000)


def test_a_launch_without_a_rollout_id_takes_the_executions_name() -> None:
    assert parse({"action": "launch", "plan": {}}, "run-1", NOW).rollout_id == "run-1"


def test_an_input_without_an_action_is_a_launch() -> None:
    assert parse({"plan": {}}, "run-1", NOW) == Step("run-1", "launch", "", 10_000)


def test_a_launch_does_not_believe_an_older_date() -> None:
    assert parse({"plan": {}, "launched_at": 5}, "run-1", NOW).launched_at == 10_000


def test_a_ramp_step_has_rollout_phase_and_date_of_the_launch() -> None:
    document = {
        "action": "ramp",
        "rollout_id": "beta-1",
        "phase": "half",
        "launched_at": 9000,
        "history": SERVED,
        "plan": {},
    }

    assert parse(document, "run-2", NOW) == STEP


def test_a_cleanup_has_no_phase() -> None:
    document = {
        "action": "cleanup",
        "rollout_id": "beta-1",
        "phase": "",
        "launched_at": 9000,
        "history": SERVED,
        "plan": {},
    }

    assert parse(document, "run-2", NOW) == Step("beta-1", "cleanup", "", 9000, HISTORY)


RAMP: dict[str, Any] = {
    "action": "ramp",
    "rollout_id": "beta-1",
    "phase": "half",
    "launched_at": 9000,
    "history": SERVED,
    "plan": {},
}
INPUT = '{"action": "launch", "plan": {…}}'
PAST = "[phase, epoch second from which it was served] of every phase before"
LETTERS = "1 to 39 letters, digits, dashes or underscores"


@pytest.mark.parametrize(
    "document", [None, [], "plans/beta.json", 3, {}, {"plan": None}, {"plan": "beta"}, {"name": 1}]
)
def test_an_input_without_a_plan_is_refused(document: object) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse(document, "run-1", NOW)

    assert (caught.value.field, caught.value.value) == ("execution input", document)
    assert caught.value.expected == INPUT
    assert "rollout launch --plan" in caught.value.remedy


@pytest.mark.parametrize(
    ("change", "field", "value", "expected"),
    [
        ({"action": "pause"}, "action", "pause", "one of ('launch', 'ramp', 'cleanup')"),
        ({"action": None}, "action", None, "one of ('launch', 'ramp', 'cleanup')"),
        ({"action": "LAUNCH"}, "action", "LAUNCH", "one of ('launch', 'ramp', 'cleanup')"),
        ({"action": ["ramp"]}, "action", ["ramp"], "one of ('launch', 'ramp', 'cleanup')"),
        ({"launched_at": None}, "launched_at", None, "epoch seconds of the launch"),
        ({"launched_at": "9000"}, "launched_at", "9000", "epoch seconds of the launch"),
        ({"launched_at": 9000.5}, "launched_at", 9000.5, "epoch seconds of the launch"),
        ({"launched_at": True}, "launched_at", True, "epoch seconds of the launch"),
        ({"launched_at": 0}, "launched_at", 0, "epoch seconds of the launch"),
        ({"launched_at": -1}, "launched_at", -1, "epoch seconds of the launch"),
        ({"history": None}, "history", None, PAST),
        ({"history": "soak"}, "history", "soak", PAST),
        ({"history": [["soak"]]}, "history", [["soak"]], PAST),
        ({"history": [["soak", "9"]]}, "history", [["soak", "9"]], PAST),
        ({"phase": ""}, "phase", "", "the name of a ramp phase"),
        ({"phase": 2}, "phase", 2, "the name of a ramp phase"),
        ({"phase": None}, "phase", None, "the name of a ramp phase"),
        ({"rollout_id": None}, "rollout_id", None, LETTERS),
        ({"rollout_id": ""}, "rollout_id", "", LETTERS),
        ({"rollout_id": 7}, "rollout_id", 7, LETTERS),
        ({"rollout_id": "-beta"}, "rollout_id", "-beta", LETTERS),
        ({"rollout_id": "beta 1"}, "rollout_id", "beta 1", LETTERS),
        ({"rollout_id": "beta-1\n"}, "rollout_id", "beta-1\n", LETTERS),
        ({"rollout_id": "é"}, "rollout_id", "é", LETTERS),
        ({"rollout_id": "b" * 40}, "rollout_id", "b" * 40, LETTERS),
    ],
)
def test_a_step_that_cannot_be_told_is_refused(
    change: dict[str, Any], field: str, value: object, expected: str
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse({**RAMP, **change}, "run-1", NOW)

    assert (caught.value.field, caught.value.value) == (field, value)
    assert caught.value.expected == expected


@pytest.mark.parametrize("missing", ["rollout_id", "launched_at", "history", "phase"])
def test_a_ramp_step_has_no_defaults(missing: str) -> None:
    document = {key: value for key, value in RAMP.items() if key != missing}
    with pytest.raises(InvalidInputError) as caught:
        parse(document, "run-1", NOW)

    assert caught.value.field == missing


def test_a_launch_named_too_long_for_its_schedules_is_refused() -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse({"plan": {}}, "r" * 40, NOW)

    assert (caught.value.field, caught.value.value) == ("rollout_id", "r" * 40)


def test_a_rollout_id_may_be_39_characters_long() -> None:
    assert parse({**RAMP, "rollout_id": "b" * 39}, "run-1", NOW).rollout_id == "b" * 39


# Its place in the plan


def test_a_step_is_the_same_after_a_journey_through_json() -> None:
    assert Step.from_json(STEP.to_json()) == STEP


@pytest.mark.parametrize(
    ("state", "name"), [("SHADOW", "soak"), ("CANARY", "canary"), ("RAMP", "half")]
)
def test_each_state_that_asks_has_its_phase(plan: Plan, state: str, name: str) -> None:
    assert STEP.place(plan, state).name == name


def test_the_next_input_asks_for_the_next_phase_of_the_same_rollout(plan: Plan) -> None:
    document = {"name": "as given"}

    assert STEP.next_input(plan, plan.phase("half"), document, HISTORY) == {
        "action": "ramp",
        "rollout_id": "beta-1",
        "phase": "full",
        "launched_at": 9000,
        "history": SERVED,
        "plan": document,
    }


def test_the_next_input_after_the_last_phase_asks_for_the_cleanup(plan: Plan) -> None:
    following = STEP.next_input(plan, plan.phase("full"), {}, HISTORY)

    assert (following["action"], following["phase"]) == ("cleanup", "")


@pytest.mark.parametrize("name", ["canary", "half", "full"])
def test_the_next_input_is_accepted_as_a_step(plan: Plan, name: str) -> None:
    following = STEP.next_input(plan, plan.phase(name), {}, HISTORY)
    step = parse(following, "run-9", NOW)

    assert (step.rollout_id, step.launched_at, step.history) == ("beta-1", 9000, HISTORY)
    assert (step.action, step.phase) == (following["action"], following["phase"])


@pytest.mark.parametrize(("name", "due"), [("canary", 10_000), ("half", 11_000), ("full", 12_000)])
def test_the_next_step_starts_at_its_date_counted_from_the_launch(
    plan: Plan, name: str, due: int
) -> None:
    assert STEP.next_start(plan, plan.phase(name), now=9500.5) == due


def test_a_next_step_that_is_overdue_starts_in_a_moment(plan: Plan) -> None:
    assert STEP.next_start(plan, plan.phase("canary"), now=20_000.9) == 20_000 + LEAD_SECONDS


def test_a_start_is_always_in_the_future(plan: Plan) -> None:
    assert STEP.next_start(plan, plan.phase("canary"), now=9999.9) > 10_000


@pytest.mark.parametrize(
    ("name", "word"),
    [("soak", "CANARY"), ("canary", "RAMP"), ("half", "RAMP"), ("full", "CLEANUP")],
)
def test_promoting_out_of_a_phase_means_the_next_one(plan: Plan, name: str, word: str) -> None:
    assert next_word(plan, plan.phase(name)) == word


def test_the_launch_alone_may_be_all_of_a_plan(plan: Plan) -> None:
    short = replace(plan, phases=plan.phases[:2])

    assert next_word(short, short.phase("canary")) == "CLEANUP"


# Schedules


def test_a_schedule_is_named_after_rollout_and_phase(plan: Plan) -> None:
    following = STEP.next_input(plan, plan.phase("half"), {}, HISTORY)

    assert schedule_name(following) == "beta-1.full"


def test_the_schedule_of_the_cleanup_is_named_so(plan: Plan) -> None:
    following = STEP.next_input(plan, plan.phase("full"), {}, HISTORY)

    assert schedule_name(following) == "beta-1.cleanup"


def test_the_longest_names_still_fit_a_schedule() -> None:
    assert len(schedule_name({"rollout_id": "b" * 39, "phase": "p" * 24})) == 64
