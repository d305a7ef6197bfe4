"""How the evidence grew: after each minute what the verdict of that moment would weigh."""

from collections.abc import Sequence

import pytest

from rollout.domain.course import course
from rollout.domain.minute import Evidence, Minute
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


def test_a_rollout_without_minutes_has_no_course(plan: Plan) -> None:
    assert course((), plan, PERIOD) == ()
