"""The case against the candidate: which minutes are evidence, on what."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.case import ERRORS, MISMATCHES, SHADOW_FAILURES, SLOW, TENANTS, Rail
from rollout.domain.latency import SHARES, Speed
from rollout.domain.minute import Minute
from rollout.domain.trial import Trial
from rollout.domain.wealth import CAP
from rollout.domain.window import Arm, Shadow

RAILS = {
    ERRORS: Rail(0.01, 0.02, 0.5, 0.01, 0.02, 0.05),
    SLOW: Rail(0.05, 0.10, 0.3, 0.05, 0.05, 0.02),
    MISMATCHES: Rail(0.005, 0.01, 0.1),
    SHADOW_FAILURES: Rail(0.01, 0.02, 0.1),
}


def trial() -> Trial:
    return Trial(RAILS, 360)


def told() -> Trial:
    """One whose source has histograms of latencies."""
    return Trial(RAILS, 360, histograms=True)


def minute(control: Arm, candidate: Arm, speed: Speed | None = None) -> Minute:
    return Minute(1, 0.01, control, candidate, speed=speed)


def test_the_control_is_compared_with_also_in_minutes_without_a_candidate_request() -> None:
    """At a few requests an hour the two arms are hardly ever asked in the same minute."""
    known = trial()
    for number in range(120):
        asked = number % 20 == 0
        known.see(minute(Arm(1, 0, 0), Arm(int(asked), int(asked), 0)))
    assert known.values()[ERRORS] > 100


def test_a_shift_of_all_requests_is_seen_before_the_tail_shows_it() -> None:
    shifted, tail_only = told(), told()
    for _ in range(60):
        arms = (Arm(95, 0, 5), Arm(5, 0, 0))
        control = (2, 5, 19, 38, 57, 76)
        shifted.see(minute(*arms, Speed(control, (0, 0, 3, 5, 5, 5), (0, 0, 3, 5, 5, 5))))
        tail_only.see(minute(*arms, Speed(control, (0, 0, 1, 2, 3, 4), (0, 0, 1, 2, 3, 4))))
    assert shifted.values()[SLOW] > 100 > 1 > tail_only.values()[SLOW]


def test_trouble_that_both_arms_share_does_not_blunt_the_evidence_in_calm_minutes() -> None:
    """Storms are set aside; they must not pass for the clumping of calm minutes."""
    known = trial()
    for number in range(400):
        known.see(
            Minute(0, 0.0, Arm(1000, 300 if number % 40 == 0 else number % 3, 0), Arm(0, 0, 0))
        )
    assert known.clumping.phi() < 0.005


def test_a_control_that_is_in_trouble_alone_shows_how_its_errors_clump() -> None:
    """The candidate answers its copies of the same minutes, so it was no storm."""
    alone, shared = trial(), trial()
    for number in range(400):
        failed = 100 if number % 40 == 0 else 2
        arms = (Arm(1000, failed, 0), Arm(0, 0, 0))
        alone.see(Minute(0, 0.0, *arms, shadow=Shadow(1000)))
        shared.see(Minute(0, 0.0, *arms, shadow=Shadow(1000 - failed, failed=failed)))
    assert shared.clumping.phi() < 0.005 < 0.02 < alone.clumping.phi()


def test_evidence_below_the_limit_withholds_a_promotion_but_accuses_nobody() -> None:
    known = trial()
    for _ in range(400):
        known.see(minute(Arm(9900, 10, 0), Arm(100, 2, 0)))
    values = known.values()
    assert values[ERRORS] > 10
    assert known.evidence(values)[ERRORS] == 0


def test_one_busy_minute_is_not_taken_for_knowledge_of_clumps() -> None:
    known = trial()
    known.see(Minute(0, 0.0, Arm(13_507, 124, 0), Arm(0, 0, 0)))
    assert known.clumping.phi() >= 0.005


def full(candidate: Arm, tenants: tuple[tuple[int, int, int, int], ...] = ()) -> Minute:
    return Minute(2, 1.0, Arm(0, 0, 0), candidate, tenants=tenants)


def test_what_the_comparison_has_shown_is_not_forgotten_when_the_control_is_gone() -> None:
    """A candidate at 2.5 % is worse than its control long before it is surely above 1 %."""
    known = trial()
    for number in range(40):
        known.see(Minute(1, 0.1, Arm(90, 0, 0), Arm(10, int(number % 4 == 0), 0)))
    before = known.cases[ERRORS].value
    for number in range(40):
        known.see(full(Arm(10, int(number % 4 == 0), 0)))
    assert known.cases[ERRORS].value > 5 * before


def test_no_request_at_full_exposure_waits_to_be_compared_as_well() -> None:
    """It has been weighed against the control's past; a read that still comes to the control is
    no reason to weigh it again."""
    known = trial()
    for _ in range(40):
        known.see(Minute(1, 0.5, Arm(50, 0, 0), Arm(50, 0, 0)))
    for _ in range(10):
        known.see(Minute(2, 1.0, Arm(1, 0, 0), Arm(100, 4, 0)))
    compared = known.cases[ERRORS].relative
    assert compared is not None
    assert compared.wealth.value > 100
    assert compared.block is None


def test_a_storm_at_full_exposure_adds_nothing_to_a_candidate_that_was_as_good_as_its_control() -> (
    None
):
    known = trial()
    for _ in range(60):
        known.see(Minute(1, 0.5, Arm(100, 3, 0), Arm(100, 3, 0)))
    for _ in range(10):
        known.see(full(Arm(200, 10, 0)))
    assert known.cases[ERRORS].value < 1


def test_twice_the_controls_past_errors_are_excused_at_full_exposure() -> None:
    excused, accused = trial(), trial()
    for _ in range(60):
        excused.see(Minute(1, 0.5, Arm(100, 3, 0), Arm(100, 3, 0)))
        accused.see(Minute(1, 0.5, Arm(100, 0, 0), Arm(100, 0, 0)))
    for known in (excused, accused):
        for _ in range(60):
            known.see(full(Arm(100, 5, 0)))
    assert excused.values()[ERRORS] < 1
    assert accused.evidence(accused.values())[ERRORS] > 100


def test_errors_between_what_is_tolerated_and_the_limit_accuse_nobody_at_full_exposure() -> None:
    known = trial()
    for _ in range(30):
        known.see(Minute(1, 0.5, Arm(1000, 1, 0), Arm(1000, 1, 0)))
    for _ in range(30):
        known.see(full(Arm(2000, 32, 0)))
    assert known.values()[ERRORS] > 100
    assert known.evidence(known.values())[ERRORS] < 1


def test_a_small_tenant_that_fails_at_full_exposure_only_is_seen() -> None:
    known = Trial(RAILS, 360, Rail(0.04, 0.04, 0.06, 0.04, 0.04, 0.02))
    for _ in range(60):
        known.see(
            Minute(
                1,
                0.5,
                Arm(50, 0, 0),
                Arm(50, 0, 0),
                tenants=((45, 0, 45, 0), (5, 0, 5, 0)),
            )
        )
    assert known.values()[TENANTS] < 1
    for _ in range(10):
        known.see(full(Arm(100, 6, 0), ((0, 0, 90, 0), (0, 0, 10, 6))))
    assert known.values()[TENANTS] > 100
    assert known.worst_tenant == 1


def test_slow_requests_at_full_exposure_add_to_what_the_comparison_has_shown() -> None:
    known = trial()
    for number in range(100):
        late = int(number % 8 == 0)
        known.see(Minute(1, 0.5, Arm(2, 0, int(number % 10 == 0)), Arm(2, 0, late + number % 2)))
    before = known.cases[SLOW].value
    for number in range(200):
        known.see(full(Arm(2, 0, int(number % 5 == 0))))
    assert known.cases[SLOW].value > 5 * before


def test_one_minute_of_errors_decides_once_the_controls_clumps_are_known() -> None:
    strange, known = trial(), trial()
    for number in range(60):
        known.see(Minute(0, 0.0, Arm(10_000, 10 + number % 5, 500), Arm(0, 0, 0)))
    for one in (strange, known):
        one.see(Minute(1, 0.01, Arm(9_900, 10, 500), Arm(100, 20, 0)))
    assert strange.values()[ERRORS] < 20
    assert known.values()[ERRORS] > 100


def test_a_second_gross_minute_of_errors_decides_within_an_hour() -> None:
    soon, late = trial(), trial()
    for known, quiet in ((soon, 50), (late, 70)):
        for number in range(quiet + 2):
            failed = 8 if number in (0, quiet + 1) else 0
            known.see(Minute(1, 0.25, Arm(75, 0, 0), Arm(25, failed, 0)))
    assert soon.values()[ERRORS] > 100 > late.values()[ERRORS]


def test_one_minute_of_slowness_never_decides() -> None:
    """A step of the ramp starts cold sandboxes, which are slow at first."""
    known = trial()
    for number in range(60):
        known.see(Minute(0, 0.0, Arm(10_000, 10, 500 + number % 5), Arm(0, 0, 0)))
    known.see(Minute(1, 0.25, Arm(7_500, 8, 375), Arm(2_500, 3, 2_000)))
    assert known.values()[SLOW] <= RAILS[SLOW].share * CAP
    known.see(Minute(1, 0.25, Arm(7_500, 8, 375), Arm(2_500, 3, 2_000)))
    assert known.values()[SLOW] > 100


# Of a hundred requests of either arm, alike at every level.
ALIKE = (2, 5, 20, 40, 60, 80)


def test_a_shift_that_comes_with_full_exposure_is_seen_in_all_requests() -> None:
    shifted, alike = told(), told()
    arms = (Arm(100, 0, 5), Arm(100, 0, 5))
    for known, late in ((shifted, (2, 5, 35, 60, 80, 95)), (alike, ALIKE)):
        for _ in range(30):
            known.see(Minute(1, 0.5, *arms, speed=Speed(ALIKE, ALIKE, ALIKE)))
        for _ in range(10):
            nothing = (0,) * len(ALIKE)
            known.see(Minute(2, 1.0, Arm(0, 0, 0), arms[1], speed=Speed(nothing, late, late)))
    assert shifted.values()[SLOW] > 100
    assert alike.values()[SLOW] < 1


def test_what_is_only_tolerated_at_full_exposure_adds_no_evidence_to_a_comparison() -> None:
    """Above 1.15 times what the control was, not above 1.30 times."""
    known = told()
    arms = (Arm(100, 0, 5), Arm(100, 0, 5))
    for _ in range(30):
        known.see(Minute(1, 0.5, *arms, speed=Speed(ALIKE, ALIKE, ALIKE)))
    for _ in range(60):
        nothing = (0,) * len(ALIKE)
        speed = Speed(nothing, (2, 5, 35, 60, 80, 95), ALIKE)
        known.see(Minute(2, 1.0, Arm(0, 0, 0), arms[1], speed=speed))
    assert known.values()[SLOW] < 1


def shaken_together(known: Trial, control: int, candidate: int, minutes: int = 15) -> float:
    """The evidence on errors after an hour of calm and a trouble of both: errors of 1,000."""
    for _ in range(60):
        known.see(minute(Arm(1000, 2, 0), Arm(1000, 2, 0)))
    for _ in range(minutes):
        known.see(minute(Arm(1000, control, 0), Arm(1000, candidate, 0)))
        assert not known.calm
    return known.values()[ERRORS]


def test_a_candidate_that_fails_far_more_than_a_control_in_trouble_is_found() -> None:
    assert shaken_together(trial(), 50, 300, minutes=3) > 100


@pytest.mark.parametrize(
    ("control", "candidate"),
    [
        (50, 50),
        (50, 100),  # twice as many are excused
        (300, 600),
        (600, 1000),  # when most fail, the rest says nothing
    ],
)
def test_what_a_control_in_trouble_excuses_is_no_evidence(control: int, candidate: int) -> None:
    assert shaken_together(trial(), control, candidate) < 1


def test_one_minute_of_trouble_never_decides() -> None:
    """How errors clump in it, the calm minutes before have not shown."""
    assert shaken_together(trial(), 50, 900, minutes=1) < 100
    assert shaken_together(trial(), 50, 900, minutes=2) > 100


def test_a_candidate_far_slower_than_a_control_in_trouble_is_found() -> None:
    known = told()
    for stormy in [False] * 60 + [True] * 15:
        slow, slower = (160, 950) if stormy else (50, 50)
        found = [(20, some, 190, 380, 570, 760) for some in (slow, slower, slower)]
        arms = (Arm(1000, 0, slow), Arm(1000, 0, slower))
        known.see(minute(*arms, Speed(*found, stormy=stormy)))
    assert known.values()[SLOW] > 100


def test_slow_requests_of_a_stormy_minute_are_neither_evidence_nor_the_controls_clumps() -> None:
    known = told()
    for number in range(300):
        stormy = number % 100 < 15
        slow = 60 if stormy else 5
        speed = Speed(*((2, slow, *ALIKE[2:]),) * 3, stormy=stormy)
        known.see(minute(Arm(100, 0, slow), Arm(100, 0, slow), speed))
        assert known.calm is not stormy
    assert known.slow_clumping.phi() < 0.05
    assert known.cases[SLOW].absolute.wealth.value < 1


def test_slow_requests_are_weighed_against_what_is_usual_where_the_source_knows() -> None:
    """Eight of a hundred are more, over usual ones of four and a half, than over five."""
    nominal, known = told(), told()
    for _ in range(60):
        for one, usual in ((nominal, 0.05), (known, 0.045)):
            speed = Speed(ALIKE, (2, 8, *ALIKE[2:]), ALIKE, (0.025, usual, *SHARES[2:]))
            one.see(minute(Arm(100, 0, 5), Arm(100, 0, 8), speed))
    values = [one.cases[SLOW].absolute.wealth.value for one in (nominal, known)]
    assert values[1] > 2 * values[0]


def test_more_stragglers_show_in_the_tail_before_they_show_at_p95() -> None:
    """Twice as many of the slowest fortieth, hardly more of the slowest twentieth."""
    known = told()
    for _ in range(60):
        speed = Speed((25, 50, *ALIKE[2:]), (5, 6, 20, 40, 60, 80), ALIKE)
        known.see(Minute(1, 0.1, Arm(1000, 0, 50), Arm(100, 0, 6), speed=speed))
    assert known.slowness.whole.tail.value > 100 > known.cases[SLOW].value


def sparse(slow: Callable[[int], bool]) -> Trial:
    """The candidate is asked once an hour, and each time once again a minute later.

    slow: whether the one that is so many minutes after the hour is slow.
    """
    known = told()
    for number in range(1200):
        since = number % 60
        if since > 1:
            candidate, counts = Arm(0, 0, 0), (0,) * len(ALIKE)
        else:
            candidate = Arm(1, 0, int(slow(since)))
            counts = (int(slow(since)),) * len(ALIKE)
        known.see(minute(Arm(100, 0, 5), candidate, Speed(ALIKE, counts, counts)))
    return known


def test_requests_that_may_have_met_a_cold_sandbox_accuse_nobody_by_themselves() -> None:
    cold, slow = sparse(lambda since: since == 0), sparse(lambda since: True)
    for known in (cold, slow):
        assert known.values()[SLOW] > 100
    assert cold.evidence(cold.values(), slower=True)[SLOW] == 0
    assert slow.evidence(slow.values(), slower=True)[SLOW] > 100


def test_requests_at_any_other_time_accuse_though_there_was_a_cold_one() -> None:
    late = sparse(lambda since: since == 1)
    assert late.evidence(late.values(), slower=True)[SLOW] > 100


# Control requests, errors, candidate requests, errors; a phase; and whether somebody asks then.
ROWS = st.lists(
    st.tuples(
        st.sampled_from([0, 3, 100]),
        st.integers(0, 3),
        st.sampled_from([0, 1, 20]),
        st.integers(0, 20),
        st.sampled_from([0, 1, 1, 1, 2]),
        st.booleans(),
    ),
    max_size=25,
)


def row(asked: int, failed: int, answered: int, harmed: int, phase: int) -> Minute:
    arms = Arm(asked, min(failed, asked), 0), Arm(answered, min(harmed, answered), 0)
    tenants = ((asked, min(failed, asked), answered, min(harmed, answered)), (asked, 0, 1, 1))
    return Minute(phase, (0.0, 0.1, 1.0)[phase], *arms, Shadow(answered, 0, 0), tenants)


@given(ROWS)
def test_it_makes_no_difference_how_often_somebody_asks(
    rows: list[tuple[int, int, int, int, int, bool]],
) -> None:
    often, once = (Trial(RAILS, 360, Rail(0.04, 0.04, 0.1, 0.04, 0.04, 0.02)) for _ in range(2))
    for *counts, asked in rows:
        often.see(row(*counts))
        once.see(row(*counts))
        if asked:
            often.values()
    assert often.values() == once.values()
    assert often.shaken == once.shaken


@given(ROWS, st.floats(0, 1000))
def test_a_mark_is_reached_when_the_values_add_up_to_it(
    rows: list[tuple[int, int, int, int, int, bool]], mark: float
) -> None:
    quick, exact = (Trial(RAILS, 360, Rail(0.04, 0.04, 0.1, 0.04, 0.04, 0.02)) for _ in range(2))
    for *counts, _ in rows:
        quick.see(row(*counts))
        exact.see(row(*counts))
        total = sum(exact.values().values())
        if abs(total - mark) > 1e-9 * total:
            assert quick.reaches(mark) is (total > mark)
