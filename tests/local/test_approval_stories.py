"""The stories of a question: answered with yes, with no, and not at all."""

import json
from typing import Any

import pytest

from tests.local.running import rollout

pytestmark = [pytest.mark.local, pytest.mark.stories]
NAMES = ("approval-given", "approval-refused", "approval-timeout")
ASKED = "INVESTIGATE: not enough evidence after the longest bake"


@pytest.fixture(scope="module")
def stories() -> dict[str, dict[str, Any]]:
    """By name, with the exit code as it should be."""
    words = [word for name in NAMES for word in ("--story", name)]
    code, out, err = rollout("rehearse", *words, "--json")
    assert code == 0, f"{out}\n{err}"[-3000:]
    return {story["story"]: story for story in json.loads(out.splitlines()[-1])["stories"]}


def test_a_yes_goes_on_until_the_candidate_serves_everyone(
    stories: dict[str, dict[str, Any]],
) -> None:
    story = stories["approval-given"]
    assert (story["outcome"], story["final_exposure_bps"]) == ("COMPLETED", 10_000), story


def test_a_no_exposes_nobody(stories: dict[str, dict[str, Any]]) -> None:
    story = stories["approval-refused"]
    assert (story["outcome"], story["max_exposure_bps"]) == ("ROLLED_BACK", 0), story
    assert story["reason"].startswith("not approved by rehearsal: "), story


def test_silence_exposes_nobody(stories: dict[str, dict[str, Any]]) -> None:
    story = stories["approval-timeout"]
    assert (story["outcome"], story["max_exposure_bps"]) == ("ROLLED_BACK", 0), story
    assert story["reason"].startswith(f"nobody answered in time: {ASKED}"), story


@pytest.mark.parametrize("name", NAMES)
def test_no_question_is_left_and_no_user_noticed(
    stories: dict[str, dict[str, Any]], name: str
) -> None:
    assert (stories[name]["still_asks"], stories[name]["user_errors"]) == (False, 0)
