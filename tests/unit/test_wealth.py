"""E-processes: no bet pays on average while the candidate is tolerable, and harm pays soon."""

import math
import random
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.bets import Odds, Rates, ladder
from rollout.domain.harm import FIRST, Absolute, Onset, Relative, When
from rollout.domain.likelihood import absolutes, relatives
from rollout.domain.wealth import CAP, GROSS, QUIET, REMEMBERED, TAPER, Wealth, alternatives

AT = (1, 1)


def absolute(events: int, requests: int, null: float, rate: float, phi: float) -> float:
    return math.exp(absolutes((events, requests), null, (rate,), phi)[0])


def relative(
    candidate: tuple[int, int], control: tuple[int, int], odds: float, phi: float
) -> float:
    return math.exp(relatives(candidate, control, (odds,), phi)[0])


def binomials(n: int, p: float) -> Iterator[tuple[int, float]]:
    for k in range(n + 1):
        yield k, math.comb(n, k) * p**k * (1 - p) ** (n - k)


def beta_binomials(n: int, p: float, phi: float) -> Iterator[tuple[int, float]]:
    size = 1 / phi - 1
    a, b = size * p, size * (1 - p)

    def log_beta(x: float, y: float) -> float:
        return math.lgamma(x) + math.lgamma(y) - math.lgamma(x + y)

    for k in range(n + 1):
        yield k, math.comb(n, k) * math.exp(log_beta(k + a, n - k + b) - log_beta(a, b))


@pytest.mark.parametrize("requests", [1, 2, 7, 40, 200])
@pytest.mark.parametrize("rate", [0.0, 0.002, 0.01])
@pytest.mark.parametrize("phi", [0.0002, 0.005, 0.03])
@pytest.mark.parametrize("effect", [0.05, 0.2, 0.7])
def test_an_absolute_bet_does_not_pay_up_to_the_tolerated_rate(
    requests: int, rate: float, phi: float, effect: float
) -> None:
    mean = sum(p * absolute(k, requests, 0.01, effect, phi) for k, p in binomials(requests, rate))
    assert mean <= 1 + 1e-9


@pytest.mark.parametrize("requests", [2, 40, 200])
@pytest.mark.parametrize("phi", [0.005, 0.03])
@pytest.mark.parametrize("share", [0.3, 1.0])
def test_an_absolute_bet_does_not_pay_on_clumps_up_to_the_declared_ones(
    requests: int, phi: float, share: float
) -> None:
    counts = beta_binomials(requests, 0.01, share * phi)
    mean = sum(p * absolute(k, requests, 0.01, 0.05, phi) for k, p in counts)
    assert mean <= 1 + 1e-9


@pytest.mark.parametrize(("asked", "asked_control"), [(1, 99), (5, 95), (30, 30), (60, 20)])
@pytest.mark.parametrize("rate", [0.001, 0.02, 0.3])
@pytest.mark.parametrize("odds", [2.0, 60.0])
@pytest.mark.parametrize("phi", [0.0, 0.01])
def test_a_relative_bet_does_not_pay_while_the_arms_are_alike(
    asked: int, asked_control: int, rate: float, odds: float, phi: float
) -> None:
    mean = sum(
        p * q * relative((k, asked), (j, asked_control), odds, phi)
        for k, p in binomials(asked, rate)
        for j, q in binomials(asked_control, rate)
    )
    assert mean <= 1 + 1e-9


@pytest.mark.parametrize(
    ("asked", "asked_control"), [(1, 99), (5, 95), (60, 20), (100, 900), (500, 500)]
)
@pytest.mark.parametrize("rate", [0.002, 0.04, 0.3])
@pytest.mark.parametrize("odds", [2.0, 9.0, 150.0])
@pytest.mark.parametrize("phi", [0.001, 0.005, 0.03])
@pytest.mark.parametrize("share", [0.1, 1.0])
def test_nor_does_it_while_both_arms_have_clumps_of_their_own(
    asked: int, asked_control: int, rate: float, odds: float, phi: float, share: float
) -> None:
    """Up to those that are known; an event of either arm pays the same however many there are."""
    arms = [((1, asked), (0, asked_control)), ((0, asked), (1, asked_control))]
    pays = [math.log(relative(*one, odds, phi)) for one in arms]
    means = [
        sum(p * math.exp(k * pay) for k, p in beta_binomials(requests, rate, share * phi))
        for requests, pay in zip((asked, asked_control), pays, strict=True)
    ]
    assert math.prod(means) <= 1 + 1e-9


