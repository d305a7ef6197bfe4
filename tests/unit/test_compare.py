"""Comparing answers: what is equal, what differs and where, and what may differ."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.compare import Difference, differences

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(min_value=-3, max_value=3),
    st.floats(allow_nan=False, width=16),
    st.sampled_from(["", "a", "b"]),
)
KEYS = st.sampled_from(["", "a", "b", "c.d", "é"])
ANSWERS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.sampled_from(["a", "b", "c"]), ANSWERS, min_size=1)

MIRRORED = {"missing": "extra", "extra": "missing"}

USER: dict[str, Any] = {
    "id": "user-1",
    "name": "Ada",
    "logins": 3,
    "active": True,
    "tags": ["a", "b"],
    "address": {"city": "Lyon", "lines": ["1", "2"]},
}


@given(answer=ANSWERS)
def test_an_answer_matches_itself(answer: Any) -> None:
    assert differences(answer, copy.deepcopy(answer)) == ()


@given(control=ANSWERS, candidate=ANSWERS)
def test_answers_without_differences_are_equal(control: Any, candidate: Any) -> None:
    if differences(control, candidate) == ():
        assert control == candidate


@given(control=ANSWERS, candidate=ANSWERS)
def test_exchanging_the_arms_mirrors_the_differences(control: Any, candidate: Any) -> None:
    there = {(found.path, found.kind) for found in differences(control, candidate)}
    back = {
        (found.path, MIRRORED.get(found.kind, found.kind))
        for found in differences(candidate, control)
    }

    assert there == back


@given(control=ANSWERS, candidate=ANSWERS)
def test_cleaning_every_path_that_differs_leaves_a_match(control: Any, candidate: Any) -> None:
    paths = [found.path for found in differences(control, candidate)]

    assert differences(control, candidate, ignore=paths) == ()


@given(control=ANSWERS, candidate=ANSWERS, ignored=st.lists(KEYS.filter(bool)))
def test_cleaning_never_adds_a_difference(control: Any, candidate: Any, ignored: list[str]) -> None:
    cleaned = differences(control, candidate, ignore=ignored)

    assert set(cleaned) <= set(differences(control, candidate))


@given(answer=OBJECTS, data=st.data())
def test_a_field_the_candidate_leaves_out_is_missing(answer: Any, data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(sorted(answer)))
    shortened = {name: value for name, value in answer.items() if name != key}

    assert differences(answer, shortened) == (Difference(key, "missing"),)


@given(answer=OBJECTS, value=ANSWERS)
def test_a_field_only_the_candidate_has_is_extra(answer: Any, value: Any) -> None:
    assert differences(answer, {**answer, "new": value}) == (Difference("new", "extra"),)


@pytest.mark.parametrize(
    ("change", "path", "kind"),
    [
        ({"name": "Eve"}, "name", "value"),
        ({"name": None}, "name", "type"),
        ({"logins": 4}, "logins", "value"),
        ({"logins": "3"}, "logins", "type"),
        ({"active": 1}, "active", "type"),
        ({"active": False}, "active", "value"),
        ({"tags": ["a", "c"]}, "tags[1]", "value"),
        ({"tags": ["a"]}, "tags", "size"),
        ({"tags": {"0": "a", "1": "b"}}, "tags", "type"),
        ({"address": {"city": "Nice", "lines": ["1", "2"]}}, "address.city", "value"),
        ({"address": {"city": "Lyon", "lines": ["1", 2]}}, "address.lines[1]", "type"),
        ({"address": {"city": "Lyon"}}, "address.lines", "missing"),
    ],
)
def test_one_change_is_one_difference_with_its_path_and_kind(
    change: dict[str, Any], path: str, kind: str
) -> None:
    assert differences(USER, {**USER, **change}) == (Difference(path, kind),)


@pytest.mark.parametrize(
    ("control", "candidate", "kind"),
    [(USER, None, "type"), (None, USER, "type"), (1, 2, "value"), ([], [1], "size")],
)
def test_the_whole_answer_has_the_empty_path(control: Any, candidate: Any, kind: str) -> None:
    assert differences(control, candidate) == (Difference("", kind),)


def test_a_whole_number_and_its_fraction_are_equal() -> None:
    assert differences({"logins": 3}, {"logins": 3.0}) == ()


@pytest.mark.parametrize(("left", "right"), [(True, 1), (False, 0), (1.0, True)])
def test_a_truth_value_and_a_number_are_not_equal(left: Any, right: Any) -> None:
    assert differences(left, right) == (Difference("", "type"),)


def test_the_order_of_fields_does_not_matter() -> None:
    assert differences(USER, dict(reversed(USER.items()))) == ()


def test_the_order_of_list_items_matters() -> None:
    assert differences(["a", "b"], ["b", "a"]) == (
        Difference("[0]", "value"),
        Difference("[1]", "value"),
    )


def test_a_longer_list_is_still_compared_where_both_have_items() -> None:
    assert differences({"tags": ["a", "b"]}, {"tags": ["x", "b", "c"]}) == (
        Difference("tags", "size"),
        Difference("tags[0]", "value"),
    )


def test_differences_follow_the_fields_of_the_control_and_then_the_extra_ones() -> None:
    found = differences({"b": 1, "a": 1, "z": 1}, {"new": 1, "a": 2, "b": 2})

    assert [difference.path for difference in found] == ["b", "a", "z", "new"]


# Cleaning


@pytest.mark.parametrize(
    ("control", "candidate", "path"),
    [
        ({"a": 1}, {"a": 2}, "a"),
        ({"a": 1}, {}, "a"),
        ({}, {"a": 1}, "a"),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, "a.b"),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, "a"),
        ({"a": [1, 2]}, {"a": [1, 3]}, "a[1]"),
        ({"a": [{"b": 1}]}, {"a": [{"b": 2}]}, "a[0].b"),
        ({"a": [1]}, {"a": []}, "a"),
        (1, 2, ""),
    ],
)
def test_a_cleaned_path_may_differ(control: Any, candidate: Any, path: str) -> None:
    assert differences(control, candidate) != ()
    assert differences(control, candidate, ignore=[path]) == ()


def test_cleaning_a_field_leaves_its_namesake_elsewhere() -> None:
    found = differences({"id": 1, "a": {"id": 1}}, {"id": 2, "a": {"id": 2}}, ignore=["id"])

    assert found == (Difference("a.id", "value"),)


def test_cleaning_a_field_leaves_others_that_begin_alike() -> None:
    assert differences({"ab": 1}, {"ab": 2}, ignore=["a"]) == (Difference("ab", "value"),)
