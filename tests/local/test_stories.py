"""Both stories from launch to end, once, on recorded traffic, as `make rehearse` runs them."""

import json
import random
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.local.running import ROOT, rollout
from tests.policies import ROLES, role_actions, unused

pytestmark = pytest.mark.local
PROMISED = {
    "story",
    "outcome",
    "executions",
    "requests",
    "user_errors",
    "max_exposure_bps",
    "final_exposure_bps",
    "wall_seconds",
    "reason",
}


@pytest.fixture(scope="module")
def counts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("traffic") / "counts.csv"
    write_counts(file)
    return file


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("calls") / "calls.json"


@pytest.fixture(scope="module")
def run(counts: Path, recorded: Path) -> tuple[int, list[str], list[str]]:
    """(exit code, lines of standard output, lines of standard error)."""
    more = ("--traffic", str(counts), "--calls", str(recorded))
    code, out, err = rollout("rehearse", "--json", *more)
    return code, out.splitlines(), err.splitlines()


def write_counts(file: Path) -> None:
    """A day of five-minute counts with bursts, and a gap as real recordings have."""
    chance, at = random.Random(7), datetime(2026, 1, 1, tzinfo=UTC)
    lines = ["timestamp,value"]
    for number in range(288):
        if number != 100:
            stamp = at + timedelta(minutes=5 * number)
            burst = 300 if chance.random() < 0.02 else 0
            lines.append(f"{stamp:%Y-%m-%d %H:%M:%S},{40 + chance.randrange(60) + burst}")
    file.write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def stories(run: tuple[int, list[str], list[str]]) -> dict[str, dict[str, Any]]:
    found = json.loads(run[1][-1])["stories"]
    return {story["story"]: story for story in found}


def test_the_rehearsal_succeeds(run: tuple[int, list[str], list[str]]) -> None:
    assert run[0] == 0, run[2][-5:]


def test_the_last_line_has_everything_that_is_promised(stories: dict[str, dict[str, Any]]) -> None:
    assert list(stories) == ["healthy", "errors"]
    assert all(set(story) >= PROMISED for story in stories.values())
    assert all(story["reason"] and story["wall_seconds"] > 0 for story in stories.values())


def test_only_the_last_line_is_json(run: tuple[int, list[str], list[str]]) -> None:
    assert [line for line in run[1] if line.startswith("{")] == run[1][-1:]


def test_it_says_which_traffic_was_replayed(
    run: tuple[int, list[str], list[str]], counts: Path
) -> None:
    assert json.loads(run[1][-1])["traffic"] == str(counts)


def test_a_healthy_candidate_ends_with_everyone(stories: dict[str, dict[str, Any]]) -> None:
    story = stories["healthy"]
    assert story["outcome"] == "COMPLETED", story["reason"]
    assert (story["max_exposure_bps"], story["final_exposure_bps"]) == (10_000, 10_000)


def test_each_ramp_step_and_the_cleanup_is_an_execution_of_its_own(
    stories: dict[str, dict[str, Any]],
) -> None:
    assert stories["healthy"]["executions"] == 6
    assert stories["errors"]["executions"] == 3  # to 25 %, and no further


def test_a_failing_candidate_is_rolled_back_by_the_machine_for_its_errors(
    stories: dict[str, dict[str, Any]],
) -> None:
    story = stories["errors"]
    assert story["outcome"] == "ROLLED_BACK"
    # Users' reads and the shadow's fail alike: whichever is sure first.
    assert story["reason"].startswith(("ROLL_BACK: errors ", "ROLL_BACK: shadow_failures "))
    assert (story["max_exposure_bps"], story["final_exposure_bps"]) == (2500, 0)


def test_no_user_noticed_anything(stories: dict[str, dict[str, Any]]) -> None:
    assert [story["user_errors"] for story in stories.values()] == [0, 0]
    assert all(0 < story["by_candidate"] < story["requests"] for story in stories.values())


def test_each_story_has_a_report_with_its_outcome_and_verdicts(
    run: tuple[int, list[str], list[str]], stories: dict[str, dict[str, Any]]
) -> None:
    for name, story in stories.items():
        file = ROOT / story["report"]
        assert f"{name}: the report is {story['report']}" in run[1]
        text = file.read_text(encoding="utf-8")
        assert f"<title>{story['rollout']}: {story['outcome']}</title>" in text
        for said in (
            "<td>PROMOTE</td>",
            "<td>HOLD</td>",
            "another alarm",
            "logs filter-log-events",
        ):
            assert said in text
        assert ("<td>ROLL_BACK</td>" in text) == (story["outcome"] == "ROLLED_BACK")


def test_the_report_of_harm_counts_whom_it_touched(stories: dict[str, dict[str, Any]]) -> None:
    text = (ROOT / stories["errors"]["report"]).read_text(encoding="utf-8")
    said = r"users touched by harm</th><td>(\d+), by the hashes in the log lines of (\d+) requests"
    touched = re.search(said, text)
    weighed = re.search(r"fell back to the control</th><td>(\d+) ", text)
    assert touched
    assert weighed
    # The lines count on until every reader has followed the rollback.
    assert 0 < int(touched[1]) <= int(touched[2]) >= int(weighed[1])


def test_a_table_stands_before_the_json(run: tuple[int, list[str], list[str]]) -> None:
    rows = [line.split("\t") for line in run[1][:-1] if "\t" in line]
    assert rows[0][:4] == ["story", "ended", "as it should", "executions"]
    assert [row[:3] for row in rows[1:]] == [
        ["healthy", "COMPLETED", "yes"],
        ["errors", "ROLLED_BACK", "yes"],
    ]


def test_progress_is_told_in_plain_lines_when_nobody_watches(
    run: tuple[int, list[str], list[str]],
) -> None:
    told = "\n".join(run[2])
    for phase in ("shadow-soak", "canary, 1 %", "ramp-25, 25 %", "ramp-100, 100 %"):
        assert f"healthy: {phase}" in told
    assert "\x1b" not in told
    assert "Traceback" not in told


# What the functions called, as IAM in the emulator decided it


@pytest.fixture(scope="module")
def calls(run: tuple[int, list[str], list[str]], recorded: Path) -> list[dict[str, Any]]:
    return list(json.loads(recorded.read_text(encoding="utf-8"))["calls"])


def test_no_call_was_refused(calls: list[dict[str, Any]]) -> None:
    assert len(calls) > 30
    assert [call for call in calls if call["refused"]] == []


@pytest.mark.parametrize("role", ROLES)
def test_no_role_has_an_action_that_it_never_uses(calls: list[dict[str, Any]], role: str) -> None:
    assert unused(role, calls) == set()


@pytest.mark.parametrize("role", ROLES)
def test_every_call_is_allowed_by_the_template(calls: list[dict[str, Any]], role: str) -> None:
    """By the template itself: what the emulator gets is wider in a few places."""
    assert {call["action"] for call in calls if call["role"] == role} <= role_actions(role)
