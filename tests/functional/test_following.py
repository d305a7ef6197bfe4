"""`rollout watch` and `rollout history`: on a terminal, in lines, for programs."""

import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain
from typing import Any

import pytest
from rich.console import Console

from ops.watching import watch as watching
from ops.watching.screen import bar, screen
from ops.watching.view import next_step, view
from tests.fakes import ROOT
from tests.functional.aws import Aws
from tests.functional.test_stack_commands import HELD, answer, execution, refusal, run
from tests.recorded import DAY, LAUNCHED, record

BETA: dict[str, Any] = json.loads((ROOT / "plans" / "rehearsal.json").read_text(encoding="utf-8"))
ENDED = {"launched_at": LAUNCHED, "ended_at": LAUNCHED + DAY + 19}


def ended(word: str, reason: str = "because") -> dict[str, Any]:
    """The record of a rollout that has ended."""
    found = record(**ENDED, outcome={"word": word, "reason": reason})
    for item in found["executions"]:
        item.update(status="SUCCEEDED", stopped_at=item["stopped_at"] or LAUNCHED + DAY + 19)
    return found


def baking(**changes: Any) -> dict[str, Any]:
    """A canary in its bake, with a plan and the look of its last second."""
    found = record(plan=BETA, exposure=record()["exposure"][:2], read_at=LAUNCHED + 37)
    return {**found, **changes}


def drawn(record: dict[str, Any], **console: Any) -> str:
    out = io.StringIO()
    Console(file=out, width=80, **console).print(screen(view(record)))
    return out.getvalue()


# What is shown


def test_the_time_left_is_a_range_from_the_rate_of_the_counts() -> None:
    shown = view(baking())
    errors = shown["guardrails"][0]
    # 55 more at 3 a second, of which 18 have been seen.
    assert errors["left"]["soonest"] < 55 / 3 < errors["left"]["latest"]
    assert shown["bake"]["left"]["likely"] >= errors["left"]["likely"]
    assert shown["bake"]["asks_in"] == pytest.approx(60 + 1 - 7)


def test_without_a_request_nobody_knows_how_long() -> None:
    minutes = [{**one, "candidate": None} for one in record()["minutes"]]
    shown = view(baking(minutes=minutes))
    assert shown["bake"]["left"] is None
    assert "nobody knows how long" in drawn(baking(minutes=minutes))


def test_periods_without_a_request_count_as_none() -> None:
    """Ten seconds apart, so a tenth of the rate."""
    rare = [{**one, "at": LAUNCHED + 30 + 10 * n} for n, one in enumerate(record()["minutes"])]
    often, seldom = view(baking()), view(baking(minutes=rare))
    ratio = seldom["guardrails"][0]["left"]["likely"] / often["guardrails"][0]["left"]["likely"]
    assert 7 < ratio < 11


def test_the_look_of_an_earlier_phase_is_not_shown_for_this_one() -> None:
    assert view(record())["guardrails"] == []


def test_the_next_schedule_is_told_with_the_time_until_it() -> None:
    at = "2026-11-24T18:00:00Z"
    now = datetime(2026, 11, 24, 17, 58, 20, tzinfo=UTC).timestamp()
    shown = view(record(scheduled=[{"name": "beta-1.ramp-5", "at": at}], read_at=now))
    assert next_step(shown) == {"name": "beta-1.ramp-5", "at": at, "in": 100.0}


@pytest.mark.parametrize("colour", [True, False])
def test_a_screen_fits_eighty_columns_and_says_everything_without_colour(colour: bool) -> None:
    text = drawn(
        baking(
            question={
                "sentence": "INVESTIGATE: slow 9 of 10.",
                "deadline": "2026-11-25T10:00:00+00:00",
                "evidence": "0123456789abcdef",
            }
        ),
        force_terminal=colour,
        no_color=not colour,
    )
    plain = text if not colour else re.sub(r"\x1b\[[0-9;]*m", "", text)
    assert max(map(len, plain.splitlines())) <= 80
    flat = " ".join(plain.split())
    for said in ("beta-1 on a-stack", "canary, Bake", "1 % of users", "passes in", "asks a person"):
        assert said in flat
    assert "rollout approve beta-1 --evidence 0123456789abcdef" in flat
    assert [line for line in plain.splitlines() if line.startswith("shadow_failures")]


