"""The flag document: what is written is what is read, and what is not ours is refused."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.errors import InvalidInputError
from rollout.domain.flag import (
    CLOSED,
    FULL_BPS,
    NO_LEASE_END,
    Flag,
    parse,
    parse_document,
    with_flag,
)

NAME = "users_read"
DOCUMENT: dict[str, Any] = {
    "version": "1",
    "flags": {NAME: {"name": "Users read"}, "banner": {"name": "Banner"}},
    "values": {NAME: {"enabled": False}, "banner": {"enabled": True, "text": "hello"}},
}

BPS = st.integers(min_value=0, max_value=FULL_BPS)
TEXT = st.text("az09-_: é漢\x00", max_size=20)
RULES = (
    '{"path":"updatedAt","rule":"ignore"}',
    '{"path":"tags","rule":"set"}',
)
TEXTS = st.lists(TEXT, max_size=4).map(tuple)
MILLISECONDS = st.floats(min_value=0, max_value=1e6)
MOMENTS = st.integers(min_value=0, max_value=NO_LEASE_END)
FLAGS = st.builds(
    Flag,
    enabled=st.booleans(),
    candidate_bps=BPS,
    shadow_bps=BPS,
    salt=TEXT,
    lease_until=MOMENTS,
    rollout_id=TEXT,
    phase=TEXT,
    control_slow_ms=MILLISECONDS,
    candidate_slow_ms=MILLISECONDS,
    allow_list=TEXTS,
    cleaning_rules=st.lists(st.sampled_from(RULES), max_size=4).map(tuple),
    noise_bps=BPS,
)
HELD = Flag(
    enabled=True,
    candidate_bps=500,
    shadow_bps=3000,
    salt="salt-1",
    lease_until=2000,
    rollout_id="beta-1",
    phase="ramp-5",
    control_slow_ms=80.0,
    candidate_slow_ms=500.0,
    allow_list=("user-1",),
    cleaning_rules=RULES[:1],
    noise_bps=500,
)


# Leases


def test_an_exposure_is_authorised_until_its_lease_ends() -> None:
    assert HELD.exposure_at(1999.9) == 500
    assert HELD.shadow_at(1999.9) == 3000


@pytest.mark.parametrize("now", [2000, 2000.5, 1e12])
def test_after_the_lease_nobody_is_exposed_and_nothing_is_shadowed(now: float) -> None:
    assert HELD.exposure_at(now) == 0
    assert HELD.shadow_at(now) == 0


@given(flag=FLAGS, late=st.integers(min_value=0, max_value=10**9))
def test_no_flag_outlives_its_lease(flag: Flag, late: int) -> None:
    assert flag.exposure_at(flag.lease_until + late) == 0
    assert flag.shadow_at(flag.lease_until + late) == 0


def test_a_disabled_flag_exposes_nobody_and_shadows_nothing() -> None:
    off = replace(HELD, enabled=False)

    assert off.exposure_at(0) == 0
    assert off.shadow_at(0) == 0


def test_without_a_flag_the_control_serves_everyone() -> None:
    assert CLOSED.exposure_at(0) == 0
    assert CLOSED.shadow_at(0) == 0


# Ends of a rollout


@given(flag=FLAGS, now=MOMENTS)
def test_a_closed_flag_exposes_nobody_and_is_held_by_nobody(flag: Flag, now: int) -> None:
    closed = flag.closed()

    assert closed.exposure_at(now) == 0
    assert closed.shadow_at(now) == 0
    assert (closed.rollout_id, closed.phase) == ("", "")


def test_closing_keeps_the_salt_so_that_the_cohort_can_be_told_afterwards() -> None:
    assert HELD.closed().salt == "salt-1"


def test_closing_forgets_the_listed_users() -> None:
    assert HELD.closed().allow_list == ()


@given(flag=FLAGS, now=st.integers(min_value=0, max_value=NO_LEASE_END - 1))
def test_a_finished_flag_exposes_everyone_for_good_and_is_held_by_nobody(
    flag: Flag, now: int
) -> None:
    finished = flag.finished()

    assert finished.exposure_at(now) == FULL_BPS
    assert finished.shadow_at(now) == 0
    assert (finished.holder, finished.phase) == ("", "")


# Reading what was written


@given(flag=FLAGS)
def test_a_flag_written_into_a_document_is_read_back_the_same(flag: Flag) -> None:
    assert parse_document(with_flag(DOCUMENT, NAME, flag), NAME) == flag


@given(flag=FLAGS)
def test_a_flag_as_appconfig_serves_it_is_read_the_same(flag: Flag) -> None:
    served = with_flag(DOCUMENT, NAME, flag)["values"]

    assert parse(served, NAME) == flag


def test_writing_a_flag_leaves_the_rest_of_the_document_alone() -> None:
    written = with_flag(DOCUMENT, NAME, HELD)

    assert written["flags"] == DOCUMENT["flags"]
    assert written["version"] == "1"
    assert written["values"]["banner"] == {"enabled": True, "text": "hello"}


def test_writing_a_flag_does_not_change_the_document_it_is_given() -> None:
    with_flag(DOCUMENT, NAME, HELD)

    assert DOCUMENT["values"][NAME] == {"enabled": False}


def test_a_disabled_flag_is_served_without_attributes_and_is_closed() -> None:
    assert parse({NAME: {"enabled": False}}, NAME) == CLOSED


def test_an_enabled_flag_without_numbers_exposes_nobody() -> None:
    assert parse({NAME: {"enabled": True}}, NAME).exposure_at(0) == 0


def test_numbers_that_come_back_as_fractions_are_whole_again() -> None:
    read = parse({NAME: {"enabled": True, "candidate_bps": 100.0, "lease_until": 2000.0}}, NAME)

    assert (read.candidate_bps, read.lease_until) == (100, 2000)
    assert isinstance(read.candidate_bps, int)


def test_attributes_that_are_not_ours_are_passed_over() -> None:
    assert parse({NAME: {"enabled": False, "_createdAt": "2024-06-01"}}, NAME) == CLOSED


# What is not ours


@pytest.mark.parametrize("values", [None, [], "flags", 3, True])
def test_served_values_that_are_no_object_are_refused(values: object) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse(values, NAME)

    assert caught.value.field == "flag document"
    assert caught.value.value == values
    assert caught.value.expected == "a JSON object of flags"


@pytest.mark.parametrize("document", [None, [], "x", {}, {"values": None}, {"values": [NAME]}])
def test_a_stored_document_that_is_not_ours_is_refused(document: object) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_document(document, NAME)

    assert caught.value.field == "flag document"
    assert caught.value.value == document
    assert caught.value.expected == "an AppConfig feature-flag document"


@pytest.mark.parametrize(
    ("flag", "field", "value", "expected"),
    [
        (None, "flag users_read", None, "a JSON object with `enabled`"),
        ("on", "flag users_read", "on", "a JSON object with `enabled`"),
        ({}, "users_read.enabled", None, "true or false"),
        ({"_variants": []}, "users_read.enabled", None, "true or false"),
        ({"enabled": "yes"}, "users_read.enabled", "yes", "true or false"),
        ({"enabled": 1}, "users_read.enabled", 1, "true or false"),
    ],
)
def test_a_flag_that_is_neither_on_nor_off_is_refused(
    flag: object, field: str, value: object, expected: str
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse({NAME: flag}, NAME)

    assert (caught.value.field, caught.value.value) == (field, value)
    assert caught.value.expected == expected


def test_a_document_without_the_flag_is_refused() -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_document({"values": {"banner": {"enabled": True}}}, NAME)

    assert (caught.value.field, caught.value.value) == ("flag users_read", None)


def wrong(key: str, expected: str, *values: object) -> list[tuple[str, object, str]]:
    return [(key, value, expected) for value in values]


INFINITE, NOT_A_NUMBER = float("inf"), float("nan")


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        *wrong("candidate_bps", "a whole number 0..10000", -1, 10_001, 0.5, "100", True, None),
        *wrong("candidate_bps", "a whole number 0..10000", NOT_A_NUMBER, INFINITE),
        *wrong("shadow_bps", "a whole number 0..10000", -1, 10_001, "100"),
        *wrong("lease_until", f"a whole number 0..{NO_LEASE_END}", -1, NO_LEASE_END + 1, "soon"),
        *wrong("control_slow_ms", "a number >= 0", -0.1, "80", True, None, NOT_A_NUMBER),
        *wrong("candidate_slow_ms", "a number >= 0", -0.1, "80"),
        *wrong("salt", "a string", 7, None, ["salt"]),
        *wrong("rollout_id", "a string", 7),
        *wrong("phase", "a string", 7),
        *wrong("allow_list", "a list of strings", "user-1", [1], {"user-1": 1}, None),
        *wrong("cleaning_rules", "a list of strings", "updatedAt", [None]),
        *wrong("tenants", "a list of strings", "acme", [1], None),
        *wrong("noise_bps", "a whole number 0..10000", -1, 10_001, "100"),
    ],
)
def test_an_attribute_of_the_wrong_kind_is_refused(key: str, value: object, expected: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse({NAME: {"enabled": True, key: value}}, NAME)

    assert caught.value.field == f"users_read.{key}"
    assert caught.value.value is value
    assert caught.value.expected == expected


@pytest.mark.parametrize("text", ["updatedAt", "{}", '{"path":"a","rule":"forget"}', "[" * 99])
def test_a_rule_that_makes_no_sense_is_refused_with_its_place(text: str) -> None:
    flag = {"enabled": True, "cleaning_rules": [RULES[0], text]}

    with pytest.raises(InvalidInputError) as caught:
        parse({NAME: flag}, NAME)

    assert caught.value.field == "users_read.cleaning_rules[1]"
    assert caught.value.value == text


def test_the_refusal_says_how_to_get_a_flag_that_is_ours() -> None:
    with pytest.raises(InvalidInputError, match="Deploy the template's initial version"):
        parse({}, NAME)
