"""Both arms' latest latencies: whether the candidate's p95 is above the limit, at the moment."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.histogram import NO_LATENCIES, Latencies, latencies
from rollout.domain.later import MOST
from rollout.domain.recent import WAITING, Recent

# Buckets of 3 %, as they come, and a limit of 30 %.
BUCKETS, LIMIT = 256, 9


def recent() -> Recent:
    return Recent(BUCKETS, LIMIT)


def spread(first: int, count: int = 1000) -> Latencies:
    """One hundred buckets, alike."""
    return latencies(range(first, first + 100), [count // 100] * 100)


@pytest.mark.parametrize(("shift", "slower"), [(0, False), (8, False), (9, True), (40, True)])
def test_a_p95_above_the_limit_is_seen(shift: int, slower: bool) -> None:
    known = recent()
    known.see(spread(0, 10_000), spread(shift, 10_000))
    assert known.slower() is slower


def test_without_candidate_requests_nothing_is_slower() -> None:
    known = recent()
    known.see(spread(0), NO_LATENCIES)
    assert known.slower() is False


def test_a_storm_before_the_candidate_was_asked_hides_nothing() -> None:
    known = recent()
    for _ in range(60):
        # The control in trouble, the candidate not yet asked.
        known.see(spread(100, 1000), NO_LATENCIES)
    for _ in range(60):
        known.see(spread(0, 1000), spread(20, 100))
    assert known.slower() is True


def test_a_storm_while_the_candidate_is_asked_more_accuses_nobody() -> None:
    known = recent()
    known.see(spread(0, 10_000), spread(0, 100))
    known.see(spread(100, 100), spread(100, 10_000))
    assert known.slower() is False


def test_a_p95_above_the_limit_is_seen_when_no_control_is_left() -> None:
    slow, alike = recent(), recent()
    for known, first in ((slow, 20), (alike, 0)):
        for _ in range(10):
            known.see(spread(0), spread(0))
        for _ in range(10):
            known.see(None, spread(first))
    assert slow.slower()
    assert not alike.slower()


def test_arms_that_are_never_asked_in_the_same_minute_are_compared_all_the_same() -> None:
    alike, slower = recent(), recent()
    for _ in range(200):
        for known, first in ((alike, 0), (slower, 20)):
            known.see(spread(0, 100), NO_LATENCIES)
            known.see(NO_LATENCIES, spread(first, 100))
    assert slower.slower()
    assert not alike.slower()


def test_an_arm_that_waits_for_the_other_keeps_its_last_hour_only() -> None:
    known = recent()
    for _ in range(1000):
        known.see(spread(100, 100), NO_LATENCIES)
    for _ in range(WAITING):
        known.see(spread(0, 100), NO_LATENCIES)
    known.see(NO_LATENCIES, spread(0, 100))
    assert not known.slower()
    known.see(spread(0, 100), spread(40, 10_000))
    assert known.slower()


MINUTES = st.tuples(
    st.sampled_from([None, NO_LATENCIES, spread(0, 100), spread(60)]),
    st.sampled_from([NO_LATENCIES, spread(0), spread(9, 100), spread(80)]),
)


@given(st.lists(st.tuples(MINUTES, st.booleans()), max_size=30))
def test_it_makes_no_difference_how_often_one_asks(
    minutes: list[tuple[tuple[Latencies | None, Latencies], bool]],
) -> None:
    often, once = recent(), recent()
    for seen, asked in minutes:
        often.see(*seen)
        once.see(*seen)
        if asked:
            often.slower()
    assert often.slower() is once.slower()
    assert often.control == once.control
    assert often.candidate == once.candidate


def test_after_a_day_in_which_nobody_asked_it_is_taken_in_all_the_same() -> None:
    known = recent()
    for _ in range(MOST):
        known.see(spread(0, 100), spread(20, 100))
    assert known.candidate.requests > 100
    assert known.slower()
