"""Cleaning rules: what each lets differ, where it applies, and which of them are refused."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain import paths, rules
from rollout.domain.compare import comparison
from rollout.domain.errors import InvalidInputError
from rollout.domain.rules import Rule
from tests.unit.test_compare import ANSWERS, KEYS

UUID = "6f1f0d2c-7a0b-4c59-9d07-1d2f3a4b5c6d"
WORDS = st.sampled_from(sorted(rules.WORDS))
PATHS = st.sampled_from(["a", "b", "a.b", "a[*]", "**", "**.a", "*", "*.b", "a[0]", "[*].a"])
RULES = st.builds(
    Rule,
    PATHS,
    WORDS,
    within=st.sampled_from([0, 0.5, 2]),
    within_percent=st.sampled_from([0, 10]),
    key=st.just("a"),
)


def agrees(control: Any, candidate: Any, *cleaning: Rule) -> bool:
    return not comparison(control, candidate, cleaning).differences


# Paths


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a.b",
        "a[0].b[12]",
        "tags[*]",
        "*.b",
        "**",
        "a.**.b",
        '["a.b"]',
        'a["é,"][*].c',
        "é",
    ],
)
def test_a_path_is_read_as_it_is_shown(text: str) -> None:
    assert paths.show(paths.parse(text)) in (text, text.replace("é,", "\\u00e9,"))


@given(segments=st.lists(st.text() | st.integers(0, 10**8) | st.sampled_from(list(paths.Wild))))
def test_every_path_that_is_shown_can_be_read(segments: list[paths.Segment]) -> None:
    assert paths.parse(paths.show(segments)) == tuple(segments)


@pytest.mark.parametrize("text", ["a..b", ".a", "a.", "a[", "a[-1]", "a[b]", "a b", "a.[0]", '["a'])
def test_a_path_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        paths.parse(text, "comparison.rules[0].path")
    assert (caught.value.field, caught.value.value) == ("comparison.rules[0].path", text)


# What each rule lets differ


@pytest.mark.parametrize(
    ("rule", "control", "candidate"),
    [
        (Rule("v", "ignore"), 1, "anything"),
        (Rule("v", "number", within=0.01), 10.0, 10.01),
        (Rule("v", "number", within_percent=10), 100, 109),
        (Rule("v", "number"), "10.50", 10.5),
        (Rule("v", "number"), "10.50", "10.5"),
        (Rule("v", "number"), 10**30, "1e30"),
        (Rule("v", "time"), "2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00"),
        (Rule("v", "time"), "2026-01-01T00:00:00Z", "2026-01-01 00:00:00.000"),
        (Rule("v", "time", within=2), "2026-01-01T00:00:00Z", "2026-01-01T00:00:02Z"),
        (Rule("v", "case"), "ADA@example.com", "ada@Example.com"),
        (Rule("v", "whitespace"), "Ada  Bauer ", "Ada Bauer"),
        (Rule("v", "uuid"), UUID, "{" + UUID.upper().replace("-", "") + "}"),
        (Rule("v", "set"), ["a", "b", "a"], ["b", "a"]),
        (Rule("v", "set"), [{"n": 1}, {"n": 2}], [{"n": 2.0}, {"n": 1}]),
        (Rule("v", "keyed", key="id"), [{"id": 1}, {"id": 2}], [{"id": 2}, {"id": 1}]),
    ],
)
def test_a_rule_lets_differ_what_it_names(rule: Rule, control: Any, candidate: Any) -> None:
    assert not agrees({"v": control}, {"v": candidate})
    assert agrees({"v": control}, {"v": candidate}, rule)
    assert not agrees({"w": control}, {"w": candidate}, rule)


@pytest.mark.parametrize(
    ("rule", "control", "candidate"),
    [
        (Rule("v", "number", within=0.01), 10.0, 10.02),
        (Rule("v", "number", within_percent=10), 100, 112),
        (Rule("v", "number"), True, 1),
        (Rule("v", "number"), "ten", 10),
        (Rule("v", "number"), "1e999999999", "1e999999998"),
        (Rule("v", "time", within=2), "2026-01-01T00:00:00Z", "2026-01-01T00:00:03Z"),
        (Rule("v", "time"), "yesterday", "today"),
        (Rule("v", "time"), "0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00+13:00"),
        (Rule("v", "case"), "Ada", "Eve"),
        (Rule("v", "whitespace"), "AdaBauer", "Ada Bauer"),
        (Rule("v", "uuid"), UUID, UUID.replace("6", "7")),
        (Rule("v", "set"), ["a"], ["a", "b"]),
        (Rule("v", "set"), [1], [True]),
        (Rule("v", "keyed", key="id"), [{"id": 1, "n": 1}], [{"id": 1, "n": 2}]),
    ],
)
def test_a_rule_lets_nothing_else_differ(rule: Rule, control: Any, candidate: Any) -> None:
    assert not agrees({"v": control}, {"v": candidate}, rule)


def test_items_that_are_close_to_those_at_their_positions_are_not_taken_for_reordered() -> None:
    assert agrees([1, 2], [2, 1], Rule("[*]", "number", within=1))
    assert not agrees([1, 3], [3, 1], Rule("[*]", "number", within=1))


def test_rules_of_one_path_add_up() -> None:
    both = (Rule("v", "case"), Rule("v", "whitespace"))
    assert agrees({"v": "Ada  Bauer"}, {"v": "ada bauer"}, *both)


def test_records_are_compared_with_the_one_of_their_key() -> None:
    control = [{"id": 1, "n": 1}, {"id": 2, "n": 2}]
    candidate = [{"id": 2, "n": 3}, {"id": 3, "n": 1}]
    found = comparison(control, candidate, (Rule("**", "keyed", key="id"),)).differences
    told = [(item.path, item.kind) for item in found]
    assert told == [("[*]", "missing"), ("[*].n", "value"), ("[*]", "extra")]


@pytest.mark.parametrize("records", [[{"id": 1}, {"id": 1}], [{}], ["text"]])
def test_records_without_a_key_of_their_own_are_compared_by_position(records: Any) -> None:
    found = comparison(records, [*records, {"id": 9}], (Rule("", "keyed", key="id"),))
    assert [item.kind for item in found.differences] == ["size"]


def test_items_of_a_set_are_cleaned_before_they_are_matched() -> None:
    control = [{"id": 1, "at": "x"}, {"id": 2, "at": "y"}]
    candidate = [{"id": 2, "at": "z"}, {"id": 1, "at": "z"}]
    assert agrees(control, candidate, Rule("", "set"), Rule("[*].at", "ignore"))


# Where a rule applies


@pytest.mark.parametrize(
    ("path", "cleaned"),
    [
        ("a", {"a"}),
        ("*", {"a", "b", "c"}),
        ("b.a", {"b.a"}),
        ("**.a", {"a", "b.a", "c[*].a"}),
        ("c[*].a", {"c[*].a"}),
        ("c[1].a", set()),
        ("c.a", set()),
        ("**[*].a", {"c[*].a"}),
        ("b.**", {"b.a"}),
        ("*.a", {"b.a"}),
    ],
)
def test_a_path_cleans_the_fields_it_names(path: str, cleaned: set[str]) -> None:
    control = {"a": 1, "b": {"a": 1}, "c": [{"a": 1}]}
    candidate = {"a": 2, "b": {"a": 2}, "c": [{"a": 2}]}
    left = comparison(control, candidate, (Rule(path, "ignore"),)).fields
    gone = {"a", "b.a", "c[*].a"} - left
    assert gone == {
        field for field in ("a", "b.a", "c[*].a") if any(field.startswith(c) for c in cleaned)
    }


@given(control=ANSWERS, candidate=ANSWERS)
def test_ignoring_every_path_that_differs_leaves_a_match(control: Any, candidate: Any) -> None:
    found = comparison(control, candidate).differences
    assert agrees(control, candidate, *(Rule(item.path, "ignore") for item in found))


@given(control=ANSWERS, candidate=ANSWERS, ignored=st.lists(KEYS.filter(bool)))
def test_ignoring_never_adds_a_difference(control: Any, candidate: Any, ignored: list[str]) -> None:
    cleaning = tuple(Rule(paths.show([name]), "ignore") for name in ignored)
    left = comparison(control, candidate, cleaning).differences
    assert set(left) <= set(comparison(control, candidate).differences)


@given(answer=ANSWERS, cleaning=st.lists(RULES, max_size=4))
def test_under_any_rules_an_answer_matches_itself(answer: Any, cleaning: list[Rule]) -> None:
    assert agrees(answer, copy.deepcopy(answer), *cleaning)


@given(control=ANSWERS, candidate=ANSWERS, cleaning=st.lists(RULES, max_size=4))
def test_rules_only_ever_bring_answers_together(
    control: Any, candidate: Any, cleaning: list[Rule]
) -> None:
    if agrees(control, candidate):
        assert agrees(control, candidate, *cleaning)


# Which rules were needed


def test_a_rule_that_met_a_difference_is_named_and_one_that_did_not_is_not() -> None:
    cleaning = (Rule("a", "ignore"), Rule("b", "ignore"), Rule("c", "number", within=1))
    found = comparison({"a": 1, "b": 1, "c": 1}, {"a": 2, "b": 1, "c": 9}, cleaning)
    assert (found.matched, found.fields) == ((0, 2), {"c"})


def test_equal_answers_need_no_rule() -> None:
    assert comparison({"a": 1}, {"a": 1}, (Rule("a", "ignore"),)).matched == ()


# The rules of a plan


@given(cleaning=RULES.filter(lambda rule: rule != Rule("**", "ignore")))
def test_a_rule_arrives_as_it_was_sent(cleaning: Rule) -> None:
    if cleaning.word == "ignore" and cleaning.path == "**":
        return
    item = cleaning.to_json()
    allowed = {"path", "rule", *rules.WORDS[cleaning.word]}
    known = {key: value for key, value in item.items() if key in allowed}
    rule = rules.parse(known, "rule")
    assert rules.from_text(rule.to_text()) == rule
    assert rules.parse(rule.to_json(), "rule") == rule


@pytest.mark.parametrize(
    ("item", "field"),
    [
        ({"rule": "ignore"}, ".path"),
        ({"path": "a..b", "rule": "ignore"}, ".path"),
        ({"path": "**", "rule": "ignore"}, ".path"),
        ({"path": "a"}, ".rule"),
        ({"path": "a", "rule": "forget"}, ".rule"),
        ({"path": "a", "rule": ["ignore"]}, ".rule"),
        ({"path": "a", "rule": "ignore", "within": 1}, ".within"),
        ({"path": "a", "rule": "number", "within": -1}, ".within"),
        ({"path": "a", "rule": "number", "within_percent": 101}, ".within_percent"),
        ({"path": "a", "rule": "time", "within": 1}, ".within"),
        ({"path": "a", "rule": "keyed"}, ".key"),
        ({"path": "a" * 2000, "rule": "ignore"}, ""),
        ("ignore a", ""),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_by_its_field(item: Any, field: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        rules.parse(item, "comparison.rules[0]")
    assert caught.value.field == f"comparison.rules[0]{field}"
    assert caught.value.expected
    assert caught.value.remedy == rules.REMEDY
