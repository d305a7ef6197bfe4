"""A rollout to the canary, and then nobody who could act: the lease alone ends it."""

import json
from typing import Any

import pytest

from ops.local.orphaned import POLL_SECONDS
from tests.local.running import rollout

pytestmark = [pytest.mark.local, pytest.mark.stories]


@pytest.fixture(scope="module")
def story() -> dict[str, Any]:
    code, out, err = rollout("rehearse", "--story", "orchestrator-killed", "--json")
    assert code == 0, out + err[-2000:]
    (told,) = json.loads(out.splitlines()[-1])["stories"]
    return dict(told)


def test_the_lease_returns_everyone_to_the_control(story: dict[str, Any]) -> None:
    assert (story["outcome"], story["as_it_should"]) == ("LEASE_ENDED", True), story["reason"]
    assert (story["max_exposure_bps"], story["final_exposure_bps"]) == (2500, 0)


def test_nobody_acted_and_it_says_when_the_last_read_by_the_candidate_left(
    story: dict[str, Any],
) -> None:
    assert story["reason"].startswith("nobody acted: ")
    late_s = story["candidate_after_lease_s"]
    assert late_s <= POLL_SECONDS
    assert f"the last one left {abs(late_s)} s " in story["reason"]


def test_no_user_noticed(story: dict[str, Any]) -> None:
    assert story["user_errors"] == 0
    assert story["by_candidate"] > 0
