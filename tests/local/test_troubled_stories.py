"""The stories of a slow candidate, of one that is gone, and of one repaired after a step down."""

import json
from typing import Any

import pytest

from tests.local.running import rollout

pytestmark = [pytest.mark.local, pytest.mark.stories]
NAMES = ("slow", "outage", "step-down")


@pytest.fixture(scope="module")
def stories() -> dict[str, dict[str, Any]]:
    """By name, with the exit code as it should be."""
    words = [word for name in NAMES for word in ("--story", name)]
    code, out, err = rollout("rehearse", *words, "--json")
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


def test_harm_in_the_ramp_is_stepped_down_from_and_once_repaired_the_ramp_goes_on(
    stories: dict[str, dict[str, Any]],
) -> None:
    story = stories["step-down"]
    assert (story["asked_at_bps"], story["outcome"], story["user_errors"]) == (500, "COMPLETED", 0)
    assert (story["max_exposure_bps"], story["final_exposure_bps"]) == (10_000, 10_000)
