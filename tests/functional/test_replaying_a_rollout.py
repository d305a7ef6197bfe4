"""`rollout replay --rollout`: all minutes that a rollout has served, and none that it has not."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ops.cli import main
from ops.faults.appconfig import Deployment
from ops.faults.services import CloudWatch
from rollout.domain.moments import iso
from tests.functional.aws import Aws

BETA = Path(__file__).parents[2] / "plans" / "beta.json"
HOUR = 3600
LAUNCH = json.dumps({"action": "launch", "plan": json.loads(BETA.read_text(encoding="utf-8"))})
# The hour in which the rollout began, a day ago.
BEGAN = int(time.time()) // HOUR * HOUR - 24 * HOUR


def entered(at: int, state: str) -> dict[str, Any]:
    details = {"name": state, "input": LAUNCH}
    return {"timestamp": moment(at), "stateEnteredEventDetails": details}


def left(at: int, state: str, **document: Any) -> dict[str, Any]:
    details = {"name": state, "output": json.dumps(document)}
    return {"timestamp": moment(at), "stateExitedEventDetails": details}


def served(at: int, phase: str, bps: int, word: str = "SERVED_LIVE") -> Iterator[dict[str, Any]]:
    yield entered(at - 1, "Confirm Exposure")
    exposure = {"phase": phase, "exposure_bps": bps, "served_at": BEGAN + at, "word": word}
    yield left(at, "Confirm Exposure", exposure=exposure)


def rolled_back(at: int) -> Iterator[dict[str, Any]]:
    yield entered(at - 1, "Roll Back")
    yield left(at, "Roll Back", outcome={"word": "ROLLED_BACK", "reason": "a person"})


def moment(at: int) -> datetime:
    return datetime.fromtimestamp(BEGAN + at, UTC)


@dataclass
class Past(Aws):
    """One launch of plan beta, whose reads are 100 a minute, 1 % of them the candidate's until
    `until`; of the copies it answers, those of minutes in `differing` all differ.
    """

    events: list[dict[str, Any]] = field(default_factory=list)
    until: int = 2 * HOUR
    differing: range = range(0)
    status: str = "SUCCEEDED"
    word: str = "ROLLED_BACK"
    action: str = "launch"
    stopped: int = 0

    def closed_at(self, at: int, note: str) -> None:
        """A person closes the flag."""
        self.appconfig.notes[2] = note
        self.appconfig.deployments[-1] = Deployment(2, 2, BEGAN + at, BEGAN + at)

    def describe_execution(self, given: dict[str, Any]) -> dict[str, Any]:
        asked = {**json.loads(LAUNCH), "action": self.action, "rollout_id": "beta-1"}
        found = {"name": "beta-1", "status": self.status, "input": json.dumps(asked)}
        if self.status == "ABORTED":
            found |= {"error": "RolledBack", "cause": "ada: tickets"}
        else:
            found |= {"output": json.dumps({"outcome": {"word": self.word, "reason": "x"}})}
        return {**found, "startDate": moment(0), "stopDate": moment(self.stopped or self.until)}

    def get_execution_history(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"events": self.events}

    def __post_init__(self) -> None:
        super().__post_init__()
        self.account.cloudwatch = Counts(self.appconfig, past=self)

    def counted(self, name: str, arm: str, at: float) -> float:
        live = at < self.until
        return {
            ("Requests", "control"): 100.0,
            ("Requests", "candidate"): float(live and at >= HOUR),
            ("Compared", "shadow"): 20.0 * live,
            ("Mismatched", "shadow"): 20.0 * (at // 60 in self.differing),
        }.get((name, arm), 0.0)


@dataclass
class Counts(CloudWatch):
    """What was counted of a rollout of the past."""

    past: Past | None = None

    def _value(self, stat: dict[str, Any], at: float) -> float:
        assert self.past
        (arm,) = [d["Value"] for d in stat["Metric"]["Dimensions"] if d["Name"] == "arm"]
        return self.past.counted(stat["Metric"]["MetricName"], arm, at - BEGAN)


def replayed(patch: pytest.MonkeyPatch, account: Past, *words: str) -> dict[str, Any]:
    patch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    account.executions = {"beta-1": {}}
    account.use(patch)
    result = CliRunner().invoke(main, ["replay", "--rollout", "beta-1", "--json", *words])
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.output))


SOAK = [*served(0, "shadow-soak", 0, "SERVED_SHADOW")]
CANARY = [*served(HOUR, "canary", 100)]


@pytest.mark.parametrize("by_itself", [True, False])
def test_a_rollout_that_was_rolled_back_is_not_blamed_for_its_silence_since(
    patch: pytest.MonkeyPatch, by_itself: bool
) -> None:
    """By the machine, or by a person who stopped its execution."""
    events = [*SOAK, *CANARY, *(rolled_back(2 * HOUR) if by_itself else [])]
    account = Past(events=events, status="SUCCEEDED" if by_itself else "ABORTED")
    found = replayed(patch, account)
    assert found["minutes"] == 120
    (own,) = found["replays"]
    assert [turn["word"] for turn in own["turns"]] == ["HOLD", "HOLD"]


@pytest.mark.parametrize(
    ("note", "why"),
    [
        ("roll back beta-1: ada: tickets", "ada: tickets"),
        ("kill beta-1: ada: tickets", "killed by ada: tickets"),
    ],
)
@pytest.mark.parametrize("scheduled", [(), ("beta-1.ramp-5",)])
def test_what_was_served_between_two_steps_counts_until_somebody_ended_it(
    patch: pytest.MonkeyPatch, note: str, why: str, scheduled: tuple[str, ...]
) -> None:
    """Also while the next step is still scheduled, as a kill leaves it."""
    account = Past(
        events=[*SOAK, *CANARY],
        word="LAUNCHED",
        stopped=HOUR + 600,
        until=3 * HOUR,
        schedules=scheduled,
    )
    account.closed_at(3 * HOUR, note)
    assert replayed(patch, account)["minutes"] == 180
    assert ended() == ("ROLLED_BACK", why, iso(BEGAN + 3 * HOUR))


def test_a_step_that_is_refused_after_a_kill_is_not_how_the_rollout_ended(
    patch: pytest.MonkeyPatch,
) -> None:
    account = Past(events=[*SOAK, *CANARY], word="REFUSED", action="ramp", until=3 * HOUR)
    account.closed_at(2 * HOUR, "kill beta-1: ada: tickets")
    assert replayed(patch, account)["minutes"] == 120
    assert ended() == ("ROLLED_BACK", "killed by ada: tickets", iso(BEGAN + 2 * HOUR))


def test_a_launch_that_was_refused_ended_so_whoever_closed_the_flag(
    patch: pytest.MonkeyPatch,
) -> None:
    account = Past(events=[*SOAK], word="REFUSED")
    account.closed_at(HOUR, "kill beta-1: ada: tickets")
    replayed(patch, account)
    assert ended()[0] == "REFUSED"


def test_of_a_rollout_that_goes_on_history_does_not_say_why_it_turned_back(
    patch: pytest.MonkeyPatch,
) -> None:
    patch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    account = Past(events=[*SOAK], status="RUNNING")
    account.executions = {"beta-1": {}}
    account.use(patch)
    assert ended() == ("RUNNING", "", "")


def ended() -> tuple[str, str, str]:
    """The outcome, the reason and the moment that `rollout history` tells."""
    listed = CliRunner().invoke(main, ["history", "--json"])
    (told,) = json.loads(listed.output)["rollouts"]
    return told["outcome"], told["why"], told["ended_at"]


def test_after_a_step_down_all_of_it_is_judged_from_the_launch_on(
    patch: pytest.MonkeyPatch,
) -> None:
    events = [
        *SOAK,
        *CANARY,
        *served(2 * HOUR, "ramp-5", 500),
        *served(3 * HOUR, "canary", 100, "SERVED_DOWN"),
        *served(4 * HOUR, "ramp-5", 500),
        *rolled_back(5 * HOUR),
    ]
    account = Past(events=events, until=5 * HOUR, differing=range(150, 180))
    found = replayed(patch, account)
    assert found["minutes"] == 300
    (own,) = found["replays"]
    words = [(turn["phase"], turn["word"]) for turn in own["turns"]]
    assert ("ramp-5", "ROLL_BACK") in words
    assert own["word"] == "ROLL_BACK"


def test_a_rollout_that_has_served_nothing_is_said_to_have(patch: pytest.MonkeyPatch) -> None:
    patch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    account = Past()
    account.executions = {"beta-1": {}}
    account.use(patch)
    result = CliRunner().invoke(main, ["replay", "--rollout", "beta-1"])
    assert result.exit_code == 1
    assert "rollout beta-1 has served nothing; see `rollout report beta-1`" in result.output
