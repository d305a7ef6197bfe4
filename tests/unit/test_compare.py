"""Comparing answers: what is equal, and what differs and where."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.compare import comparison
from rollout.domain.difference import Difference
from rollout.domain.equality import surely_equal
from rollout.domain.rules import Rule

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
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=3)
    | st.decimals()
    | st.binary(max_size=2)
    | st.complex_numbers()
    | st.sampled_from([10**400, object(), 1e308]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=2).map(tuple)
        | st.dictionaries(
            st.text(max_size=2) | st.integers() | st.booleans() | st.none(),
            inner,
            max_size=3,
        )
    ),
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


def differences(
    control: Any, candidate: Any, ignore: list[str] | None = None
) -> tuple[Difference, ...]:
    rules = tuple(Rule(path, "ignore") for path in ignore or ())
    return comparison(control, candidate, rules).differences


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


@pytest.mark.parametrize(
    ("control", "candidate"),
    [
        (["a", "b"], ["b", "a"]),
        ([{"id": 1}, {"id": 2}], [{"id": 2.0}, {"id": 1}]),
        ([1, 2, [3]], [1, [3], 2]),
        (["a", "a", "b"], ["b", "a", "a"]),
    ],
)
def test_the_same_items_in_another_order_are_one_difference(control: Any, candidate: Any) -> None:
    assert differences({"tags": control}, {"tags": candidate}) == (Difference("tags", "order"),)


def test_other_items_are_told_one_by_one() -> None:
    assert differences(["a", "b", "b"], ["b", "a", "a"]) == (
        Difference("[0]", "value"),
        Difference("[1]", "value"),
        Difference("[2]", "value"),
    )


def test_a_longer_list_is_still_compared_where_both_have_items() -> None:
    assert differences({"tags": ["a", "b"]}, {"tags": ["x", "b", "c"]}) == (
        Difference("tags", "size"),
        Difference("tags[0]", "value"),
    )


def test_differences_follow_the_fields_of_the_control_and_then_the_extra_ones() -> None:
    found = differences({"b": 1, "a": 1, "z": 1}, {"new": 1, "a": 2, "b": 2})

    assert [difference.path for difference in found] == ["b", "a", "z", "new"]


# Totality


@given(control=ANYTHING, candidate=ANYTHING)
def test_comparing_anything_never_raises(control: Any, candidate: Any) -> None:
    rules = tuple(Rule("**", word, key="id") for word in ("number", "time", "uuid", "set", "keyed"))

    assert comparison(control, candidate).differences is not None
    assert comparison(control, candidate, rules).differences is not None


@given(control=ANYTHING, candidate=ANYTHING)
def test_what_is_surely_equal_has_no_difference_when_walked_through(
    control: Any, candidate: Any
) -> None:
    if surely_equal(control, candidate):
        # Wrapped in lists so deep that nothing is passed over at once.
        for _ in range(12):
            control, candidate = [control], [candidate]
        assert comparison([control, 1], [candidate, 2]).fields == {"[*]"}


def test_numbers_too_long_to_be_written_are_compared() -> None:
    long = 10**5000
    rules = (Rule("**", "number"), Rule("**", "set"))

    assert differences([long, 1], [long, 2]) == (Difference("[1]", "value"),)
    assert comparison({long: [long]}, {long: [long + 1]}, rules).fields == {"int[*]"}


def test_not_a_number_matches_itself() -> None:
    assert differences({"a": float("nan")}, {"a": float("nan")}) == ()
    assert differences({"a": float("nan")}, {"a": 1.0}) == (Difference("a", "value"),)


def test_minus_zero_is_zero() -> None:
    assert differences({"a": -0.0}, {"a": 0}) == ()


@pytest.mark.parametrize("depth", [500, 5_000, 100_000])
def test_an_answer_may_be_nested_deeper_than_calls(depth: int) -> None:
    def nested(leaf: Any) -> Any:
        for _ in range(depth):
            leaf = [leaf]
        return leaf

    assert differences(nested(1), nested(1)) == ()
    (found,) = differences(nested(1), nested(2))
    assert (found.kind, found.path) == ("value", "[0]" * depth)


def test_a_list_deep_down_that_is_equal_is_not_taken_for_a_reordered_one() -> None:
    control: Any = [["a", "b"], 1]
    candidate: Any = [["a", "b"], 2]
    for _ in range(20):
        control, candidate = {"a": control}, {"a": candidate}

    (found,) = differences(control, candidate)
    assert (found.kind, found.path[-3:]) == ("value", "[1]")


def test_a_difference_does_not_show_the_values() -> None:
    (found,) = differences({"name": "Ada"}, {"name": "Eve"})

    assert "Ada" not in repr(found)
    assert (found.control, found.candidate) == ("Ada", "Eve")


@pytest.mark.parametrize(
    ("control", "candidate", "field"),
    [
        ({"tags": ["a"]}, {"tags": ["b"]}, "tags[*]"),
        ({"lines": [{"n": 1}]}, {"lines": [{"n": 2}]}, "lines[*].n"),
        ({"by": {"ada@example.com": 1}}, {"by": {"ada@example.com": 2}}, "by.*"),
        ({"by": {"user-123": 1}}, {"by": {"user-123": 2}}, "by.*"),
        ({"address2": 1}, {"address2": 2}, "address2"),
        ({"": 1}, {"": 2}, "*"),
    ],
)
def test_the_field_of_a_difference_has_no_positions_and_nobodys_id(
    control: Any, candidate: Any, field: str
) -> None:
    assert comparison(control, candidate).fields == {field}
