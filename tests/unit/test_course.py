"""How the evidence grew: after each minute what the verdict of that moment would weigh."""

from collections.abc import Sequence

import pytest

from rollout.domain.course import course
from rollout.domain.minute import Evidence, Minute, by_try
from rollout.domain.plan import Plan
from rollout.domain.verdict import judge
from rollout.domain.window import Arm, Shadow

PERIOD = 10
CLEAN, BAD = Arm(10), Arm(10, 6)


def shadow(count: int) -> list[Minute]:
    return [Minute(0, 0.0, Arm(1000), Arm(), Shadow(100), at=0.0)] * count


def canary(count: int, candidate: Arm) -> list[Minute]:
    return [Minute(1, 0.01, Arm(1000), candidate, Shadow(100), at=0.0)] * count


def timed(*stretches: Sequence[Minute]) -> tuple[Minute, ...]:
    found = [minute for stretch in stretches for minute in stretch]
    return tuple(
        Minute(one.stage, one.exposure, one.control, one.candidate, one.shadow, at=PERIOD * number)
        for number, one in enumerate(found)
    )


def test_there_is_a_look_for_each_minute_in_its_phase(plan: Plan) -> None:
    minutes = timed(shadow(3), canary(2, CLEAN))
    looks = course(minutes, plan, PERIOD)
    assert [look.at for look in looks] == [minute.at for minute in minutes]
    assert [look.phase for look in looks] == ["soak"] * 3 + ["canary"] * 2


def test_nobody_is_exposed_in_the_shadow_so_nothing_is_said_of_live_metrics(plan: Plan) -> None:
    first, *_, last = course(timed(shadow(2), canary(1, CLEAN)), plan, PERIOD)
    assert {one.metric for one in first.standings} == {"mismatches", "shadow_failures"}
    assert {one.metric for one in last.standings} == {rail.metric for rail in plan.guardrails}


def test_evidence_against_a_bad_candidate_grows_until_it_decides(plan: Plan) -> None:
    looks = course(timed(shadow(60), canary(12, BAD)), plan, PERIOD)
    exposed = [look for look in looks if look.phase == "canary"]
    assert exposed[0].against < exposed[2].against
    assert exposed[-1].against >= exposed[-1].decides == 1 / plan.judge.alpha
    assert not exposed[-1].ready


@pytest.mark.parametrize("candidate", [CLEAN, BAD], ids=["clean", "bad"])
def test_the_last_look_has_the_counts_and_bounds_of_the_verdict(plan: Plan, candidate: Arm) -> None:
    minutes = timed(shadow(60), canary(30, candidate))
    last = course(minutes, plan, PERIOD)[-1]
    votes = judge(Evidence(minutes, PERIOD, 300), plan.phase("canary"), plan).votes
    seen = [(one.metric, one.events, one.requests, one.low, one.high) for one in last.standings]
    assert seen == [(one.metric, one.events, one.requests, one.low, one.high) for one in votes]
    assert [one.needed for one in last.standings] == [one.needed for one in votes]


def test_after_a_step_down_the_next_try_begins_without_evidence_as_the_machine_does(
    plan: Plan,
) -> None:
    """Neither the first try's, nor what was seen while somebody was asked."""
    raised = [Minute(2, 0.05, Arm(1000), BAD, Shadow(100, 20), at=0.0)] * 12
    repaired = [Minute(2, 0.05, Arm(1000), CLEAN, Shadow(100), at=0.0)] * 12
    asked = [Minute(1, 0.01, Arm(1000), CLEAN, Shadow(100, 20), at=0.0)] * 12
    minutes = timed(shadow(60), canary(30, CLEAN), raised, asked, repaired)
    looks = course(minutes, plan, PERIOD)
    alone = course(minutes[-12:], plan, PERIOD)
    assert looks[101].against >= looks[101].decides > looks[102].against
    assert looks[113].against >= looks[113].decides
    assert [look.against for look in looks[-12:]] == [look.against for look in alone]


@pytest.mark.parametrize(
    ("stages", "begin"),
    [
        ([], []),
        ([0, 0, 1, 2, 3], [0]),
        ([2, 3], [0]),
        ([0, 1, 2, 3, 2, 2, 3, 3, 4], [0, 4, 6]),
        ([1, 2, 1, 2, 1, 2, 3], [0, 2, 3, 4, 5]),
    ],
)
def test_evidence_begins_anew_with_a_step_down_and_with_the_try_after_it(
    stages: list[int], begin: list[int]
) -> None:
    minutes = [Minute(stage, 0.01) for stage in stages]
    assert [i for i, (_, anew) in enumerate(by_try(minutes)) if anew] == begin


def test_a_rollout_without_minutes_has_no_course(plan: Plan) -> None:
    assert course((), plan, PERIOD) == ()