@given(
    k=st.integers(0, 40),
    j=st.integers(0, 40),
    asked=st.integers(40, 10_000),
    asked_control=st.integers(40, 10_000),
    odds=st.floats(1.1, 150),
)
def test_without_clumps_it_is_the_likelihood_ratio_of_which_arm_the_events_fall_on(
    k: int, j: int, asked: int, asked_control: int, odds: float
) -> None:
    alike = asked / (asked + asked_control)
    worse = odds * asked / (odds * asked + asked_control)
    ratio = k * math.log(worse / alike) + j * math.log((1 - worse) / (1 - alike))
    found = relatives((k, asked), (j, asked_control), (odds,), 0.0)[0]
    assert math.isclose(found, ratio, rel_tol=1e-9, abs_tol=1e-9)


@given(k=st.integers(0, 11), j=st.integers(0, 200), odds=st.floats(1.1, 60))
def test_one_more_error_of_the_candidate_never_lowers_the_comparison(
    k: int, j: int, odds: float
) -> None:
    here = relative((k, 12), (j, 200), odds, 0.005)
    assert relative((k + 1, 12), (j, 200), odds, 0.005) >= here * (1 - 1e-9)


@given(
    asked=st.integers(1, 10**12),
    asked_control=st.integers(1, 10**12),
    share=st.floats(0, 1),
    phi=st.floats(0, 0.3),
    odds=st.floats(1.1, 150),
)
def test_a_comparison_of_any_number_of_requests_is_a_number(
    asked: int, asked_control: int, share: float, phi: float, odds: float
) -> None:
    counts = (int(share * asked), asked), (int(share * asked_control), asked_control)
    assert all(map(math.isfinite, relatives(*counts, (odds,), phi)))


def test_a_relative_bet_pays_when_only_the_candidate_fails() -> None:
    assert relative((4, 10), (0, 90), 9.0, 0.005) > 100


@given(
    events=st.integers(0, 50),
    clean=st.integers(0, 500),
    null=st.floats(0.001, 0.05),
    phi=st.floats(0.0001, 0.1),
)
def test_one_more_error_never_lowers_the_evidence_and_a_clean_request_never_raises_it(
    events: int, clean: int, null: float, phi: float
) -> None:
    rate = min(0.9, 2 * (null + phi))
    here = absolute(events, events + clean, null, rate, phi)
    assert absolute(events + 1, events + 1 + clean, null, rate, phi) >= here * (1 - 1e-9)
    assert absolute(events, events + clean + 1, null, rate, phi) <= here * (1 + 1e-9)


@given(st.integers(0, 20), st.integers(0, 200), st.integers(0, 20), st.integers(0, 200))
def test_without_clumps_a_minute_may_be_split(k: int, n: int, j: int, m: int) -> None:
    parts = absolute(k, k + n, 0.01, 0.05, 1e-9) * absolute(j, j + m, 0.01, 0.05, 1e-9)
    assert math.isclose(absolute(k + j, k + j + n + m, 0.01, 0.05, 1e-9), parts, rel_tol=1e-6)


@pytest.mark.parametrize("requests", [0, 1, 10**9, 10**12])
@pytest.mark.parametrize("share", [0.0, 0.01, 1.0])
def test_no_number_of_requests_is_too_many(requests: int, share: float) -> None:
    wealth = Wealth(alternatives([0.3]))
    wealth.bet(absolutes((int(share * requests), requests), 0.01, (0.3,), 0.005), 1.0, 1)
    assert math.isfinite(wealth.value)
    assert wealth.value > 0


