"""Preflight: a step begins only in its turn, on a flag that is its own, with nothing in the way."""

from dataclasses import replace

import pytest

from rollout.domain.flag import Flag
from rollout.domain.plan import Plan
from rollout.domain.preflight import REFUSED, ROLL_BACK, Fitness, Found, fitness
from rollout.domain.step import Step

NOW = 5000.0
LAUNCH = Step("beta-1", "launch", "", 5000)
RAMP = Step("beta-1", "ramp", "half", 4000)
CLEANUP = Step("beta-1", "cleanup", "", 4000)

IDLE = Flag(salt="salt-1")
IN_CANARY = Flag(
    enabled=True, candidate_bps=100, lease_until=6000, rollout_id="beta-1", phase="canary"
)
IN_FULL = replace(IN_CANARY, candidate_bps=10_000, phase="full")

OBSTACLES = [
    ({"alarms": {"errors-high": "ALARM"}}, "alarm errors-high is ALARM, it must be OK"),
    (
        {"alarms": {"errors-high": "INSUFFICIENT_DATA"}},
        "alarm errors-high is INSUFFICIENT_DATA, it must be OK",
    ),
    ({"weighted_aliases": ("read:live",)}, "alias read:live splits traffic: a code release"),
    ({"deployment_running": True}, "a deployment of the flag is still running"),
    ({"candidate_error": "TimeoutError"}, "the candidate does not answer: TimeoutError"),
]


def fit(plan: Plan, step: Step, flag: Flag, **found: object) -> Fitness:
    return fitness(step, plan, Found(flag, **found), NOW)  # type: ignore[arg-type]


# Fit


@pytest.mark.parametrize(
    ("step", "flag", "word"),
    [(LAUNCH, IDLE, "LAUNCH"), (RAMP, IN_CANARY, "RAMP"), (CLEANUP, IN_FULL, "CLEANUP")],
)
def test_a_step_in_its_turn_with_nothing_in_the_way_may_begin(
    plan: Plan, step: Step, flag: Flag, word: str
) -> None:
    assert fit(plan, step, flag, alarms={"errors-high": "OK"}) == Fitness(word)


def test_each_ramp_step_follows_the_phase_before_its_own(plan: Plan) -> None:
    flag = replace(IN_CANARY, candidate_bps=5000, phase="half")

    assert fit(plan, replace(RAMP, phase="full"), flag) == Fitness("RAMP")


def test_a_launch_may_begin_again_while_it_holds_an_unexposed_flag(plan: Plan) -> None:
    flag = Flag(enabled=True, lease_until=6000, rollout_id="beta-1", phase="soak")

    assert fit(plan, LAUNCH, flag) == Fitness("LAUNCH")


def test_a_launch_does_not_mind_that_no_lease_is_running(plan: Plan) -> None:
    assert fit(plan, LAUNCH, replace(IDLE, lease_until=1)) == Fitness("LAUNCH")


# Strangers: refused, whatever else is found


def test_a_launch_is_refused_while_another_rollout_holds_the_flag(plan: Plan) -> None:
    flag = replace(IN_CANARY, rollout_id="other-1", candidate_bps=0)

    assert fit(plan, LAUNCH, flag) == Fitness(
        REFUSED,
        ("rollout other-1 holds the flag, in phase canary; wait for its end or roll it back",),
    )


def test_another_rollouts_hold_does_not_end_with_its_lease(plan: Plan) -> None:
    flag = replace(IN_CANARY, rollout_id="other-1", lease_until=1)

    assert fit(plan, LAUNCH, flag).word == REFUSED


@pytest.mark.parametrize("rollout_id", ["", "beta-1"])
def test_a_launch_is_refused_while_users_are_exposed(plan: Plan, rollout_id: str) -> None:
    flag = replace(IN_CANARY, rollout_id=rollout_id)
    found = fit(plan, LAUNCH, flag)

    assert found.word == REFUSED
    assert found.reasons == (
        "the flag already exposes 100 basis points; a launch starts from 0: roll back first",
    )


