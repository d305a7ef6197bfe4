"""Exact bounds: they hold the rate, move the right way, and agree with sums done by hand."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.binomial import events_needed, lower_bound, requests_needed, upper_bound

ERRORS = st.sampled_from([0.5, 0.1, 0.05, 0.01, 1e-4, 1e-6])
RATES = st.sampled_from([0.4, 0.1, 0.05, 0.02, 0.01])


@st.composite
def counts(draw: st.DrawFn, most: int = 300) -> tuple[int, int]:
    """(events, requests) with at least one request."""
    requests = draw(st.integers(min_value=1, max_value=most))
    return draw(st.integers(min_value=0, max_value=requests)), requests


def at_most(events: int, requests: int, rate: float) -> float:
    """P(X <= events), summed term by term."""
    return math.fsum(
        math.comb(requests, i) * rate**i * (1 - rate) ** (requests - i) for i in range(events + 1)
    )


def at_least(events: int, requests: int, rate: float) -> float:
    """P(X >= events), summed term by term."""
    return math.fsum(
        math.comb(requests, i) * rate**i * (1 - rate) ** (requests - i)
        for i in range(events, requests + 1)
    )


@given(counted=counts(), error=ERRORS)
def test_the_bounds_hold_the_rate_that_was_seen(counted: tuple[int, int], error: float) -> None:
    events, requests = counted
    rate = events / requests

    assert 0 <= lower_bound(events, requests, error) <= rate
    assert rate <= upper_bound(events, requests, error) <= 1


@given(counted=counts().filter(lambda c: c[0] < c[1]), error=ERRORS)
def test_at_the_upper_bound_so_few_events_are_exactly_as_rare_as_allowed(
    counted: tuple[int, int], error: float
) -> None:
    bound = upper_bound(*counted, error)

    assert at_most(*counted, bound) == pytest.approx(error, rel=1e-6)


@given(counted=counts().filter(lambda c: c[0] > 0), error=ERRORS)
def test_at_the_lower_bound_so_many_events_are_exactly_as_rare_as_allowed(
    counted: tuple[int, int], error: float
) -> None:
    bound = lower_bound(*counted, error)

    assert at_least(*counted, bound) == pytest.approx(error, rel=1e-6)


def test_the_bounds_of_a_million_requests_agree_with_the_sum() -> None:
    events, requests, error = 100, 1_000_000, 1e-5
    rate = upper_bound(events, requests, error)
    terms = (
        math.lgamma(requests + 1)
        - math.lgamma(i + 1)
        - math.lgamma(requests - i + 1)
        + i * math.log(rate)
        + (requests - i) * math.log1p(-rate)
        for i in range(events + 1)
    )

    assert math.fsum(math.exp(term) for term in terms) == pytest.approx(error, rel=1e-5)


@given(counted=counts(), error=ERRORS)
def test_the_bad_and_the_good_are_mirror_images(counted: tuple[int, int], error: float) -> None:
    events, requests = counted

    assert upper_bound(events, requests, error) == pytest.approx(
        1 - lower_bound(requests - events, requests, error), abs=1e-9
    )


@given(counted=counts().filter(lambda c: c[0] < c[1]), error=ERRORS)
def test_one_event_more_raises_both_bounds(counted: tuple[int, int], error: float) -> None:
    events, requests = counted

    assert upper_bound(events + 1, requests, error) > upper_bound(events, requests, error)
    assert lower_bound(events + 1, requests, error) > lower_bound(events, requests, error)


@given(counted=counts(), error=ERRORS)
def test_one_good_request_more_lowers_both_bounds(counted: tuple[int, int], error: float) -> None:
    events, requests = counted

    assert upper_bound(events, requests + 1, error) < upper_bound(events, requests, error)
    assert lower_bound(events, requests + 1, error) <= lower_bound(events, requests, error)


@given(counted=counts(), errors=st.tuples(ERRORS, ERRORS).map(sorted))
def test_being_wrong_less_often_takes_wider_bounds(
    counted: tuple[int, int], errors: list[float]
) -> None:
    careful, bold = errors

    assert upper_bound(*counted, careful) >= upper_bound(*counted, bold)
    assert lower_bound(*counted, careful) <= lower_bound(*counted, bold)


def test_without_requests_every_rate_is_possible() -> None:
    assert upper_bound(0, 0, 0.05) == 1
    assert lower_bound(0, 0, 0.05) == 0


def test_without_events_no_rate_is_too_small() -> None:
    assert lower_bound(0, 1000, 0.05) == 0


def test_with_nothing_but_events_no_rate_is_too_large() -> None:
    assert upper_bound(1000, 1000, 0.05) == 1


@pytest.mark.parametrize("bound", [upper_bound, lower_bound])
@pytest.mark.parametrize(("events", "requests"), [(-1, 5), (6, 5), (0, -1)])
def test_counts_that_are_no_counts_are_refused(bound: object, events: int, requests: int) -> None:
    assert callable(bound)
    with pytest.raises(ValueError, match=f"{events} of {requests}; expected 0 <= events"):
        bound(events, requests, 0.05)


# How many it takes


@pytest.mark.parametrize(
    ("rate", "requests"), [(0.4, 6), (0.08, 36), (0.04, 74), (0.02, 149), (0.01, 299)]
)
def test_clean_requests_needed_are_those_of_the_tables(rate: float, requests: int) -> None:
    assert requests_needed(0, rate, 0.05) == requests


@given(events=st.integers(min_value=0, max_value=8), rate=RATES, error=ERRORS)
def test_no_fewer_requests_would_do(events: int, rate: float, error: float) -> None:
    needed = requests_needed(events, rate, error)

    assert upper_bound(events, needed, error) <= rate
    assert upper_bound(events, needed - 1, error) > rate


@pytest.mark.parametrize("rate", [0, 1, -0.1, 1.5, math.nan])
def test_a_rate_that_cannot_be_certified_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match=f"rate is {rate}; expected between 0 and 1"):
        requests_needed(0, rate, 0.05)


@given(requests=st.integers(min_value=1, max_value=300), rate=RATES, error=ERRORS)
def test_no_fewer_events_would_do(requests: int, rate: float, error: float) -> None:
    needed = events_needed(requests, rate, error)

    assert needed > requests or lower_bound(needed, requests, error) > rate
    assert lower_bound(needed - 1, requests, error) <= rate


def test_one_more_than_all_is_needed_when_all_would_not_do() -> None:
    assert events_needed(2, 0.5, 0.01) == 3
    assert events_needed(0, 0.5, 0.01) == 1
