"""Cohorts: fixed buckets, evenly spread; growing exposure only ever adds users."""

import re
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.domain.cohort import BUCKETS, CANDIDATE, CONTROL, bucket, mark, sampled
from rollout.domain.flag import Flag
from rollout.domain.routing import route

SALTS = ("beta-1", "quiet-1", "2024-06", "é", "")
USERS = [f"user-{number}" for number in range(20_000)]

TEXT = st.text("az09-_: é漢😀", max_size=40)
EXPOSURES = st.integers(min_value=0, max_value=BUCKETS)
BUCKET_NUMBERS = st.integers(min_value=0, max_value=BUCKETS - 1)


# Somebody in each bucket, so that every one of them can be asked for its arm.
SALT = "salt-1"
USER_IN = {bucket(SALT, f"user-{number}"): f"user-{number}" for number in range(150_000)}


def arm(number: int, exposure: int, *, listed: bool = False) -> str:
    """The arm of a user in that bucket."""
    user = USER_IN[number]
    flag = Flag(True, exposure, salt=SALT, lease_until=1, allow_list=(user,) * listed)
    found, *why = route(flag, user, 0)
    assert why == [number, exposure]
    return found


def chi_square(counts: Counter[int], cells: int, total: int) -> float:
    expected = total / cells
    return sum((counts[cell] - expected) ** 2 / expected for cell in range(cells))


# Buckets


@pytest.mark.parametrize(
    ("salt", "user", "number"),
    [
        ("salt-1", "user-1", 3795),
        ("salt-1", "user-2", 3316),
        ("salt-2", "user-1", 667),
        ("", "", 4368),
    ],
)
def test_a_users_bucket_is_what_it_has_always_been(salt: str, user: str, number: int) -> None:
    assert bucket(salt, user) == number


@given(salt=TEXT, user=TEXT)
def test_a_bucket_is_one_of_ten_thousand(salt: str, user: str) -> None:
    assert 0 <= bucket(salt, user) < BUCKETS == 10_000


def test_a_user_id_that_is_not_valid_unicode_still_has_a_bucket() -> None:
    assert 0 <= bucket("salt", "\ud800") < BUCKETS


