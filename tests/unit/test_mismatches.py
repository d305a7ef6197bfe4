"""The mismatch report: reasons counted from log lines, noise beside them, nobody's data."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.difference import Difference
from rollout.domain.mismatches import Totals, report, sentence
from rollout.domain.shapes import example, hint, shape

TOTALS = Totals(compared=400, mismatched=12, failed=3)


def line(*counted: str, at: float = 100, **facts: Any) -> dict[str, Any]:
    told = {"noted": 1, "diff_paths": ",".join(counted), "user_hash": "hash"}
    return {**told, "_aws": {"Timestamp": at * 1000}, **facts}


def test_reasons_are_counted_and_the_most_frequent_comes_first() -> None:
    lines = [line("name:value", at=50), *[line("balance:value", "name:value")] * 2]
    lines += [line("balance:value")] * 10
    found = report(lines, TOTALS)
    assert [(one.path, one.kind, one.count) for one in found.reasons] == [
        ("balance", "value", 12),
        ("name", "value", 3),
    ]
    assert (found.reasons[0].share, found.reasons[1].first_seen) == (0.03, 50)


def test_noise_is_counted_apart_and_has_its_rate() -> None:
    pair = {"at_random": 1, "noise_paths": ["seen:value"], "unstable": ["seen"]}
    lines = [*[line(**pair)] * 3, *[line(at_random=1)] * 7, line(noise_paths=["seen:value"])]
    found = report(lines, TOTALS)
    (one,) = found.reasons
    assert (found.pairs, one.count, one.excused, one.noise_rate) == (10, 0, 4, 0.3)
    assert not one.beyond_noise


def test_a_field_in_which_only_the_candidate_differs_is_beyond_noise() -> None:
    lines = [line("balance:value", at_random=1, unstable=[])] * 8
    assert report(lines, TOTALS).reasons[0].beyond_noise


def test_at_most_five_examples_are_kept() -> None:
    shapes = {"control": "text(3)", "candidate": "nothing", "hint": ""}
    lines = [line("a:missing", examples={"a:missing": shapes})] * 9
    (one,) = report(lines, TOTALS).reasons
    assert one.examples == ({**shapes, "user_hash": "hash"},) * 5


def test_rules_that_no_difference_needed_are_named() -> None:
    lines = [line(rules=["one", "two"]), line(rules_matched=["two"]), line(rules=["one", "two"])]
    assert report(lines, TOTALS).unused_rules == ("one",)


def test_no_lines_are_an_empty_report_and_lines_with_nothing_noted_are_none() -> None:
    assert report([{"diff_paths": "a:value"}], Totals(0, 0, 0)).to_json() == {
        "compared": 0,
        "mismatched": 0,
        "failed": 0,
        "recount": {"live": 0, "pooled": 0, "excused": (), "beyond_noise": ()},
        "pairs": 0,
        "reasons": [],
        "unused_rules": [],
    }


def test_a_report_is_json() -> None:
    found = report([line("balance:value", at_random=1)], TOTALS).to_json()
    assert json.loads(json.dumps(found))["reasons"][0]["path"] == "balance"


def test_a_reason_in_words() -> None:
    pair = {"at_random": 1, "unstable": []}
    lines = [*[line("balance:value", **pair)] * 12, line(noise_paths=["balance:value"])]
    assert sentence(report(lines, TOTALS).reasons[0]) == (
        "balance differs (value): 12 times, 3.00% of answers; once as noise of the control; "
        "the control differs from itself in 0.00%, the candidate surely more often"
    )
    (noise,) = report([line(noise_paths=["tags:order"])] * 2, TOTALS).reasons
    assert sentence(noise) == "tags (order): 2 times, all of it noise of the control"
    (whole,) = report([line(":error")], Totals(0, 0, 0)).reasons
    assert sentence(whole) == "the whole answer differs (error): once"


# Shapes


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("Ada", "text(3)"),
        (17, "number"),
        (1.5, "number"),
        (True, "boolean"),
        (None, "null"),
        ([1, 2], "list(2)"),
        ({"a": 1}, "object(1)"),
    ],
)
def test_of_a_value_its_kind_and_size_are_told(value: Any, told: str) -> None:
    assert shape(value) == told


@pytest.mark.parametrize(
    ("control", "candidate", "said"),
    [
        ("Ada", "ADA", "equal but for upper and lower case"),
        ("Ada B", "Ada  B", "equal but for white space"),
        ("10.50", 10.5, "the same number, written otherwise"),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00+00:00", "the same moment, written otherwise"),
        ("10.50", "10.51", "larger"),
        (3, 2, "smaller"),
        ("Ada Bauer", "Ada", "cut off"),
        ("Ada", "Ada Bauer", "goes on longer"),
        ("Ada", "Eve", ""),
        (None, "Eve", ""),
        ([1], [2], ""),
    ],
)
def test_how_two_values_relate_is_told(control: Any, candidate: Any, said: str) -> None:
    assert hint(control, candidate) == said


SECRETS = st.text(alphabet="SECRT", min_size=6, max_size=20)


@given(control=SECRETS, candidate=SECRETS, kind=st.sampled_from(["value", "missing", "extra"]))
def test_an_example_never_shows_a_value(control: str, candidate: str, kind: str) -> None:
    told = json.dumps(example(Difference("a", kind, ("a",), [control], candidate)))
    assert control not in told
    assert candidate not in told
