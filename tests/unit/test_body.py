"""The body of the latency distribution: no bet pays while the candidate is no slower."""

import math
from collections.abc import Iterator, Sequence
from itertools import accumulate, combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.body import TILTS, Groups, Tilts, groups, worths
from rollout.domain.case import Comparison
from rollout.domain.harm import Absolute, Relative, When
from rollout.domain.latency import P95, SHARES

SCORES = (1.0, 0.75, 0.5, 0.25, 0.0)
WEIGHTS = tuple(tuple(math.exp(tilt * score) for score in SCORES) for tilt in TILTS)
# Those of the groups from 80 % down, which are all alike.
USUAL = SHARES[P95 + 1 :]
counts = st.tuples(*[st.integers(0, 8)] * 5)


def body() -> Comparison[Sequence[float]]:
    """What the judge weighs on the body."""
    tilts = Tilts(len(SCORES))
    return Comparison(USUAL, Absolute(tilts, 360), Relative(tilts, 360))


def paid(candidate: Groups, control: Groups, tilt: int) -> float:
    """ln of the factor of one block; 0 where there is no bet."""
    pooled = tuple(one + other for one, other in zip(candidate, control, strict=True))
    worth = worths(pooled, sum(candidate), WEIGHTS)[tilt]
    score = sum(one * count for one, count in zip(SCORES, candidate, strict=True))
    return TILTS[tilt] * score - worth


def draws(pooled: Groups, asked: int) -> Iterator[Groups]:
    """All ways in which that many of the requests are the candidate's, as groups."""
    of_each = [group for group, count in enumerate(pooled) for _ in range(count)]
    for chosen in combinations(of_each, asked):
        yield tuple(chosen.count(group) for group in range(len(pooled)))


def exact(pooled: Groups, asked: int, weights: Sequence[float]) -> float:
    """ln of the mean product of the weights of `asked` requests, by adding up all draws."""
    sums = [1.0] + [0.0] * asked
    for weight, requests in zip(weights, pooled, strict=True):
        for _ in range(requests):
            for count in range(asked, 0, -1):
                sums[count] += weight * sums[count - 1]
    return math.log(sums[asked] / math.comb(sum(pooled), asked))


@pytest.mark.parametrize("pooled", [(2, 2, 3, 1, 2), (0, 0, 1, 0, 9), (4, 0, 0, 0, 6)])
@pytest.mark.parametrize("asked", [1, 4, 9])
@pytest.mark.parametrize("tilt", range(len(TILTS)))
def test_a_draw_of_few_is_fair(pooled: Groups, asked: int, tilt: int) -> None:
    factors = [
        math.exp(
            paid(mine, tuple(all_ - one for all_, one in zip(pooled, mine, strict=True)), tilt)
        )
        for mine in draws(pooled, asked)
    ]
    assert 0.99 < sum(factors) / len(factors) <= 1 + 1e-9


@given(pooled=st.tuples(*[st.integers(0, 40)] * 5), part=st.floats(0, 1))
def test_no_draw_is_worth_less_than_it_is_on_average(pooled: Groups, part: float) -> None:
    """So it never pays more than fairly, and where many are drawn, hardly less."""
    both = sum(pooled)
    asked = max(1, int(part * both))
    if asked < both:
        for worth, weights in zip(worths(pooled, asked, WEIGHTS), WEIGHTS, strict=True):
            assert worth >= exact(pooled, asked, weights) - 1e-9
            if asked > both / 4:
                assert worth <= exact(pooled, asked, weights) + 0.6


@given(pooled=counts, part=st.floats(0, 1), weights=st.sampled_from(WEIGHTS))
def test_an_exact_draw_never_pays_less_for_a_slower_request_of_the_candidate(
    pooled: Groups, part: float, weights: tuple[float, ...]
) -> None:
    """So a candidate that is faster than the control is paid no more than one that is like it."""
    asked = int(part * sum(pooled))
    if not asked:
        return
    for group in range(1, 5):
        if pooled[group]:
            slower = list(pooled)
            slower[group] -= 1
            slower[group - 1] += 1
            more = exact(tuple(slower), asked, weights) - exact(pooled, asked, weights)
            assert more <= math.log(weights[group - 1] / weights[group]) + 1e-9


@pytest.mark.parametrize("asked", [2500, 5000])
def test_very_many_are_worth_what_drawing_with_replacement_is(asked: int) -> None:
    pooled = (1000, 2000, 3000, 3000, 1000)
    for worth, weights in zip(worths(pooled, asked, WEIGHTS), WEIGHTS, strict=True):
        mean = sum(one * count for one, count in zip(weights, pooled, strict=True)) / sum(pooled)
        assert math.isclose(worth, asked * math.log(mean))


def hour(candidate: Groups, control: Groups) -> float:
    known = body()
    for minute in range(60):
        known.see(candidate, control, When(1, minute, 0.005))
    return known.value


def test_a_shift_is_seen_and_likeness_is_not() -> None:
    control = (19, 19, 19, 19, 19)
    assert hour((2, 1, 1, 1, 0), control) > 100
    assert hour((1, 1, 1, 1, 1), control) < 1
    assert hour((0, 0, 1, 1, 3), control) < 1


def test_a_shift_is_seen_within_minutes_where_half_of_the_users_are_exposed() -> None:
    """Both arms have as many requests, and whose the slow ones are is what a draw tells."""
    known = body()
    for minute in range(5):
        known.see((20, 12, 8, 6, 4), (10, 10, 10, 10, 10), When(1, minute, 0.005))
    assert known.relative is not None
    assert known.relative.wealth.value > 2000


def test_a_shift_of_both_arms_accuses_nobody() -> None:
    assert hour((3, 1, 1, 0, 0), (57, 19, 19, 0, 0)) < 1


def test_a_shift_beside_a_control_that_got_faster_accuses_nobody() -> None:
    """The candidate is as the control was before: slower than it, but not slow."""
    assert hour((1, 1, 1, 1, 1), (0, 0, 19, 38, 38)) < 1


def test_groups_are_told_from_requests_above_each_level() -> None:
    assert groups((2, 3, 7, 9), 10) == (2, 1, 4, 2, 1)


@given(theirs=counts)
def test_one_request_is_worth_nothing_on_average_up_to_what_is_usual(theirs: Groups) -> None:
    """It falls into each group as often as the control's do; at full exposure as well."""
    total = sum(theirs)
    if not total:
        return
    usual = [count / total for count in accumulate(theirs)][:-1]
    worth = {False: 0.0, True: 0.0}
    for group, count in enumerate(theirs):
        mine = tuple(int(number == group) for number in range(len(SCORES)))
        for full in worth:
            known, when = body(), When(1, 1, 0.005)
            if full:
                known.see_full(mine, mine, when, usual)
            else:
                known.see(mine, (0,) * len(SCORES), when, usual)
            worth[full] += count / total * known.absolute.wealth.value
    assert worth[False] == worth[True] <= 1 + 1e-9


def test_at_full_exposure_only_what_is_slower_than_the_limit_is_worse_than_the_control() -> None:
    shifted, alike = (12, 4, 2, 1, 1), (4, 4, 4, 4, 4)
    values = []
    for late in (shifted, alike):
        known = body()
        for minute in range(60):
            known.see_full(shifted, late, When(2, minute, 0.005))
        values.append(known.value)
    assert values[0] > 100 > 1 > values[1]
