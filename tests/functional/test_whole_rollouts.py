"""Whole rollouts through the real state machine, in memory: how each ends, and what is served."""

import re
from typing import Any

import pytest

from ops.faults.happenings import FOR_EVER
from ops.faults.plan import launch
from rollout.domain.flag import NO_LEASE_END
from tests.functional.worlds import (
    alarm,
    bps,
    deploy,
    followed,
    healthy,
    questions,
    reason,
    scheduled,
    started,
    subjects,
    undo_next,
    words,
    world,
)

NO = {"word": "REJECTED", "by": "ada", "why": "w"}
YES = {"word": "APPROVED", "by": "ada", "why": "a known typo"}


def test_a_healthy_candidate_ends_at_full_exposure_without_a_lease() -> None:
    assert words(healthy()) == ["LAUNCHED", "RAMPED", "RAMPED", "RAMPED", "RAMPED", "COMPLETED"]
    flag = healthy().account.appconfigdata.flag()
    assert (bps(healthy()), flag.lease_until, flag.holder) == (10_000, NO_LEASE_END, "")


def test_every_execution_ends_in_a_state_named_after_its_word() -> None:
    for execution in healthy().executions:
        assert execution.status == "SUCCEEDED"
        assert execution.path[-1].upper() == execution.word


def test_exposure_only_rises_in_the_steps_of_the_plan() -> None:
    made = [deployment.note for deployment in healthy().account.appconfig.deployments]
    _, drilled, back, *notes, _ = made
    assert (drilled, back) == ("r-1 drill: 0 bps", "roll back r-1: drill before the launch")
    assert [note.split(": ")[1] for note in notes] == [
        f"{step} bps" for step in (0, 100, 500, 2500, 5000, 10_000)
    ]


def test_people_are_told_of_every_end() -> None:
    phases = ["ramp-5", "ramp-25", "ramp-50", "ramp-100", "cleanup"]
    passed = ["canary", *phases[:-1]]
    exposed = ["5 %", "25 %", "50 %", "100 %"]
    assert subjects(healthy()) == [
        "r-1: started, in shadow: nobody is exposed",
        "r-1: shadow-soak passed, canary exposes 1 %",
        f"r-1: canary passed, {phases[0]} is next",
        *[
            line
            for phase, share, following in zip(passed[1:], exposed, phases[1:], strict=True)
            for line in (
                f"r-1: {phase} exposes {share} of users",
                f"r-1: {phase} passed, {following} is next",
            )
        ],
        "r-1: completed, the candidate serves everyone",
    ]


@pytest.mark.parametrize(("steps", "from_bps"), [(0, 100), (1, 500), (2, 2500), (4, 10_000)])
def test_a_candidate_that_fails_from_some_exposure_on_is_rolled_back(
    steps: int, from_bps: int
) -> None:
    found = followed(world(steps, failing=0.5, from_bps=from_bps))
    assert words(found)[-1] == "ROLLED_BACK"
    assert (bps(found), found.users.most_bps) == (0, from_bps)
    assert found.account.scheduler.pending == {}
    assert "errors" in reason(found)


def test_a_candidate_that_answers_differently_exposes_nobody_without_a_person() -> None:
    found = world(differing=0.2)
    asked = questions(found)
    assert words(followed(found)) == ["ROLLED_BACK"]
    (question,) = asked
    assert (found.users.most_bps, question.token.startswith("r-1/")) == (0, True)
    assert found.executions[0].path[-5] == "Ask a Person"


def test_a_person_may_let_it_go_on() -> None:
    found = world(differing=0.2)
    found.says = YES
    assert followed(found).executions[0].path.count("Enable Canary") == 1


@pytest.mark.parametrize("answer", [NO, {"word": "yes"}])
def test_anything_but_a_yes_rolls_back(answer: dict[str, Any]) -> None:
    found = world(differing=0.2)
    found.says = answer
    followed(found)
    assert (words(found), found.users.most_bps) == (["ROLLED_BACK"], 0)


def test_without_any_evidence_nobody_is_exposed() -> None:
    found = followed(world(status="Forbidden"))
    assert (words(found), found.users.most_bps) == (["ROLLED_BACK"], 0)


