"""What made-up inputs have found, each as an example of its own."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from ops import judging, replaying
from ops.local import emf
from ops.local.traffic import read_csv
from rollout.adapters import plan_documents, shadow_log
from rollout.adapters.candidate import LambdaCandidate
from rollout.domain import mismatches, rules
from rollout.domain.errors import InvalidInputError
from rollout.domain.mismatches import Totals
from rollout.domain.question import Question
from rollout.handlers import guard
from tests import fakes
from tests.fakes import ROOT, FakeFlags, FakeNotifications, exposed
from tests.functional.fuzz.inputs import DEEP_TEXT, clear
from tests.functional.fuzz.test_fuzz_events import EMF, LINE
from tests.functional.fuzz.test_fuzz_recordings import ROW
from tests.functional.test_roll_back import ports

BETA = plan_documents.load(ROOT / "plans" / "beta.json")[0]


def watched(event: Any, flags: FakeFlags) -> dict[str, Any]:
    return guard.guard(event, guard.Ports(ports(flags), FakeNotifications()))


@pytest.mark.parametrize("event", [None, [], "x", {}, {"detail": []}, {"source": ["aws.states"]}])
def test_the_guard_refuses_what_is_no_event_of_its_own(event: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"event\.source"):
        watched(event, FakeFlags(exposed(2500)))


@pytest.mark.parametrize("given", [None, 7, {}, "[", DEEP_TEXT])
def test_the_guard_goes_by_the_name_when_the_input_in_an_event_is_unreadable(given: Any) -> None:
    event = fakes.event("guard.aborted")
    event["detail"].update(input=given, error=7, cause=["x"])
    assert watched(event, FakeFlags(exposed(2500)))["word"] == "ROLLED_BACK"


@pytest.mark.parametrize(
    "change",
    [
        {"_aws": None},
        {"_aws": {"Timestamp": "now"}},
        {"_aws": {"Timestamp": float("inf")}},
        {"_aws": {"Timestamp": -(10**400)}},
        {"noise_paths": None},
        {"unstable": 7},
        {"rules": [[]]},
        {"rules_matched": {"a": 1}},
        {"examples": []},
        {"examples": {"balance:value": "x"}},
        {"diff_paths": ["a"]},
    ],
)
def test_a_log_line_of_other_kinds_spoils_no_report(change: dict[str, Any]) -> None:
    report = mismatches.report([LINE, {**LINE, **change}], Totals(10, 2, 0))
    assert "balance" in {reason.path for reason in report.reasons}
    assert report.to_json()["reasons"]


def test_a_log_message_that_is_too_deep_is_no_line() -> None:
    assert shadow_log.parsed(DEEP_TEXT) == {}


@pytest.mark.parametrize(
    "change",
    [
        {"Requests": "many"},
        {"Requests": [[]]},
        {"_aws": {"Timestamp": 1, "CloudWatchMetrics": [{}]}},
        {"_aws": {"Timestamp": 1, "CloudWatchMetrics": None}},
        {"_aws": {"Timestamp": float("inf"), "CloudWatchMetrics": []}},
        {"_aws": []},
    ],
)
def test_a_metric_line_of_other_kinds_stops_nothing(change: dict[str, Any]) -> None:
    found = emf.totals([json.dumps({**EMF, **change}), DEEP_TEXT + '"_aws"', json.dumps(EMF)])
    assert [metric.name for metric in found] == ["Requests"]


def test_a_question_that_is_too_deep_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="unreadable"):
        Question.from_text(DEEP_TEXT)


@pytest.mark.parametrize(
    "line", [DEEP_TEXT, '{"type": NaN}', '{"t": ' + "9" * 5000 + "}", "\ud800"]
)
def test_the_judge_refuses_a_line_that_is_no_json(line: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        judging.answer_lines(io.StringIO(line), io.StringIO())
    clear(str(caught.value))


@pytest.mark.parametrize("line", [DEEP_TEXT, "[1]", '{"at": NaN}', '{"at": 1, "at": 2}'])
def test_a_recorded_line_that_is_no_object_is_refused(tmp_path: Path, line: str) -> None:
    file = tmp_path / "minutes"
    file.write_text(f"{json.dumps(ROW)}\n{line}\n", encoding="utf-8")
    with pytest.raises(InvalidInputError, match="line 2") as caught:
        replaying.from_file(file, BETA)
    clear(str(caught.value))


@pytest.mark.parametrize("lines", [["x" * 200_000], [",".join(ROW), "x" * 200_000]])
def test_recorded_minutes_with_a_cell_too_long_for_csv_are_refused(
    tmp_path: Path, lines: list[str]
) -> None:
    file = tmp_path / "minutes"
    file.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(InvalidInputError, match="--counts"):
        replaying.from_file(file, BETA)


def test_recorded_minutes_with_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    file = tmp_path / "minutes"
    file.write_bytes(b"\xef\xbb\xbf" + json.dumps(ROW).encode())
    assert len(replaying.from_file(file, BETA)) == 1


@pytest.mark.parametrize("name", ["\ud800", "a\x00b"])
def test_a_name_that_no_file_has_is_refused(name: str) -> None:
    for read in (read_csv, plan_documents.load, lambda path: replaying.from_file(path, BETA)):
        with pytest.raises(InvalidInputError) as caught:
            read(Path(name))
        clear(str(caught.value))


@pytest.mark.parametrize("text", [DEEP_TEXT, "7", "\ud800"])
def test_a_rule_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match="cleaning rule"):
        rules.from_text(text)


def test_an_answer_of_the_candidate_that_is_too_deep_is_its_failure() -> None:
    class Deep:
        def invoke(self, **_: Any) -> dict[str, Any]:
            return {"Payload": io.BytesIO(DEEP_TEXT.encode())}

    assert LambdaCandidate(Deep(), "f").read("u").failed