@given(
    events=st.integers(0, 40),
    clean=st.integers(0, 400),
    phi=st.sampled_from([1e-6, 0.0002, 0.005, 0.03]),
)
def test_what_several_rates_share_changes_none_of_them(events: int, clean: int, phi: float) -> None:
    rates, requests = (0.011, 0.05, 0.2, 0.7), events + clean
    found = absolutes((events, requests), 0.01, rates, phi, 0.02)
    assert found[0] == 0  # too near to the null
    for rate, one in zip(rates[1:], found[1:], strict=True):
        plain = math.log(absolute(events, requests, 0.01, rate, phi))
        assert math.isclose(one, plain, rel_tol=1e-9, abs_tol=1e-9)


# Mixtures


def test_money_that_is_not_staked_keeps_its_value() -> None:
    wealth = Wealth(ladder(0.01))
    assert wealth.value == 1
    wealth.bet([math.log(0.5)] * len(wealth.alternatives), 0.25, 1)
    assert math.isclose(wealth.value, 0.75 + 0.125)


def test_no_more_is_staked_than_there_is() -> None:
    wealth = Wealth(ladder(0.01))
    for minute in range(10):
        wealth.wait(0.3, minute)
    assert math.isclose(wealth.value, 1)
    assert abs(wealth.unspent) < 1e-12


def test_one_minute_pays_at_most_the_cap_and_a_second_gross_one_decides() -> None:
    wealth = Wealth(alternatives([0.5]))
    wealth.bet([math.log(1e9)], 1.0, 1)
    assert math.isclose(wealth.value, CAP)
    wealth.bet([math.log(1e9)], 0.0, 1 + REMEMBERED)
    assert math.isclose(wealth.value, CAP * 1e9)


def test_a_minute_that_may_decide_alone_has_no_cap() -> None:
    capped, free = Wealth(alternatives([0.3])), Wealth(alternatives([0.3]))
    capped.bet([math.log(1e6)], 1.0, 1)
    free.bet([math.log(1e6)], 1.0, 1, capped=False)
    assert math.isclose(capped.value, CAP)
    assert math.isclose(free.value, 1e6)


def test_a_gross_minute_is_forgotten_after_a_while() -> None:
    wealth = Wealth(alternatives([0.5]))
    for minute in (1, 2 + REMEMBERED):
        wealth.bet([math.log(1e9)], 1.0, minute)
    assert math.isclose(wealth.value, CAP**2)


def shaken(*factors: float, then: int = 0) -> bool:
    """Whether it is, so many minutes after minutes with these factors."""
    wealth = Wealth(alternatives([0.5]))
    for minute, factor in enumerate([*factors, *[0.9] * then]):
        wealth.bet([math.log(factor)], 0.1, minute)
    return wealth.shaken(len(factors) + then - 1)


def test_a_gross_minute_shakes_the_trust_for_a_while() -> None:
    assert shaken(1.0, GROSS, then=QUIET - 1)
    assert not shaken(1.0, GROSS, then=QUIET)


def test_a_minute_that_says_all_it_may_does_for_as_long_as_a_second_one_decides() -> None:
    assert shaken(1.0, CAP, then=REMEMBERED - 1)
    assert not shaken(1.0, CAP, then=40)


def test_several_bad_minutes_shake_it_as_much_as_a_gross_one_until_good_ones_weigh_more() -> None:
    assert shaken(*[2.1] * 3)
    assert not shaken(*[2.1] * 2)
    assert not shaken(*[2.1] * 3, then=2)


def test_the_onset_is_the_first_minute_of_the_harm() -> None:
    wealth = Wealth(alternatives([0.5]))
    for minute, factor in enumerate([0.9, 0.9, 1.1, 0.5, 3.0, 3.0]):
        wealth.bet([math.log(factor)], 0.1, minute)
    assert wealth.onset() == 4


def test_a_minute_that_says_nothing_is_a_bet_that_pays_nothing() -> None:
    some, others = Wealth(ladder(0.01, fractional=True)), Wealth(ladder(0.01, fractional=True))
    for minute, log in enumerate([0.7, 0.0, -0.2, 0.0, 0.0, 1.1, 0.0]):
        logs = [log / (1 + place) for place in range(len(some.alternatives))]
        some.bet(logs, 0.1, minute)
        (others.bet(logs, 0.1, minute) if log else others.wait(0.1, minute))
        assert math.isclose(some.value, others.value)
        assert some.onset() == others.onset()