def test_evidence_that_is_lost_on_the_way_promotes_no_further() -> None:
    found = world()
    cloudwatch = found.account.cloudwatch
    found.meanwhile["Enable Canary"] = lambda: setattr(cloudwatch, "status", "Forbidden")
    followed(found)
    assert (words(found), found.users.most_bps, bps(found)) == (["ROLLED_BACK"], 100, 0)


def test_a_launch_that_is_refused_touches_nothing() -> None:
    found = world()
    found.account.functions.broken = True
    followed(found)
    assert (words(found), len(found.account.appconfig.deployments)) == (["REFUSED"], 1)
    assert "OSError" in found.account.sns.told[0]


@pytest.mark.parametrize("document", [{}, {"plan": 1}, {"action": "launch", "plan": {}}])
def test_an_input_that_is_no_launch_is_refused(document: dict[str, Any]) -> None:
    found = world()
    execution = started(found, "r-1", document)
    assert (execution.status, execution.word) == ("SUCCEEDED", "REFUSED")
    assert len(found.account.appconfig.deployments) == 1


def test_a_second_launch_does_not_disturb_the_first() -> None:
    found = world()
    found.meanwhile["Bake"] = lambda: found.start("r-2", launch("r-2"))
    followed(found)
    assert found.executions[1].word == "REFUSED"
    assert (words(found)[-1], bps(found)) == ("COMPLETED", 10_000)


def test_an_alarm_between_two_executions_ends_the_rollout() -> None:
    found = world(1)
    assert alarm(found)["changed"]
    assert (found.account.scheduler.pending, bps(found)) == ({}, 0)


def test_a_step_that_was_started_all_the_same_after_a_rollback_is_refused() -> None:
    found = world(1)
    document = scheduled(found)
    alarm(found)
    execution = started(found, "r-1-ramp-5", document)
    assert (execution.word, bps(found)) == ("REFUSED", 0)


@pytest.mark.parametrize("state", ["Shadow Soak", "Bake", "Evaluate Metrics", "Confirm Exposure"])
def test_an_alarm_during_an_execution_ends_it_rolled_back(state: str) -> None:
    found = world()
    found.meanwhile[state] = lambda: alarm(found)
    followed(found)
    assert (words(found)[-1], bps(found)) == ("ROLLED_BACK", 0)


def test_a_yes_to_a_rollout_that_was_rolled_back_meanwhile_exposes_nobody() -> None:
    found = world(differing=0.2)
    found.says = YES
    found.meanwhile["Ask a Person"] = lambda: alarm(found)
    followed(found)
    assert (found.users.most_bps, bps(found)) == (0, 0)


def test_a_rollback_before_the_canary_is_enabled_stays_one() -> None:
    found = world()
    found.meanwhile["Enable Canary"] = lambda: alarm(found)
    followed(found)
    assert (words(found), found.users.most_bps) == (["ROLLED_BACK"], 0)


def test_a_rollback_before_the_exposure_is_raised_stays_one() -> None:
    found = world()
    found.meanwhile["Raise Exposure"] = lambda: alarm(found)
    followed(found)
    assert "Raise Exposure" in found.executions[-1].path
    assert (found.users.most_bps, bps(found)) == (100, 0)


def test_a_rollback_before_the_cleanup_stays_one() -> None:
    found = world(5)
    found.meanwhile["Cleanup"] = lambda: alarm(found)
    followed(found)
    assert bps(found) == 0


def test_a_cleanup_that_is_not_served_ends_with_the_control_serving() -> None:
    found = world(5)
    found.meanwhile["Cleanup"] = found.account.appconfigdata.freeze
    found.meanwhile["Roll Back"] = lambda: found.account.appconfigdata.freeze(0)
    followed(found)
    assert words(found)[-1] == "ROLLED_BACK"
    assert (found.account.appconfig.flag(found.clock()).enabled, bps(found)) == (False, 0)


