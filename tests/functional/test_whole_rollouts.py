"""Whole rollouts through the real state machine, in memory: how each ends, and what is served."""

import json
from typing import Any

import pytest

from rollout.domain.flag import NO_LEASE_END, Flag
from tests.fakes import ROOT, FakeAlarms, FakeCandidate, FakeFlags, FakeMetrics, FakeServed, exposed
from tests.functional.machine import World


def launch(name: str = "r-1") -> dict[str, Any]:
    plan = json.loads((ROOT / "plans" / "rehearsal.json").read_text(encoding="utf-8"))
    return {"action": "launch", "rollout_id": name, "plan": plan}


def words(world: World) -> list[str]:
    return [execution.word for execution in world.executions]


def bps(world: World) -> int:
    return world.served.flag().exposure_at(world.now)


def alarm(world: World) -> dict[str, Any]:
    """The alarm rings, and the guard hears it."""
    world.alarms.known["error-rate"] = "ALARM"
    detail = {"alarmName": "error-rate", "state": {"value": "ALARM"}}
    outcome = world.guard({"source": "aws.cloudwatch", "detail": detail})
    world.alarms.known["error-rate"] = "OK"
    return outcome


def test_a_healthy_candidate_ends_at_full_exposure_without_a_lease() -> None:
    world = World()
    world.follow(launch(), "r-1")
    assert words(world) == ["LAUNCHED", "RAMPED", "RAMPED", "RAMPED", "RAMPED", "COMPLETED"]
    assert (bps(world), world.flags.flag.lease_until) == (10_000, NO_LEASE_END)
    assert world.flags.flag.holder == ""


def test_every_execution_ends_in_a_state_named_after_its_word() -> None:
    world = World()
    for execution in world.follow(launch(), "r-1"):
        assert execution.status == "SUCCEEDED"
        assert execution.path[-1].upper() == execution.word


def test_exposure_only_rises_in_the_steps_of_the_plan() -> None:
    world = World()
    world.follow(launch(), "r-1")
    drilled, back, *notes, _ = world.flags.notes
    assert (drilled, back) == ("r-1 drill: 0 bps", "roll back r-1: drill before the launch")
    assert [note.split(": ")[1] for note in notes] == [
        f"{step} bps" for step in (0, 100, 500, 2500, 5000, 10_000)
    ]


