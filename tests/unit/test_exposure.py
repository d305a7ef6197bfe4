"""Exposures: the flag a phase asks for, and when everyone is served by it."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.exposure import (
    LONGEST_WAIT_SECONDS,
    PATIENCE_SECONDS,
    Sighting,
    confirm,
    flag_for,
    holder_problem,
)
from rollout.domain.flag import Flag
from rollout.domain.plan import Plan
from rollout.domain.step import Step

STEP = Step("beta-1", "ramp", "half", launched_at=1000)

# The flag of a phase


def test_the_flag_of_a_phase_has_its_exposures_and_the_plans_cohort(plan: Plan) -> None:
    flag = flag_for(plan, plan.phase("canary"), STEP, 1100, 80)

    assert flag.enabled
    assert (flag.candidate_bps, flag.shadow_bps) == (100, 3000)
    assert (flag.rollout_id, flag.phase) == ("beta-1", "canary")
    assert (flag.salt, flag.allow_list) == ("salt-1", ("sha256:da9098fdabfa0db3",))
    assert flag.cleaning_rules == ('{"path":"updatedAt","rule":"ignore"}',)
    assert flag.noise_bps == 300


def test_the_flag_of_a_shadow_exposes_nobody_and_shadows(plan: Plan) -> None:
    flag = flag_for(plan, plan.phase("soak"), STEP, 1100, 80)

    assert flag.exposure_at(1100) == 0
    assert flag.shadow_at(1100) == 10_000


def test_the_lease_is_counted_from_now(plan: Plan) -> None:
    # canary, 100 s after the launch: half starts in 900 s, the longest bake and an answer take
    # 800 s; and 50 s of grace.
    assert flag_for(plan, plan.phase("canary"), STEP, 1100.9, 80).lease_until == 1100 + 900 + 50


@given(now=st.floats(min_value=1000, max_value=1e6), index=st.integers(min_value=0, max_value=3))
def test_no_exposure_is_over_before_its_longest_bake_is(plan: Plan, now: float, index: int) -> None:
    phase = plan.phases[index]
    flag = flag_for(plan, phase, STEP, now, None)

    assert flag.exposure_at(now + phase.maximum_bake_seconds) == phase.exposure_bps


@pytest.mark.parametrize(
    ("p95", "control", "candidate"),
    [
        (1000.0, 1000.0, 1150.0),
        (434.0, 434.0, 500.0),
        (1000.00049, 1000.0, 1150.001),
        (None, 0.0, 500.0),
        (0.0, 0.0, 500.0),
    ],
)
def test_slow_is_above_the_controls_p95_and_for_the_candidate_its_tolerance_and_the_absolute_limit(
    plan: Plan, p95: float | None, control: float, candidate: float
) -> None:
    flag = flag_for(plan, plan.phase("canary"), STEP, 1100, p95)

    assert (flag.control_slow_ms, flag.candidate_slow_ms) == (control, candidate)


# Who holds the flag


@pytest.mark.parametrize("first", [True, False])
def test_a_rollout_may_change_a_flag_that_it_holds(first: bool) -> None:
    assert holder_problem(Flag(rollout_id="beta-1"), STEP, first=first) == ""


def test_the_first_phase_takes_a_flag_that_nobody_holds() -> None:
    assert holder_problem(Flag(), STEP, first=True) == ""


def test_a_later_phase_does_not_open_a_flag_that_was_closed_meanwhile() -> None:
    assert "it was closed meanwhile" in holder_problem(Flag(), STEP)


def test_a_rollout_may_not_change_a_flag_that_another_holds() -> None:
    problem = holder_problem(Flag(rollout_id="other-1", phase="ramp-5"), STEP)

    assert problem == "the flag is held by rollout other-1, in phase ramp-5"


# Until everyone is served

SERVED = Flag(enabled=True, candidate_bps=5000, rollout_id="beta-1", phase="half")
DONE = Sighting(state="COMPLETE", ended_by="", served=SERVED, poll_seconds=20)


def exposure(**changes: Any) -> dict[str, Any]:
    """The document of an exposure whose deployment began at 2000."""
    return {
        "word": "DEPLOYING",
        "kind": "ramp",
        "phase": "half",
        "exposure_bps": 5000,
        "deployment": 7,
        "started_at": 2000.0,
        "seen_at": None,
        **changes,
    }


@pytest.mark.parametrize(
    ("kind", "word"),
    [("shadow", "SERVED_SHADOW"), ("canary", "SERVED_LIVE"), ("ramp", "SERVED_LIVE")],
)
def test_everyone_is_served_two_poll_intervals_after_the_flag_was_first_seen(
    kind: str, word: str
) -> None:
    found = confirm(exposure(kind=kind, seen_at=2100.0), STEP, DONE, now=2140.0)

    assert (found["word"], found["seen_at"], found["served_at"]) == (word, 2100.0, 2140.0)


def test_a_flag_seen_for_the_first_time_is_still_spreading() -> None:
    found = confirm(exposure(), STEP, DONE, now=2100.0)

    assert (found["word"], found["seen_at"], found["wait_seconds"]) == ("SPREADING", 2100.0, 40)
    assert "served_at" not in found


def test_the_wait_is_rounded_up_so_that_the_next_look_is_not_too_early() -> None:
    found = confirm(exposure(seen_at=2100.0), STEP, DONE, now=2139.9)

    assert (found["word"], found["wait_seconds"]) == ("SPREADING", 1)


def test_the_first_sighting_is_not_forgotten_while_the_flag_spreads() -> None:
    assert confirm(exposure(seen_at=2100.0), STEP, DONE, now=2110.0)["seen_at"] == 2100.0


@given(wait=st.floats(min_value=0, max_value=1000), poll=st.integers(min_value=1, max_value=300))
def test_nobody_is_called_served_before_two_poll_intervals(wait: float, poll: int) -> None:
    seen = replace(DONE, poll_seconds=poll)
    found = confirm(exposure(seen_at=2100.0), STEP, seen, now=2100.0 + wait)

    assert (found["word"] == "SERVED_LIVE") == (2100.0 + wait >= 2100.0 + 2 * poll)


@pytest.mark.parametrize("state", ["BAKING", "VALIDATING", "DEPLOYING", "unheard of"])
def test_a_deployment_that_is_not_complete_is_not_served(state: str) -> None:
    found = confirm(exposure(seen_at=2000.0), STEP, replace(DONE, state=state), now=2500.0)

    assert found["word"] == "SPREADING"


@pytest.mark.parametrize(
    "served",
    [
        None,
        replace(SERVED, phase="canary"),
        replace(SERVED, candidate_bps=100),
    ],
)
def test_a_flag_that_is_not_this_exposure_is_not_served(served: Flag | None) -> None:
    found = confirm(exposure(), STEP, replace(DONE, served=served), now=2500.0)

    assert found["word"] == "SPREADING"
    assert found["seen_at"] is None


@pytest.mark.parametrize(
    ("poll", "wait"), [(1, 1), (20, 10), (60, 30), (300, LONGEST_WAIT_SECONDS)]
)
def test_between_looks_passes_half_a_poll_interval_within_reason(poll: int, wait: int) -> None:
    seen = replace(DONE, state="DEPLOYING", poll_seconds=poll)

    assert confirm(exposure(), STEP, seen, now=2010.0)["wait_seconds"] == wait


@pytest.mark.parametrize("state", ["ROLLING_BACK", "ROLLED_BACK", "REVERTED"])
def test_an_exposure_whose_deployment_was_ended_is_lost(state: str) -> None:
    seen = replace(DONE, state=state, ended_by="alarm errors-high")
    found = confirm(exposure(seen_at=2000.0), STEP, seen, now=2500.0)

    assert found["word"] == "LOST"
    assert found["reason"] == "AppConfig ended deployment 7 (alarm errors-high)"


@pytest.mark.parametrize(
    ("served", "reason"),
    [
        (Flag(), "rollout beta-1 does not hold the flag any more: it was closed meanwhile"),
        (
            replace(SERVED, rollout_id="other-1"),
            "the flag is held by rollout other-1, in phase half",
        ),
    ],
)
@pytest.mark.parametrize("state", ["DEPLOYING", "COMPLETE"])
def test_an_exposure_whose_flag_is_another_or_nobodys_by_now_is_lost_at_once(
    served: Flag, reason: str, state: str
) -> None:
    """As after a kill. Readers would never be served it, however long one waited."""
    found = confirm(exposure(), STEP, replace(DONE, state=state, served=served), now=2010.0)

    assert (found["word"], found["reason"]) == ("LOST", reason)


def test_before_the_first_phase_is_served_nobody_holds_the_flag_that_is() -> None:
    found = confirm(exposure(kind="shadow"), STEP, replace(DONE, served=Flag()), now=2010.0)

    assert found["word"] == "SPREADING"


def test_an_exposure_that_takes_too_long_is_lost() -> None:
    seen = replace(DONE, state="DEPLOYING")
    late = 2000.0 + PATIENCE_SECONDS

    assert confirm(exposure(), STEP, seen, now=late)["word"] == "SPREADING"
    found = confirm(exposure(), STEP, seen, now=late + 0.1)
    assert found["word"] == "LOST"
    assert found["reason"] == "not served 1800 s after deployment 7 began"


def test_a_look_keeps_what_it_does_not_change_and_leaves_its_input_alone() -> None:
    before = exposure(note="kept")
    found = confirm(before, STEP, DONE, now=2100.0)

    assert found["note"] == "kept"
    assert before == exposure(note="kept")