def test_a_data_plane_that_goes_on_exposing_ends_in_a_failure() -> None:
    found = world(failing=0.5)
    found.meanwhile["Roll Back"] = found.account.appconfigdata.freeze
    (execution,) = followed(found).executions
    assert (execution.status, execution.path[-1]) == ("FAILED", "Control Not Confirmed")


def test_an_alarm_at_the_next_step_rolls_back_before_more_are_exposed() -> None:
    found = world(1, ringing=True)
    started(found, "r-2", launch("r-2"))
    assert words(found) == ["REFUSED", "ROLLED_BACK"]
    assert (found.users.most_bps, bps(found)) == (100, 0)


def test_a_step_that_is_late_for_its_lease_rolls_back() -> None:
    found = world(1)
    found.clock.now = found.account.appconfigdata.flag().lease_until
    execution = started(found, "r-1-ramp-5", scheduled(found))
    assert execution.word == "ROLLED_BACK"
    assert "the lease ended" in reason(found)


def test_a_message_that_fails_changes_no_ending() -> None:
    found = world()
    found.strikes.outages["sns"] = FOR_EVER
    assert words(followed(found))[-1] == "COMPLETED"
    assert found.account.sns.told == []


def test_a_deployment_that_appconfig_undoes_ends_rolled_back() -> None:
    found = world()
    undo_next(found)
    followed(found)
    assert (words(found), found.users.most_bps) == (["ROLLED_BACK"], 0)


# Somebody edits the flag by hand


@pytest.mark.parametrize(
    ("changes", "said", "hurt"),
    [
        ({"candidate_bps": 9000}, "candidate_bps: 100 -> 9000", True),
        ({"candidate_bps": 50}, "candidate_bps: 100 -> 50", False),
        ({"allow_list": ("user-1",)}, "'user-1'", False),
        ({"lease_until": NO_LEASE_END - 1}, "lease_until: ", False),
        ({"rollout_id": "other-1"}, "rollout_id: 'r-1' -> 'other-1'", True),
    ],
)
def test_a_hand_edit_is_seen_at_the_next_look_and_named(
    changes: dict[str, Any], said: str, hurt: bool
) -> None:
    found = world()
    found.meanwhile["Bake"] = lambda: deploy(found, **changes)
    (execution,) = followed(found, hurt=hurt).executions
    assert execution.path[-6:-4] == ["Evaluate Metrics", "Go / No-Go?"]
    assert words(found) == ["ROLLED_BACK"]
    assert said in reason(found)
    assert "with version " in reason(found)
    assert re.search(r"\(by hand, 2027-01-15T08:[\d:]+\+00:00\) changed ", reason(found))
    assert "CloudTrail" in reason(found)


def test_a_hand_edit_in_the_shadow_is_seen_too() -> None:
    found = world()
    found.meanwhile["Shadow Soak"] = lambda: deploy(found, candidate_bps=100)
    followed(found, hurt=True)
    assert (words(found), bps(found)) == (["ROLLED_BACK"], 0)


def test_a_rollout_whose_flag_is_closed_while_it_spreads_turns_back_at_the_next_look() -> None:
    """Not only once nobody would wait for it any longer: as a kill promises."""
    found, closed = world(2), list[float]()
    found.account.appconfig.bake_seconds = 0

    def close() -> None:
        deploy(found, enabled=False, candidate_bps=0, rollout_id="")
        closed.append(found.clock())

    found.meanwhile["Let It Spread"] = close
    followed(found)
    assert (words(found)[-1], bps(found)) == ("ROLLED_BACK", 0)
    assert "it was closed meanwhile" in reason(found)
    assert found.clock() - closed[0] < 120


def test_the_same_deployed_once_more_is_no_edit() -> None:
    found = world(4)
    found.meanwhile["Bake"] = lambda: deploy(found)
    assert words(followed(found))[-1] == "COMPLETED"


def test_a_hand_edit_between_two_steps_is_seen_by_the_next() -> None:
    found = world()
    found.meanwhile["Launched"] = lambda: deploy(found, candidate_bps=3000)
    followed(found, hurt=True)
    assert words(found) == ["LAUNCHED", "ROLLED_BACK"]
    assert "3000 bps" in reason(found)