def test_people_are_told_of_every_end() -> None:
    world = World()
    world.follow(launch(), "r-1")
    subjects = [subject for subject, _, _ in world.notifications.sent]
    phases = ["ramp-5", "ramp-25", "ramp-50", "ramp-100", "cleanup"]
    passed = ["canary", *phases[:-1]]
    exposed = ["5 %", "25 %", "50 %", "100 %"]
    assert subjects == [
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


@pytest.mark.parametrize("from_bps", [100, 500, 2500, 10_000])
def test_a_candidate_that_fails_from_some_exposure_on_is_rolled_back(from_bps: int) -> None:
    world = World(failing=lambda exposure: 0.5 if exposure >= from_bps else 0.0)
    world.follow(launch(), "r-1")
    assert words(world)[-1] == "ROLLED_BACK"
    assert (bps(world), world.most_bps) == (0, from_bps)
    assert world.schedules.pending == {}
    assert "errors" in world.executions[-1].document["outcome"]["reason"]


def test_a_candidate_that_answers_differently_exposes_nobody_without_a_person() -> None:
    world = World(differing=0.2)
    world.follow(launch(), "r-1")
    assert words(world) == ["ROLLED_BACK"]
    (question,) = world.approvals.asked
    assert (world.most_bps, question.token) == (0, "token-1")
    assert world.executions[0].path[-5] == "Ask a Person"


def test_a_person_may_let_it_go_on() -> None:
    world = World(differing=0.2, answer={"word": "APPROVED", "by": "ada", "why": "a known typo"})
    execution = world.run(launch(), "r-1")
    assert execution.path.count("Enable Canary") == 1


@pytest.mark.parametrize("answer", [{"word": "REJECTED", "by": "ada", "why": "w"}, {"word": "yes"}])
def test_anything_but_a_yes_rolls_back(answer: dict[str, Any]) -> None:
    world = World(differing=0.2, answer=answer)
    world.follow(launch(), "r-1")
    assert (words(world), world.most_bps) == (["ROLLED_BACK"], 0)


def test_without_any_evidence_nobody_is_exposed() -> None:
    world = World(metrics=FakeMetrics(unavailable="CloudWatch answered Forbidden"))
    world.follow(launch(), "r-1")
    assert (words(world), world.most_bps) == (["ROLLED_BACK"], 0)


def test_evidence_that_is_lost_on_the_way_promotes_no_further() -> None:
    world = World()
    world.meanwhile["Enable Canary"] = lambda: setattr(world.metrics, "unavailable", "Forbidden")
    world.follow(launch(), "r-1")
    assert (words(world), world.most_bps, bps(world)) == (["ROLLED_BACK"], 100, 0)


def test_a_launch_that_is_refused_touches_nothing() -> None:
    world = World(candidate=FakeCandidate(error="OSError"))
    world.follow(launch(), "r-1")
    assert (words(world), world.flags.number) == (["REFUSED"], 1)
    assert "OSError" in world.notifications.sent[0][1]


@pytest.mark.parametrize("document", [{}, {"plan": 1}, {"action": "launch", "plan": {}}])
def test_an_input_that_is_no_launch_is_refused(document: dict[str, Any]) -> None:
    world = World()
    execution = world.run(document, "r-1")
    assert (execution.status, execution.word, world.flags.number) == ("SUCCEEDED", "REFUSED", 1)


def test_a_second_launch_does_not_disturb_the_first() -> None:
    world = World()
    world.meanwhile["Bake"] = lambda: world.run(launch("r-2"), "r-2")
    world.follow(launch(), "r-1")
    assert world.executions[1].word == "REFUSED"
    assert (words(world)[-1], bps(world)) == ("COMPLETED", 10_000)


def test_an_alarm_between_two_executions_ends_the_rollout() -> None:
    world = World()
    world.run(launch(), "r-1")
    assert alarm(world)["changed"]
    assert (world.schedules.pending, bps(world)) == ({}, 0)


def test_a_step_that_was_started_all_the_same_after_a_rollback_is_refused() -> None:
    world = World()
    world.run(launch(), "r-1")
    ((_, _, document),) = world.schedules.pending.values()
    alarm(world)
    execution = world.run(document, "r-1-ramp-5")
    assert (execution.word, bps(world)) == ("REFUSED", 0)


@pytest.mark.parametrize("state", ["Shadow Soak", "Bake", "Evaluate Metrics", "Confirm Exposure"])
def test_an_alarm_during_an_execution_ends_it_rolled_back(state: str) -> None:
    world = World()
    world.meanwhile[state] = lambda: alarm(world)
    world.follow(launch(), "r-1")
    assert (words(world)[-1], bps(world)) == ("ROLLED_BACK", 0)


def test_a_yes_to_a_rollout_that_was_rolled_back_meanwhile_exposes_nobody() -> None:
    world = World(differing=0.2, answer={"word": "APPROVED", "by": "ada", "why": "w"})
    world.meanwhile["Ask a Person"] = lambda: alarm(world)
    world.follow(launch(), "r-1")
    assert (world.most_bps, bps(world)) == (0, 0)


def test_a_rollback_before_the_canary_is_enabled_stays_one() -> None:
    world = World()
    world.meanwhile["Enable Canary"] = lambda: alarm(world)
    world.follow(launch(), "r-1")
    assert (words(world), world.most_bps) == (["ROLLED_BACK"], 0)


def test_a_rollback_before_the_exposure_is_raised_stays_one() -> None:
    world = World()
    world.run(launch(), "r-1")
    world.meanwhile["Raise Exposure"] = lambda: alarm(world)
    ((_, _, document),) = world.schedules.pending.values()
    world.run(document, "r-1-ramp-5")
    assert (world.most_bps, bps(world)) == (100, 0)


def test_a_rollback_before_the_cleanup_stays_one() -> None:
    world = World()
    world.meanwhile["Cleanup"] = lambda: alarm(world)
    world.follow(launch(), "r-1")
    assert bps(world) == 0


class NeverFinished(FakeServed):
    """A data plane that never serves the flag without a lease."""

    def flag(self) -> Flag:
        found = super().flag()
        return exposed(10_000) if found.lease_until == NO_LEASE_END else found


def test_a_cleanup_that_is_not_served_ends_with_the_control_serving() -> None:
    flags = FakeFlags()
    world = World(flags=flags, served=NeverFinished(flags))
    world.follow(launch(), "r-1")
    assert words(world)[-1] == "ROLLED_BACK"
    assert (flags.flag.exposure_at(world.now), bps(world)) == (0, 0)


def test_a_data_plane_that_goes_on_exposing_ends_in_a_failure() -> None:
    flags = FakeFlags()
    world = World(flags=flags, failing=lambda _: 0.5)
    world.meanwhile["Roll Back"] = lambda: setattr(world.served, "old", [exposed(100)] * 999)
    execution = world.run(launch(), "r-1")
    assert (execution.status, execution.path[-1]) == ("FAILED", "Control Not Confirmed")


def test_an_alarm_at_the_next_step_rolls_back_before_more_are_exposed() -> None:
    world = World()
    world.run(launch(), "r-1")
    world.alarms = FakeAlarms({"error-rate": "ALARM"})
    world.follow(launch("r-2"), "r-2")
    assert words(world) == ["LAUNCHED", "REFUSED", "ROLLED_BACK"]
    assert (world.most_bps, bps(world)) == (100, 0)


def test_a_step_that_is_late_for_its_lease_rolls_back() -> None:
    world = World()
    world.run(launch(), "r-1")
    ((_, _, document),) = world.schedules.pending.values()
    world.now = world.flags.flag.lease_until
    execution = world.run(document, "r-1-ramp-5")
    assert execution.word == "ROLLED_BACK"
    assert "the lease ended" in execution.document["outcome"]["reason"]


def test_a_message_that_fails_changes_no_ending() -> None:
    world = World()
    world.notifications.broken = True
    world.follow(launch(), "r-1")
    assert words(world)[-1] == "COMPLETED"


def test_a_deployment_that_appconfig_undoes_ends_rolled_back() -> None:
    world = World(flags=FakeFlags(undone=1))
    world.follow(launch(), "r-1")
    assert (words(world), world.most_bps) == (["ROLLED_BACK"], 0)


# Somebody edits the flag by hand


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"candidate_bps": 9000}, "candidate_bps: 100 -> 9000"),
        ({"candidate_bps": 50}, "candidate_bps: 100 -> 50"),
        ({"allow_list": ("user-1",)}, "'user-1'"),
        ({"lease_until": NO_LEASE_END - 1}, "lease_until: "),
        ({"rollout_id": "other-1"}, "rollout_id: 'r-1' -> 'other-1'"),
    ],
)
def test_a_hand_edit_is_seen_at_the_next_look_and_named(changes: dict[str, Any], said: str) -> None:
    world = World()
    world.meanwhile["Bake"] = lambda: world.flags.edit(**changes)
    (execution,) = world.follow(launch(), "r-1")
    assert execution.path[-6:-4] == ["Evaluate Metrics", "Go / No-Go?"]
    assert words(world) == ["ROLLED_BACK"]
    reason = execution.document["outcome"]["reason"]
    assert said in reason
    assert "with version " in reason
    assert "(by hand) changed" in reason
    assert "CloudTrail" in reason


def test_a_hand_edit_in_the_shadow_is_seen_too() -> None:
    world = World()
    world.meanwhile["Shadow Soak"] = lambda: world.flags.edit(candidate_bps=100)
    world.follow(launch(), "r-1")
    assert (words(world), bps(world)) == (["ROLLED_BACK"], 0)


def test_the_same_deployed_once_more_is_no_edit() -> None:
    world = World()
    world.meanwhile["Bake"] = lambda: world.flags.edit()
    world.follow(launch(), "r-1")
    assert words(world)[-1] == "COMPLETED"


def test_a_hand_edit_between_two_steps_is_seen_by_the_next() -> None:
    world = World()
    world.meanwhile["Launched"] = lambda: world.flags.edit(candidate_bps=3000)
    world.follow(launch(), "r-1")
    assert words(world) == ["LAUNCHED", "ROLLED_BACK"]
    assert "3000 bps" in world.executions[-1].document["outcome"]["reason"]
