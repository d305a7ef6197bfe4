"""Certificates of harmlessness, and intervals that hold at every look."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.certificate import (
    EVEN,
    KEPT_EVEN,
    certificate,
    clean_requests_needed,
    interval,
    stakes_after,
)
from rollout.domain.clumping import LEAST, Clumping

COUNTS = st.tuples(st.integers(0, 40), st.integers(0, 2000))


@pytest.mark.parametrize(
    ("events", "bound", "needed"),
    [
        (0, 0.4, 8),
        (1, 0.4, 14),
        (2, 0.4, 19),
        (0, 0.08, 45),
        (1, 0.08, 78),
        (0, 0.04, 91),
        (0, 0.02, 184),
        (1, 0.02, 318),
        (2, 0.02, 430),
    ],
)
def test_so_many_requests_certify_a_bound_at_5_percent(
    events: int, bound: float, needed: int
) -> None:
    assert events + clean_requests_needed(events, events, bound, 0.05) == needed


@pytest.mark.parametrize("requests", [5, 60, 400])
@pytest.mark.parametrize("excess", [1.0, 1.5, 5.0])
def test_a_certificate_is_not_worth_more_than_it_costs_at_or_above_the_bound(
    requests: int, excess: float
) -> None:
    rate = 0.04 * excess
    mean = sum(
        math.comb(requests, k)
        * rate**k
        * (1 - rate) ** (requests - k)
        * certificate(k, requests, 0.04)
        for k in range(requests + 1)
    )
    assert mean <= 1 + 1e-9


@given(before=COUNTS, bound=st.floats(0.001, 0.5))
def test_whatever_was_seen_before_no_more_is_staked_than_there_is_and_a_part_stays_even(
    before: tuple[int, int], bound: float
) -> None:
    events, clean = before
    stakes = stakes_after(events, events + clean, bound)
    assert math.isclose(sum(stakes), 1)
    assert all(
        stake >= KEPT_EVEN * even * (1 - 1e-9) for stake, even in zip(stakes, EVEN, strict=True)
    )


@pytest.mark.parametrize("before", [(0, 1000), (30, 1000), (500, 1000)])
def test_a_certificate_on_chosen_stakes_is_not_worth_more_than_it_costs(
    before: tuple[int, int],
) -> None:
    stakes = stakes_after(*before, 0.04)
    mean = sum(
        math.comb(200, k) * 0.04**k * 0.96 ** (200 - k) * certificate(k, 200, 0.04, stakes=stakes)
        for k in range(201)
    )
    assert mean <= 1 + 1e-9


@pytest.mark.parametrize(
    ("before", "needed"), [((0, 0), 184), ((0, 1000), 157), ((8, 1000), 228), ((50, 1000), 291)]
)
def test_what_phases_before_have_shown_says_what_to_stake_on(
    before: tuple[int, int], needed: int
) -> None:
    stakes = stakes_after(*before, 0.02)
    assert clean_requests_needed(0, 0, 0.02, 0.05, stakes=stakes) == needed


@given(counts=COUNTS, bound=st.floats(0.001, 0.5), design=st.floats(1, 50))
def test_an_error_never_helps_to_certify_and_a_clean_request_never_hurts(
    counts: tuple[int, int], bound: float, design: float
) -> None:
    events, clean = counts
    here = certificate(events, events + clean, bound, design)
    assert certificate(events + 1, events + clean + 1, bound, design) <= here * (1 + 1e-9)
    assert certificate(events, events + clean + 1, bound, design) >= here * (1 - 1e-9)


@given(counts=COUNTS, bound=st.floats(0.005, 0.5))
def test_what_is_needed_is_enough_and_not_one_too_many(
    counts: tuple[int, int], bound: float
) -> None:
    events, clean = counts
    needed = clean_requests_needed(events, events + clean, bound, 0.05)
    assert certificate(events, events + clean + needed, bound) >= 20
    assert not needed or certificate(events, events + clean + needed - 1, bound) < 20


def test_clumped_errors_take_longer_to_certify() -> None:
    assert clean_requests_needed(0, 0, 0.02, 0.05, design=2.0) > clean_requests_needed(
        0, 0, 0.02, 0.05
    )


def test_nothing_certifies_nothing() -> None:
    assert certificate(0, 0, 0.02) == 1


@given(counts=COUNTS)
def test_an_interval_contains_the_rate_seen(counts: tuple[int, int]) -> None:
    events, clean = counts
    low, high = interval(events, events + clean, 0.05)
    assert 0 <= low <= high <= 1
    if events + clean:
        assert low <= events / (events + clean) <= high


def test_an_interval_holds_at_every_look_not_only_at_one() -> None:
    chance = random.Random(11)
    missed = 0
    for _ in range(150):
        events, always = 0, True
        for requests in range(1, 151):
            events += chance.random() < 0.1
            low, high = interval(events, requests, 0.05)
            always &= low <= 0.1 <= high
        missed += not always
    assert missed <= 15  # 5 % of 150 is 7.5; more than 15 has a chance below 0.5 %


@given(counts=COUNTS)
def test_less_doubt_allowed_makes_a_wider_interval(counts: tuple[int, int]) -> None:
    events, clean = counts
    low, high = interval(events, events + clean, 0.05)
    wider = interval(events, events + clean, 0.001)
    assert wider[0] <= low + 1e-9
    assert wider[1] >= high - 1e-9


# Clumping


def learnt(phi: float, minutes: int, requests: int, rate: float = 0.05) -> float:
    """What is believed after minutes of beta-binomial counts."""
    chance, clumping = random.Random(3), Clumping()
    for _ in range(minutes):
        here = rate
        if phi:
            size = 1 / phi - 1
            here = chance.betavariate(size * rate, size * (1 - rate))
        clumping.see(sum(chance.random() < here for _ in range(requests)), requests)
    return clumping.phi()


def test_until_the_control_has_shown_enough_the_declared_clumping_counts() -> None:
    assert Clumping().phi() == 0.005
    assert learnt(0, 5, 50) == pytest.approx(0.005, abs=0.02)


def test_a_regular_control_is_believed_in_the_end() -> None:
    assert LEAST <= learnt(0, 60, 2000) < 0.002


def test_a_clumped_control_is_believed_to_be_at_least_so() -> None:
    assert learnt(0.03, 100, 1000) >= 0.03


@pytest.mark.parametrize("counts", [(0, 0), (0, 100), (100, 100)])
def test_a_control_without_variety_teaches_nothing(counts: tuple[int, int]) -> None:
    clumping = Clumping()
    clumping.see(*counts)
    assert clumping.phi() == 0.005
