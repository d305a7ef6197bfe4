"""What a hold makes of a flag and of a verdict, and which changes of a flag are a hold's."""

from dataclasses import replace

import pytest

from rollout.domain import holding
from rollout.domain.flag import NO_LEASE_END, Flag
from rollout.domain.plan import Plan
from rollout.domain.response import response, unless_held
from rollout.domain.verdict import Call, Verdict
from tests.fakes import NOW, exposed

NOTE = "hold beta-1: ada: odd"
LAUNCHED = NOW - 600


def held(plan: Plan) -> Flag:
    return holding.held(exposed(100), plan, NOW)


def allowed(flag: Flag, plan: Plan, note: str = NOTE) -> frozenset[str]:
    return holding.may_change(flag, note, plan, LAUNCHED, NOW + 60)


def test_a_hold_changes_nothing_but_its_deadline_and_the_lease_that_ends_with_it(
    plan: Plan,
) -> None:
    flag = held(plan)
    assert flag.held_until == flag.lease_until == int(NOW) + plan.approval_seconds
    assert replace(flag, held_until=0, lease_until=exposed(100).lease_until) == exposed(100)


def test_a_resume_gives_the_lease_that_the_plan_gives_the_phase(plan: Plan) -> None:
    flag = holding.resumed(held(plan), plan, LAUNCHED, NOW)
    assert flag.held_until == 0
    assert flag.lease_until == int(NOW) + plan.lease_seconds("canary", 600)


def test_it_is_held_until_its_deadline_and_over_from_then_on(plan: Plan) -> None:
    flag = held(plan)
    before, at = flag.held_until - 1, flag.held_until
    assert (holding.is_held(flag, before), holding.is_over(flag, before)) == (True, False)
    assert (holding.is_held(flag, at), holding.is_over(flag, at)) == (False, True)
    assert not holding.is_over(exposed(100), NOW)


def test_what_a_hold_and_a_resume_change_is_let_through(plan: Plan) -> None:
    assert allowed(held(plan), plan) == {"held_until", "lease_until"}
    resumed = holding.resumed(held(plan), plan, LAUNCHED, NOW)
    assert allowed(resumed, plan, "resume beta-1: ada: odd") == {"held_until", "lease_until"}


def test_a_version_without_a_note_is_weighed_by_its_lease_alone(plan: Plan) -> None:
    flag = held(plan)
    assert allowed(flag, plan, "") == {"held_until", "lease_until"}
    assert not allowed(replace(flag, lease_until=flag.held_until + 1), plan, "")


@pytest.mark.parametrize("note", ["by hand", "hold beta-2: ada: odd", "hold beta-10: a: b"])
def test_a_version_whose_note_is_another_is_no_hold(plan: Plan, note: str) -> None:
    assert allowed(held(plan), plan, note) == frozenset()


@pytest.mark.parametrize("lease", [1, 7 * 86_400, NO_LEASE_END - int(NOW)])
def test_a_lease_that_does_not_end_with_the_hold_is_somebody_elses(plan: Plan, lease: int) -> None:
    flag = held(plan)
    assert allowed(replace(flag, lease_until=flag.held_until + lease), plan) == frozenset()


def test_a_lease_longer_than_the_plan_gives_is_somebody_elses_also_after_the_hold(
    plan: Plan,
) -> None:
    longest = int(NOW) + 60 + plan.lease_seconds("canary", 660)
    flag = exposed(100, lease_until=longest)
    assert allowed(flag, plan)
    assert not allowed(replace(flag, lease_until=longest + 1), plan)


def test_a_flag_in_no_phase_of_the_plan_is_no_hold(plan: Plan) -> None:
    assert allowed(replace(held(plan), phase=""), plan) == frozenset()


@pytest.mark.parametrize("call", [Call.PROMOTE, Call.HOLD, Call.INVESTIGATE])
def test_what_would_go_on_or_ask_holds_until_the_deadline_and_then_rolls_back(
    plan: Plan, call: Call
) -> None:
    verdict, flag = Verdict(call, f"{call}: r.", ("r",), since="2027-01-15T00:00:00"), held(plan)
    found = unless_held(verdict, flag, NOTE, flag.held_until - 1)
    assert found.call is Call.HOLD
    assert found.sentence.endswith(f"(ada: odd); otherwise {call}: r.")
    stepping = replace(plan, response="step_down")
    assert response(found, plan.phases[-1], stepping) == "HOLD"
    over = unless_held(verdict, flag, NOTE, flag.held_until)
    assert (over.call, len(over.reasons)) == (Call.ROLL_BACK, 1)
    assert over.reasons[0].endswith("(ada: odd), and nobody has resumed it")


def test_harm_rolls_back_for_its_own_reason_at_any_time(plan: Plan) -> None:
    verdict, flag = Verdict(Call.ROLL_BACK, "ROLL_BACK: errors.", ("errors",)), held(plan)
    for now in (NOW, flag.held_until, flag.held_until + 99):
        assert unless_held(verdict, flag, NOTE, now) is verdict


def test_a_rollout_that_is_not_held_has_its_own_verdict(plan: Plan) -> None:
    verdict = Verdict(Call.PROMOTE, "PROMOTE: r.", ("r",))
    assert unless_held(verdict, exposed(100), NOTE, NOW) is verdict


def test_a_step_that_waits_looks_at_most_a_thousand_times(plan: Plan) -> None:
    often = replace(plan, approval_seconds=86_400)
    assert holding.wait_seconds(often) >= 86
    assert holding.wait_seconds(often) >= plan.evaluation.every_seconds
