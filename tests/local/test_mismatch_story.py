"""A candidate that is wrong in 3 % of one field, beside a field in which the control is noisy."""

import json
from typing import Any

import pytest

from tests.local.running import rollout

pytestmark = pytest.mark.local


@pytest.fixture(scope="module")
def run() -> tuple[int, str, str]:
    return rollout("rehearse", "--story", "mismatch", "--json")


@pytest.fixture(scope="module")
def story(run: tuple[int, str, str]) -> dict[str, Any]:
    (told,) = json.loads(run[1].splitlines()[-1])["stories"]
    return dict(told)


def test_the_candidate_is_rolled_back_and_the_field_named(
    run: tuple[int, str, str], story: dict[str, Any]
) -> None:
    assert run[0] == 0, run[2]
    assert story["outcome"] == "ROLLED_BACK"
    assert story["reason"].startswith("not approved by rehearsal: balance differs (value)")


def test_no_user_was_exposed_and_none_noticed(story: dict[str, Any]) -> None:
    assert (story["user_errors"], story["final_exposure_bps"]) == (0, 0)


def test_the_noisy_field_does_not_count(story: dict[str, Any]) -> None:
    reasons = {reason["path"]: reason for reason in story["mismatches"]}
    balance, tags = reasons["balance"], reasons["tags"]
    assert balance["count"] >= 5
    assert 0.01 < balance["share"] < 0.1
    # Some are counted before each comparator knows the field; most are excused.
    assert tags["excused"] > 10 * tags["count"]


def test_examples_show_shapes_only(story: dict[str, Any]) -> None:
    examples = [example for reason in story["mismatches"] for example in reason["examples"]]
    assert examples
    for example in examples:
        assert example["control"].startswith(("text(", "list("))


def test_the_report_stands_under_the_table(run: tuple[int, str, str]) -> None:
    assert "\n  balance differs (value): " in run[1]
    assert "noise of the control" in run[1]