@pytest.mark.parametrize(
    ("rate", "low", "high", "drawn_as"),
    [
        (0.0, 0.0, 0.01, "o===..|....."),
        (0.03, 0.025, 0.035, "......|==o=."),
        (0.5, 0.3, 0.9, "......|....>"),
        (None, 0.0, 1.0, "======|====>"),
    ],
)
def test_a_bar_shows_the_bounds_the_rate_and_the_limit(
    rate: float | None, low: float, high: float, drawn_as: str
) -> None:
    rail = {"rate": rate, "low": low, "high": high, "limit": 0.02, "needed": 5}
    assert bar(rail, 12).plain == drawn_as


# Following


class Clock:
    """Passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def __call__(self) -> float:
        return self.now


def following(*records: dict[str, Any], **more: Any) -> Iterator[dict[str, Any]]:
    """Looks at these records; the last one stays."""
    clock = Clock()
    read = chain(records, iter(lambda: records[-1], None)).__next__
    return watching.Follower(read, 5, sleep=clock.sleep, clock=clock, **more).looks()


@pytest.mark.parametrize(
    ("word", "code"),
    [("COMPLETED", 0), ("ROLLED_BACK", 1), ("REFUSED", 1), ("FAILED", 1), ("ABORTED", 1)],
)
def test_watching_ends_by_itself_with_the_rollout(word: str, code: int) -> None:
    looks = list(following(record(), record(), ended(word)))
    assert [look["word"] for look in looks] == ["RUNNING", "RUNNING", word]
    assert watching.code(looks[-1]) == code


def test_a_gap_between_two_steps_is_no_end() -> None:
    """A schedule that fired is gone before its execution is listed."""
    looks = list(following(ended("RAMPED"), ended("RAMPED"), record(), ended("COMPLETED")))
    assert [look["word"] for look in looks][-2:] == ["RUNNING", "COMPLETED"]


def test_a_rollout_that_nobody_drives_any_more_ends_the_watch_after_a_while() -> None:
    looks = list(following(ended("RAMPED")))
    assert 5 < len(looks) < 12


def test_a_pipeline_may_wait_for_the_launch_only() -> None:
    looks = list(following(record(), until_launched=True))
    assert len(looks) == 1
    assert watching.code(looks[-1]) == 0


def test_lines_are_told_once_and_have_no_colour(capsys: pytest.CaptureFixture[str]) -> None:
    watching.as_lines(following(record(), record(), ended("ROLLED_BACK", "errors 9 of 10")))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(set(lines))
    assert all(line.startswith("2026-11-2") and " beta-1 " in line for line in lines)
    assert any("RUNNING: ramp-5, Bake" in line for line in lines)
    assert "ROLLED_BACK" in lines[-1]
    assert "\x1b" not in "".join(lines)


def test_json_lines_come_when_something_has_changed(capsys: pytest.CaptureFixture[str]) -> None:
    later = record(read_at=LAUNCHED + DAY + 25)
    watching.as_json(following(record(), later, later, ended("COMPLETED")))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["word"] for line in lines] == ["RUNNING", "COMPLETED"]
    assert lines[0]["phase"] == "ramp-5"


def test_a_terminal_gets_one_screen_that_is_drawn_over() -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=80)
    watching.on_terminal(following(record(), ended("COMPLETED")), console)
    assert "COMPLETED" in out.getvalue()


# The commands


def rollouts(patch: pytest.MonkeyPatch, **more: dict[str, Any]) -> Aws:
    done = {"word": "COMPLETED", "sentence": "the candidate serves everyone"}
    back = {"word": "ROLLED_BACK", "reason": "errors 9 of 10 [30 %]"}
    live = {"word": "SERVED_LIVE", "exposure_bps": 100}
    known = {
        "beta-1": execution("SUCCEEDED", outcome=done, plan={"name": "beta"}),
        "beta-2": execution("SUCCEEDED", outcome=back, plan={"name": "beta"}, exposure=live),
        **more,
    }
    for name in known:
        given = {"action": "launch", "rollout_id": name, "plan": {"name": "beta"}}
        known[name]["input"] = json.dumps(given)
        known[name]["stopDate"] = datetime(2027, 1, 16, tzinfo=UTC)
    return Aws(HELD.closed(), executions=known).use(patch)


def test_the_history_says_how_far_each_came_and_why_it_ended(patch: pytest.MonkeyPatch) -> None:
    rollouts(patch)
    found = answer("history")["rollouts"]
    assert [(item["rollout"], item["outcome"], item["highest_bps"]) for item in found] == [
        ("beta-2", "ROLLED_BACK", 100),
        ("beta-1", "COMPLETED", 10_000),
    ]
    assert (found[0]["plan"], found[0]["why"]) == ("beta", "errors 9 of 10 [30 %]")
    assert found[0]["launched_at"] == "2027-01-15T00:00:00+00:00"


def test_the_history_is_entries_of_at_most_eighty_columns(patch: pytest.MonkeyPatch) -> None:
    rollouts(patch)
    patch.setenv("FORCE_COLOR", "1")
    text = run("history").output
    assert max(map(len, text.splitlines())) <= 80
    entry, why = text.splitlines()[:2]
    assert "ROLLED_BACK" in entry
    assert why.strip() == "errors 9 of 10 [30 %]"


def test_where_there_is_no_terminal_the_history_is_lines_of_cells(
    patch: pytest.MonkeyPatch,
) -> None:
    rollouts(patch)
    headings, first, *_ = (line.split("\t") for line in run("history").output.splitlines())
    assert headings[-1] == "why"
    assert dict(zip(headings, first, strict=True))["why"] == "errors 9 of 10 [30 %]"


def test_the_history_asks_for_no_more_than_its_limit(patch: pytest.MonkeyPatch) -> None:
    account = rollouts(patch)
    assert len(answer("history", "--limit", "1")["rollouts"]) == 1
    asked = [given for action, given in account.calls if action == "states:DescribeExecution"]
    assert [given["executionArn"] for given in asked] == ["arn:beta-2"]


def test_the_history_of_a_stack_without_rollouts_says_how_to_start_one(
    patch: pytest.MonkeyPatch,
) -> None:
    Aws().use(patch)
    result = run("history")
    assert (result.exit_code, "rollout launch --plan" in result.output) == (0, True)


def test_a_person_who_stopped_it_is_the_reason(patch: pytest.MonkeyPatch) -> None:
    stopped = {**execution("ABORTED"), "error": "RolledBack", "cause": "ada: tickets"}
    stopped.pop("output")
    rollouts(patch, gamma=stopped)
    (newest,) = answer("history", "--limit", "1")["rollouts"]
    assert (newest["outcome"], newest["why"]) == ("ROLLED_BACK", "ada: tickets")


@pytest.mark.parametrize("word", ["watch"])
def test_a_rollout_that_nobody_knows_is_refused_with_those_there_are(
    patch: pytest.MonkeyPatch, word: str
) -> None:
    rollouts(patch)
    said = refusal(run(word, "gamma"), 1)
    assert "no rollout gamma is known; the last ones are beta-2, beta-1" in said
    assert "rollout history" in said


@pytest.mark.parametrize("word", ["watch"])
def test_a_name_that_begins_two_rollouts_is_refused_with_both(
    patch: pytest.MonkeyPatch, word: str
) -> None:
    rollouts(patch)
    assert "expected more of one name: beta-2, beta-1" in refusal(run(word, "beta"), 2)


@pytest.mark.parametrize("word", ["watch"])
def test_without_any_rollout_that_is_said(patch: pytest.MonkeyPatch, word: str) -> None:
    Aws().use(patch)
    assert "no execution of any rollout is known" in refusal(run(word), 1)


def test_once_shows_the_rollout_as_it_is(patch: pytest.MonkeyPatch) -> None:
    rollouts(patch)
    result = run("watch", "beta-2", "--once")
    assert result.exit_code == 1, result.output
    assert "ROLLED_BACK" in result.output
    assert max(map(len, result.output.splitlines())) <= 80
    one = run("watch", "beta-1", "--once", "--json")
    assert (one.exit_code, json.loads(one.output)["word"]) == (0, "COMPLETED")
