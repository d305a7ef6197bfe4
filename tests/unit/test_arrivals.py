"""How long until enough requests have come: bounds that hold, and what widens them."""

import math
import random

import pytest

from rollout.domain.arrivals import NONE, dispersion, incomplete_beta, wait


def test_nothing_more_needed_takes_no_time() -> None:
    assert wait(0, [1, 2], 60) == NONE == wait(-1, [], 60)


@pytest.mark.parametrize("counts", [[], [0], [0] * 20])
def test_without_a_request_nobody_knows(counts: list[int]) -> None:
    assert wait(10, counts, 60) is None


def test_the_middle_is_about_needed_over_rate_and_the_bounds_surround_it() -> None:
    found = wait(100, [10] * 60, 60)
    assert found is not None
    assert found.soonest < found.likely < found.latest
    assert found.likely == pytest.approx(600, rel=0.01)


def test_more_counts_make_the_bounds_narrower() -> None:
    few, many = wait(100, [10] * 7, 60), wait(100, [10] * 700, 60)
    assert few is not None
    assert many is not None
    assert many.latest - many.soonest < few.latest - few.soonest
    # The chance in the arrivals to come stays: they are 100, so about 10 of them either way.
    assert many.latest - many.soonest > 2 * 1.6 * 60


def test_counts_that_vary_more_make_the_bounds_wider() -> None:
    steady, bursts = wait(100, [10] * 60, 60), wait(100, [0, 0, 0, 40] * 15, 60)
    assert steady is not None
    assert bursts is not None
    assert bursts.latest - bursts.soonest > 3 * (steady.latest - steady.soonest)


def test_a_chance_of_more_has_wider_bounds() -> None:
    half, most = wait(20, [3] * 10, 60, 0.5), wait(20, [3] * 10, 60, 0.99)
    assert half is not None
    assert most is not None
    assert most.soonest < half.soonest < half.likely == most.likely < half.latest < most.latest


@pytest.mark.parametrize(("needed", "rate", "periods"), [(1, 0.5, 10), (30, 5, 5), (400, 40, 30)])
def test_the_bounds_hold_as_often_as_they_say(needed: int, rate: float, periods: int) -> None:
    """Poisson arrivals at a rate the forecast does not know; the wait is drawn from the truth."""
    chance, inside, tried = random.Random(11), 0, 500
    for _ in range(tried):
        counts = [poisson(rate, chance) for _ in range(periods)]
        found = wait(needed, counts, 1.0)
        took = chance.gammavariate(needed, 1 / rate)
        inside += found is not None and found.soonest <= took <= found.latest
    # Never having seen a request gives no bounds, which is rare here (exp(-5)).
    assert 0.85 <= inside / tried <= 0.95


def poisson(mean: float, chance: random.Random) -> int:
    passed, count = chance.expovariate(1), 0
    while passed < mean:
        passed, count = passed + chance.expovariate(1), count + 1
    return count


@pytest.mark.parametrize(
    ("a", "b", "x"), [(1, 1, 0.3), (2, 5, 0.1), (9, 3, 0.9), (40, 70, 0.35), (3, 400, 0.01)]
)
def test_the_incomplete_beta_function_is_a_sum_of_binomials(a: int, b: int, x: float) -> None:
    n = a + b - 1
    exact = sum(math.comb(n, k) * x**k * (1 - x) ** (n - k) for k in range(a, n + 1))
    assert incomplete_beta(a, b, x) == pytest.approx(exact, abs=1e-10)


def test_the_incomplete_beta_function_of_halves_is_known() -> None:
    assert incomplete_beta(0.5, 0.5, 0.25) == pytest.approx(2 / math.pi * math.asin(0.5))
    assert (incomplete_beta(2, 3, 0), incomplete_beta(2, 3, 1)) == (0, 1)


@pytest.mark.parametrize("size", [1e3, 1e5, 1e7])
def test_large_counts_converge_to_a_half_at_the_median(size: float) -> None:
    assert incomplete_beta(size, size, 0.5) == pytest.approx(0.5, abs=1e-6)


def test_the_dispersion_of_few_or_even_counts_is_one() -> None:
    assert dispersion([9, 0, 9]) == dispersion([5] * 20) == dispersion([0] * 20) == 1.0
    assert dispersion([0, 0, 0, 40] * 5) > 20
