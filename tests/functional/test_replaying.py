"""Replay: recorded minutes under another plan, and what that would have saved."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ops.cli import main
from ops.replaying import COLUMNS

ROOT = Path(__file__).parents[2]
BETA = ROOT / "plans" / "beta.json"
BEGAN = 1_800_000_000


def row(number: int, phase: str, *, errors: int = 0) -> dict[str, Any]:
    asked = 0 if phase == "shadow-soak" else 5
    values = (BEGAN + 60 * number, phase, 100, 0, 5, asked, errors, 0, 100, 0, 0)
    return dict(zip(COLUMNS, values, strict=True))


def recording(bad_from: int) -> list[dict[str, Any]]:
    """An hour of soak and two of canary, whose errors begin at that minute."""
    soak = [row(number, "shadow-soak") for number in range(60)]
    canary = [
        row(number, "canary", errors=1 if number >= bad_from else 0) for number in range(60, 180)
    ]
    return [*soak, *canary]


def csv(rows: list[dict[str, Any]]) -> str:
    lines = [",".join(COLUMNS), *(",".join(str(v) for v in one.values()) for one in rows)]
    return "\n".join(lines) + "\n"


def jsonl(rows: list[dict[str, Any]]) -> str:
    return "\n".join(json.dumps(one) for one in rows)


def tolerant(tmp_path: Path) -> Path:
    """A plan that tolerates what the recording did."""
    document = json.loads(BETA.read_text(encoding="utf-8"))
    document["name"] = "tolerant"
    document["guardrails"]["errors"] = {
        "tolerated": 0.3,
        "certify": 0.4,
        "bands": [
            {"call": "PROMOTE", "from": 0, "to": 0.4},
            {"call": "ROLL_BACK", "from": 0.4, "to": 1},
        ],
    }
    file = tmp_path / "tolerant.json"
    file.write_text(json.dumps(document))
    return file


def replay(tmp_path: Path, text: str, *words: str) -> Result:
    file = tmp_path / "counts"
    file.write_text(text)
    return CliRunner().invoke(main, ["replay", "--counts", str(file), *words])


@pytest.mark.parametrize("written", [csv, jsonl])
def test_harm_ends_the_replay_and_what_was_served_after_it_is_told(
    tmp_path: Path, written: Any
) -> None:
    result = replay(tmp_path, written(recording(90)), "--plan", str(BETA), "--json")
    assert result.exit_code == 0, result.output
    (one,) = json.loads(result.output)["replays"]
    assert one["word"] == "ROLL_BACK"
    assert one["recorded_bad"] == 90
    assert 3 <= one["served_bad"] <= 15


def test_two_plans_over_the_same_minutes_show_where_they_part(tmp_path: Path) -> None:
    words = ("--plan", str(BETA), "--plan", str(tolerant(tmp_path)), "--json")
    first, second = json.loads(replay(tmp_path, csv(recording(90)), *words).output)["replays"]
    assert (first["word"], second["word"]) == ("ROLL_BACK", "PROMOTE")
    assert second["served_bad"] == second["recorded_bad"]


def test_a_clean_recording_is_promoted_in_each_phase(tmp_path: Path) -> None:
    result = replay(tmp_path, csv(recording(999)), "--plan", str(BETA), "--json")
    (one,) = json.loads(result.output)["replays"]
    assert [(t["phase"], t["word"]) for t in one["turns"]] == [
        ("shadow-soak", "HOLD"),
        ("canary", "HOLD"),
        ("canary", "PROMOTE"),
    ]


def test_a_person_reads_the_same(tmp_path: Path) -> None:
    text = replay(tmp_path, csv(recording(90)), "--plan", str(BETA)).output
    assert "beta: ROLL_BACK (2027-01-15T" in text
    assert "of 90 bad requests served until then" in text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n", "line 1 is ['a', 'b']; expected the columns at, phase, control_requests"),
        ("{\n", "line 1 is '{'; expected a JSON object"),
        (csv([{**row(0, "canary"), "phase": "tea"}]), "line 2: phase is 'tea'; expected one of"),
        (csv([{**row(0, "canary"), "candidate_errors": -1}]), "line 2: candidate_errors is -1"),
        (csv([{**row(0, "canary"), "shadow_failed": "x"}]), "line 2: shadow_failed is 'x'"),
        (csv([{**row(0, "canary"), "candidate_errors": 9}]), "Arm.errors is 9; expected at most"),
        (csv([row(1, "canary"), row(0, "canary")]), "minute 2: at is"),
    ],
)
def test_a_recording_that_cannot_be_used_is_named_by_its_place(
    tmp_path: Path, text: str, said: str
) -> None:
    result = replay(tmp_path, text, "--plan", str(BETA))
    assert (result.exit_code, result.output.count("\n")) == (2, 1)
    assert said in result.output


def test_a_replay_needs_a_recording_and_a_plan(tmp_path: Path) -> None:
    nothing = CliRunner().invoke(main, ["replay", "--plan", str(BETA)])
    assert "expected either --counts or --rollout" in nothing.output
    assert "expected a plan to judge by" in replay(tmp_path, csv(recording(999))).output
