"""Recordings: traffic counts, recorded minutes, and the JSON lines of `rollout judge`."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops import judging, replaying
from ops.local.traffic import read_csv
from rollout.adapters import plan_documents
from rollout.domain import rules
from rollout.domain.errors import InvalidInputError
from tests.fakes import ROOT
from tests.functional.fuzz.inputs import DEEP_TEXT, documents, refused, spoilt_bytes, texts, written

BETA = plan_documents.load(ROOT / "plans" / "beta.json")[0]
TRAFFIC = (
    "timestamp,value\n2026-01-01 00:00:00,40\n2026-01-01 00:05:00,94.0\n2026-01-01 00:10:00,1\n"
)
ROW = dict.fromkeys(replaying.COLUMNS, 1) | {"at": 60, "phase": "canary"}
MINUTES = "\n".join(
    [
        ",".join(replaying.COLUMNS),
        *(",".join(str(v) for v in {**ROW, "at": n * 60}.values()) for n in range(1, 4)),
    ]
)
START = {
    "type": "start",
    "schedule": [
        {"stage": "shadow", "weight": 0, "minutes": 60},
        {"stage": "canary", "weight": 0.01, "minutes": 60},
    ],
    "thresholds": {
        "error": {"go": 0.01, "rollback": 0.02},
        "p95_ratio": {"go": 1.15, "investigate": 1.3},
        "mismatch": {"go": 0.005, "investigate": 0.01},
    },
    "hist": {"ratio": 1.1, "bins": 100},
}
MINUTE = {
    "type": "minute",
    "t": 0,
    "stage_index": 0,
    "weight": 0,
    "control": {"n": 10, "err": 0, "lat": [[5, 10]]},
    "candidate": {"n": 10, "err": 1, "lat": [[5, 9]]},
    "shadow": {"n": 5, "mismatch": 1, "err": 0},
    "tenants": [[5, 0, 5, 0]],
}
RULE = {"path": "tags[*].at", "rule": "time", "within_seconds": 2}
CELLS = texts | st.sampled_from(("-1", "1e3", "1" * 5000, "9" * 13, "0001-01-01", "2026-13-01"))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recordings") / "counts"


@st.composite
def table(draw: st.DrawFn, text: str) -> bytes:
    """A CSV with a cell replaced, or spoilt as a text."""
    lines = [line.split(",") for line in text.splitlines()]
    line = draw(st.sampled_from(lines))
    line[draw(st.integers(0, len(line) - 1))] = draw(CELLS)[:200_000]
    whole = "\n".join(",".join(cells) for cells in lines)
    return draw(spoilt_bytes(draw(st.sampled_from((text, whole)))))


@given(content=table(TRAFFIC))
def test_a_trace_is_read_or_refused_clearly(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    found = refused("traffic CSV", lambda: read_csv(file))
    assert found is None or all(one.length_s > 0 <= one.requests for one in found)


@given(content=table(MINUTES))
def test_recorded_minutes_are_judged_or_refused_clearly(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    refused("recorded minutes, CSV", lambda: again(file))


@given(content=written(ROW))
def test_recorded_json_lines_are_judged_or_refused_clearly(file: Path, content: bytes) -> None:
    file.write_bytes(json.dumps(ROW).encode() + b"\n" + content)
    refused("recorded minutes, JSON", lambda: again(file))


def again(path: Path) -> Any:
    minutes = replaying.from_file(path, BETA)
    return json.dumps(replaying.judged(minutes, [BETA], 60))


@given(start=documents(START), minute=documents(MINUTE))
def test_the_judge_answers_or_refuses_clearly(start: Any, minute: Any) -> None:
    try:
        lines = [json.dumps(start), json.dumps(MINUTE), json.dumps(minute)]
    except (RecursionError, ValueError):
        lines = [DEEP_TEXT]
    judged(lines)


@given(content=written(MINUTE))
def test_the_judge_answers_any_text_or_refuses_clearly(content: bytes) -> None:
    judged([json.dumps(START), content.decode("utf-8", "surrogateescape")])


def judged(lines: list[str]) -> None:
    answers = io.StringIO()
    stream = io.StringIO("\n".join(lines))
    refused("rollout judge --jsonl", lambda: judging.answer_lines(stream, answers))
    for line in answers.getvalue().splitlines():
        assert line.split()[0] in ("GO", "HOLD", "ROLLBACK")


@given(item=documents(RULE))
def test_a_cleaning_rule_is_read_or_refused_clearly(item: Any) -> None:
    found = refused("cleaning rules", lambda: rules.parse(item, "comparison.rules[0]"))
    if found:
        assert rules.from_text(found.to_text()) == found


@given(content=written(RULE))
def test_a_rule_that_travels_is_read_or_refused_clearly(content: bytes) -> None:
    text = content.decode("utf-8", "surrogateescape")
    refused("cleaning rules", lambda: rules.from_text(text))


def test_a_number_beyond_every_float_is_refused_as_any_other() -> None:
    with pytest.raises(InvalidInputError, match=r"rules\[0\].within_seconds"):
        rules.parse({**RULE, "within_seconds": 10**400}, "rules[0]")
