"""Reads through every trouble at once, on a real PostgreSQL: nobody notices, nothing is lost."""

from typing import Any

import pytest

from benchmarks.soak import soak

pytestmark = pytest.mark.local


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    return soak(5000)


@pytest.mark.parametrize(
    "what",
    ["reads_failed", "reads_without_a_line", "users_flipped", "users_who_left_the_cohort"],
)
def test_nothing_happens_that_must_not(found: dict[str, Any], what: str) -> None:
    assert found["must_be_nothing"][what] == 0


def test_the_metrics_count_what_the_log_says(found: dict[str, Any]) -> None:
    assert found["must_be_nothing"]["metrics_unlike_log"] == {}


def test_the_trouble_was_there(found: dict[str, Any]) -> None:
    assert min(found["by_arm"].values()) > 1000
    assert found["fallbacks"] == found["candidate_errors"] > 0
    assert found["reads_on_a_stale_flag"] > 500
    assert found["shadow"]["Compared"] > 300
    assert found["shadow"]["Mismatched"] == 0
