"""How much is compared: the phase's share, under a ceiling whatever the traffic."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.flag import FULL_BPS
from rollout.domain.plan import Phase, Plan
from rollout.domain.sampling import shadow_share, too_few


def capped(plan: Plan, most: float | None) -> Plan:
    return replace(plan, most_compared_per_second=most)


def soak(plan: Plan, bps: int = 10_000) -> Phase:
    return replace(plan.phase("soak"), shadow_bps=bps)


@pytest.mark.parametrize(
    ("per_second", "share"),
    [(1, 10_000), (50, 10_000), (100, 5000), (1000, 500), (1e6, 1), (1e9, 1)],
)
def test_the_share_falls_as_traffic_grows_past_the_ceiling(
    plan: Plan, per_second: float, share: int
) -> None:
    assert shadow_share(capped(plan, 50), soak(plan), per_second) == share


def test_without_a_ceiling_or_a_count_of_the_traffic_it_is_the_phases_own(plan: Plan) -> None:
    assert shadow_share(capped(plan, None), soak(plan, 700), 1e6) == 700
    assert shadow_share(capped(plan, 1), soak(plan, 700), None) == 700
    assert shadow_share(capped(plan, 1), soak(plan, 700), 0.0) == 700


def test_a_phase_without_a_shadow_gets_none(plan: Plan) -> None:
    assert shadow_share(capped(plan, 1), soak(plan, 0), 1e6) == 0


@given(
    most=st.floats(0.01, 1e6),
    per_second=st.floats(0.001, 1e9),
    bps=st.integers(0, FULL_BPS),
)
def test_it_is_never_more_than_the_phase_nor_than_the_ceiling_plus_one_point(
    plan: Plan, most: float, per_second: float, bps: int
) -> None:
    share = shadow_share(capped(plan, most), soak(plan, bps), per_second)
    assert 0 <= share <= bps
    assert per_second * share / FULL_BPS <= max(most, per_second / FULL_BPS) * (1 + 1e-9)


def test_a_ceiling_under_which_the_soak_cannot_end_is_found(plan: Plan) -> None:
    longest = plan.phase("soak").maximum_bake_seconds
    allowed, needed = too_few(capped(plan, 1 / longest)) or (0, 0)
    assert (allowed, needed > 1) == (1, True)
    assert too_few(capped(plan, (needed + 1) / longest)) is None
    assert too_few(capped(plan, None)) is None