@pytest.mark.parametrize("salt", SALTS)
def test_users_spread_evenly_over_the_buckets(salt: str) -> None:
    hundredths = Counter(bucket(salt, user) // 100 for user in USERS)

    # 99 degrees of freedom: even spreading exceeds 161 once in ten thousand salts.
    assert chi_square(hundredths, 100, len(USERS)) < 161


@pytest.mark.parametrize("salt", SALTS)
def test_one_percent_of_the_buckets_holds_one_percent_of_the_users(salt: str) -> None:
    exposed = sum(bucket(salt, user) < 100 for user in USERS)

    # 200 expected, standard deviation 14.
    assert abs(exposed - 200) < 4 * 14


@pytest.mark.parametrize(("salt", "other"), list(pairwise(SALTS)))
def test_salts_are_independent_of_each_other(salt: str, other: str) -> None:
    pairs = Counter(bucket(salt, user) // 1000 * 10 + bucket(other, user) // 1000 for user in USERS)

    # 99 degrees of freedom, as above: each of the hundred pairs of tenths is as likely.
    assert chi_square(pairs, 100, len(USERS)) < 161


# Arms


@given(number=BUCKET_NUMBERS, exposures=st.tuples(EXPOSURES, EXPOSURES).map(sorted))
def test_a_user_in_the_cohort_stays_in_it_when_exposure_grows(
    number: int, exposures: list[int]
) -> None:
    smaller, larger = exposures

    if arm(number, smaller) == CANDIDATE:
        assert arm(number, larger) == CANDIDATE


@given(salt=TEXT, exposures=st.tuples(EXPOSURES, EXPOSURES).map(sorted))
def test_the_cohort_of_a_smaller_exposure_lies_within_that_of_a_larger_one(
    salt: str, exposures: list[int]
) -> None:
    users = USERS[:200]
    within, around = (
        {user for user in users if arm(bucket(salt, user), exposure) == CANDIDATE}
        for exposure in exposures
    )

    assert within <= around


@settings(max_examples=10)
@given(exposure=EXPOSURES)
def test_an_exposure_holds_exactly_as_many_buckets_as_basis_points(exposure: int) -> None:
    assert [arm(number, exposure) for number in range(BUCKETS)].count(CANDIDATE) == exposure


@pytest.mark.parametrize(
    ("number", "exposure", "expected"),
    [
        (0, 0, CONTROL),
        (0, 1, CANDIDATE),
        (99, 100, CANDIDATE),
        (100, 100, CONTROL),
        (9999, 9999, CONTROL),
        (9999, 10_000, CANDIDATE),
    ],
)
def test_the_first_bucket_outside_is_the_one_numbered_like_the_exposure(
    number: int, exposure: int, expected: str
) -> None:
    assert arm(number, exposure) == expected


@given(number=BUCKET_NUMBERS, exposure=st.integers(min_value=1, max_value=BUCKETS))
def test_a_listed_user_is_served_by_the_candidate_at_any_exposure(
    number: int, exposure: int
) -> None:
    assert arm(number, exposure, listed=True) == CANDIDATE


@given(number=BUCKET_NUMBERS, exposure=st.integers(max_value=0))
def test_without_exposure_the_control_serves_even_a_listed_user(number: int, exposure: int) -> None:
    assert arm(number, exposure, listed=True) == CONTROL


def test_a_user_is_listed_by_the_whole_id_only() -> None:
    flag = Flag(True, 1, salt="salt-1", lease_until=1, allow_list=("user-1", "user-22"))

    assert route(flag, "user-1", 0) == (CANDIDATE, bucket("salt-1", "user-1"), 1)
    assert route(flag, "user-2", 0) == (CONTROL, bucket("salt-1", "user-2"), 1)


@given(user=TEXT, exposure=EXPOSURES, salts=st.tuples(TEXT, TEXT))
def test_a_flag_with_another_salt_has_other_buckets(
    user: str, exposure: int, salts: tuple[str, str]
) -> None:
    flag = Flag(True, exposure, salt=salts[0], lease_until=1)

    for salt in salts:
        number = bucket(salt, user)
        expected = (arm(number, exposure), number, exposure)
        assert route(replace(flag, salt=salt), user, 0) == expected


# Samples of requests


@given(salt=TEXT, request=TEXT)
def test_a_sample_of_nothing_has_no_request_and_of_everything_has_each(
    salt: str, request: str
) -> None:
    assert not sampled(salt, request, 0)
    assert sampled(salt, request, BUCKETS)


@given(salt=TEXT, request=TEXT)
def test_a_request_enters_the_sample_when_it_exceeds_its_bucket(salt: str, request: str) -> None:
    number = bucket(salt, request)

    assert not sampled(salt, request, number)
    assert sampled(salt, request, number + 1)


def test_a_sample_has_about_its_share_of_requests() -> None:
    taken = sum(sampled("salt", f"request-{number}", 3000) for number in range(10_000))

    # 3,000 expected, standard deviation 46.
    assert abs(taken - 3000) < 4 * 46


def test_requests_of_one_user_are_sampled_one_by_one() -> None:
    # The sample hashes the request, so the cohort says nothing about it.
    taken = {sampled("salt", f"user-1/{number}", 5000) for number in range(50)}

    assert taken == {True, False}


def test_a_mark_stands_for_a_user_under_a_salt_and_stays_what_it_is() -> None:
    marked = mark("s", "user-1")
    assert re.fullmatch(r"sha256:[0-9a-f]{16}", marked)
    assert mark("s", marked) == marked
    assert len({marked, mark("t", "user-1"), mark("s", "user-2")}) == 3


def test_a_marked_user_is_served_by_the_candidate_as_soon_as_anybody_is() -> None:
    open_flag = Flag(enabled=True, candidate_bps=1, salt="s", lease_until=10)
    listed = replace(open_flag, allow_list=(mark("s", "user-1"),))
    assert route(open_flag, "user-1", 5)[0] == "control"
    assert route(listed, "user-1", 5)[0] == "candidate"
    assert route(replace(listed, candidate_bps=0), "user-1", 5)[0] == "control"
    assert route(listed, "user-2", 5)[0] == "control"


def test_who_calls_himself_like_a_mark_is_not_the_user_it_stands_for() -> None:
    marked = mark("s", "user-1")
    flag = Flag(True, 1, salt="s", lease_until=10, allow_list=(marked, "sha256:odd"))
    assert route(flag, marked, 5)[0] == "control"
    assert route(flag, "sha256:odd", 5)[0] == "candidate"
