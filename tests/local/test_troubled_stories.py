"""The stories of a slow candidate and of one that is gone, from launch to end."""

import json
from typing import Any

import pytest

from tests.local.running import rollout

pytestmark = [pytest.mark.local, pytest.mark.stories]


@pytest.fixture(scope="module")
def stories() -> dict[str, dict[str, Any]]:
    """By name, with the exit code as it should be."""
    code, out, err = rollout("rehearse", "--story", "slow", "--story", "outage", "--json")
    assert code == 0, err[-2000:]
    return {story["story"]: story for story in json.loads(out.splitlines()[-1])["stories"]}


@pytest.mark.parametrize("name", ["slow", "outage"])
def test_the_machine_rolls_back_and_nobody_noticed(
    stories: dict[str, dict[str, Any]], name: str
) -> None:
    story = stories[name]
    assert (story["outcome"], story["final_exposure_bps"]) == ("ROLLED_BACK", 0), story["reason"]
    assert story["user_errors"] == 0
    assert story["requests"] > 100


def test_a_slow_candidate_is_asked_about_and_silence_means_no(
    stories: dict[str, dict[str, Any]],
) -> None:
    story = stories["slow"]
    assert story["max_exposure_bps"] == 2500
    assert story["reason"].startswith("nobody answered in time: INVESTIGATE: slow "), story


def test_an_outage_ends_the_canary_for_its_failures(stories: dict[str, dict[str, Any]]) -> None:
    story = stories["outage"]
    assert story["max_exposure_bps"] == 100
    assert story["by_candidate"] < 20  # until it was gone
    # Users' reads and the shadow's fail alike: whichever is sure first.
    assert story["reason"].startswith(("ROLL_BACK: errors ", "ROLL_BACK: shadow_failures ")), story