def test_the_share_above_a_limit_counts_the_larger_effects_only() -> None:
    wealth = Wealth(alternatives([0.01, 0.05]))
    wealth.bet([0.0, math.log(3.0)], 1.0, 1)
    assert math.isclose(wealth.share_above(0.02), 3 * TAPER / (1 + 3 * TAPER))


def test_all_is_staked_and_more_of_it_on_smaller_effects() -> None:
    known = alternatives([0.01, 0.05, 0.3], [0.05, 0.3])
    shares = [one.share for one in known]
    assert math.isclose(sum(shares), 1)
    assert shares == sorted(shares, reverse=True)


@pytest.mark.parametrize("tolerated", [0.0005, 0.01, 0.05, 0.3, 0.6])
def test_every_rate_worth_noticing_has_a_bet_near_it(tolerated: float) -> None:
    effects = [one.effect for one in ladder(tolerated)]
    assert effects == sorted(effects)
    assert tolerated < effects[0] < 1
    assert math.isclose(sum(one.share for one in ladder(tolerated)), 1)


@given(st.lists(st.booleans(), max_size=300), st.integers(1, 100))
def test_the_stakes_of_all_onsets_never_exceed_the_money(active: list[bool], planned: int) -> None:
    onset = Onset(planned)
    staked = sum(onset.prior(0, active=on) for on in active)
    assert staked <= 1


def test_a_rollout_that_takes_much_longer_than_planned_still_stakes_on_late_harm() -> None:
    onset = Onset(10)
    late = [onset.prior(0, active=True) for _ in range(1000)][-1]
    assert late > 0


def test_what_idle_minutes_have_not_staked_goes_with_the_next_active_one() -> None:
    steady, sparse = Onset(60), Onset(60)
    total = sum(steady.prior(0, active=True) for _ in range(21))
    sparse.prior(0, active=True)
    for _ in range(19):
        sparse.prior(0, active=False)
    assert math.isclose(FIRST + sparse.prior(0, active=True), total)


# Ville's inequality, played out


def test_a_tolerable_candidate_hardly_ever_makes_anybody_rich() -> None:
    """At the tolerated rate exactly, whoever stops at the best moment is rich at most so often."""
    chance = random.Random(5)
    rich = 0
    for _ in range(200):
        test = Absolute(Rates(ladder(0.01)), 120)
        richest = 0.0
        for minute in range(120):
            bad = sum(chance.random() < 0.01 for _ in range(20))
            test.see((bad, 20), 0.01, When(0, minute, 0.005))
            richest = max(richest, test.wealth.value)
        rich += richest >= 20
    assert rich <= 20  # 5 % of 200 is 10; 20 or more has a chance below 0.3 %


def test_harm_is_found_soon_and_dated() -> None:
    test = Absolute(Rates(ladder(0.01)), 120)
    for minute in range(60):
        test.see((0, 20), 0.01, When(0, minute, 0.005))
    for minute in range(60, 70):
        test.see((6, 20), 0.01, When(0, minute, 0.005))
    assert test.wealth.value > 1e6
    assert test.wealth.onset() == 60


def test_blocks_of_a_comparison_wait_for_enough_of_the_control() -> None:
    test = Relative(Odds(alternatives([9.0])), 10)
    for minute in range(3):
        test.compare((1, 1), (0, 4), When(0, minute, 0.0))
    assert test.wealth.value == 1
    test.compare((1, 1), (0, 4), When(0, 3, 0.0))
    assert test.wealth.value > 1


def test_a_new_phase_closes_the_block() -> None:
    test = Relative(Odds(alternatives([9.0])), 10)
    test.compare((1, 1), (0, 10), When(0, 0, 0.0))
    test.compare((0, 0), (0, 1), When(1, 1, 0.0))
    assert test.wealth.value > 1