def test_an_exposure_that_is_switched_off_does_not_refuse_a_launch(plan: Plan) -> None:
    flag = replace(IDLE, candidate_bps=100, enabled=False)

    assert fit(plan, LAUNCH, flag) == Fitness("LAUNCH")


@pytest.mark.parametrize("step", [RAMP, CLEANUP])
@pytest.mark.parametrize(
    ("holder", "told"), [("", "nobody holds"), ("other-1", "rollout other-1 holds")]
)
def test_a_later_step_is_refused_when_its_rollout_does_not_hold_the_flag(
    plan: Plan, step: Step, holder: str, told: str
) -> None:
    found = fit(plan, step, replace(IN_CANARY, rollout_id=holder))

    assert found == Fitness(REFUSED, (f"this step belongs to beta-1, but {told} the flag",))


@pytest.mark.parametrize(
    ("step", "phase", "reason"),
    [
        (RAMP, "soak", "this step follows canary, but the flag is in soak"),
        (RAMP, "half", "this step follows canary, but the flag is in half"),
        (RAMP, "full", "this step follows canary, but the flag is in full"),
        (RAMP, "", "this step follows canary, but the flag is in no phase"),
        (CLEANUP, "half", "this step follows full, but the flag is in half"),
    ],
)
def test_a_step_out_of_its_turn_is_refused(plan: Plan, step: Step, phase: str, reason: str) -> None:
    assert fit(plan, step, replace(IN_CANARY, phase=phase)) == Fitness(REFUSED, (reason,))


@pytest.mark.parametrize(("obstacle", "reason"), OBSTACLES)
def test_a_stranger_is_refused_for_that_reason_alone_and_never_rolls_back(
    plan: Plan, obstacle: dict[str, object], reason: str
) -> None:
    found = fit(plan, RAMP, replace(IN_CANARY, rollout_id="other-1"), **obstacle)

    assert found.word == REFUSED
    assert reason not in found.reasons


# Obstacles: a launch is refused, a later step rolls back


@pytest.mark.parametrize(("obstacle", "reason"), OBSTACLES)
def test_an_obstacle_refuses_a_launch(plan: Plan, obstacle: dict[str, object], reason: str) -> None:
    assert fit(plan, LAUNCH, IDLE, **obstacle) == Fitness(REFUSED, (reason,))


@pytest.mark.parametrize(("step", "flag"), [(RAMP, IN_CANARY), (CLEANUP, IN_FULL)])
@pytest.mark.parametrize(("obstacle", "reason"), OBSTACLES)
def test_an_obstacle_rolls_a_later_step_back(
    plan: Plan, step: Step, flag: Flag, obstacle: dict[str, object], reason: str
) -> None:
    assert fit(plan, step, flag, **obstacle) == Fitness(ROLL_BACK, (reason,))


def test_every_obstacle_is_told(plan: Plan) -> None:
    found = fit(
        plan,
        RAMP,
        replace(IN_CANARY, lease_until=4000),
        alarms={"one": "ALARM", "two": "OK", "three": "ALARM"},
        weighted_aliases=("read:live",),
        deployment_running=True,
        candidate_error="TimeoutError",
    )

    assert found.reasons == (
        "alarm one is ALARM, it must be OK",
        "alarm three is ALARM, it must be OK",
        "alias read:live splits traffic: a code release",
        "a deployment of the flag is still running",
        "the candidate does not answer: TimeoutError",
        "the lease ended at 4000, now is 5000",
    )


@pytest.mark.parametrize(("lease_until", "word"), [(5001, "RAMP"), (5000, ROLL_BACK)])
def test_a_later_step_rolls_back_once_the_lease_has_ended(
    plan: Plan, lease_until: int, word: str
) -> None:
    assert fit(plan, RAMP, replace(IN_CANARY, lease_until=lease_until)).word == word
