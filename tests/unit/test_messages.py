"""Messages: the latest thing that went wrong, in words, from whatever document there is."""

from typing import Any

import pytest

from rollout.domain.messages import UNKNOWN, reason_of, rollout_of

PREFLIGHT = {"step": {"rollout_id": "beta-1"}, "reasons": ["alarm one", "alarm two"]}
VERDICT = {"word": "ROLL_BACK", "sentence": "ROLL_BACK: errors 9 of 10."}
APPROVAL = {"word": "DENIED", "by": "ada", "why": "too slow"}
EXPOSURE = {"word": "LOST", "reason": "AppConfig ended deployment 7"}
ERROR = {"Error": "States.Timeout", "Cause": "too long"}


# Reasons


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"preflight": PREFLIGHT}, "alarm one; alarm two"),
        ({"verdict": VERDICT}, "ROLL_BACK: errors 9 of 10."),
        ({"approval": APPROVAL}, "not approved by ada: too slow"),
        ({"approval": {"word": "DENIED"}}, "not approved by anybody: no reason"),
        ({"exposure": EXPOSURE}, "AppConfig ended deployment 7"),
        ({"error": ERROR}, "States.Timeout: too long"),
        ({"error": {"Cause": "too long"}}, "unknown error: too long"),
        ({"preflight": {"word": "PURPLE"}}, "not a word to go on with: preflight 'PURPLE'"),
        ({"exposure": {"word": None}}, "not a word to go on with: exposure None"),
    ],
)
def test_each_thing_that_goes_wrong_has_its_reason(document: dict[str, Any], reason: str) -> None:
    assert reason_of(document) == reason


def test_the_latest_thing_that_went_wrong_is_the_reason() -> None:
    document = {"preflight": PREFLIGHT}
    found = [reason_of(document)]
    for key, part in [
        ("verdict", VERDICT),
        ("approval", APPROVAL),
        ("exposure", EXPOSURE),
        ("error", ERROR),
    ]:
        document[key] = part
        found.append(reason_of(document))

    assert found == [
        "alarm one; alarm two",
        "ROLL_BACK: errors 9 of 10.",
        "not approved by ada: too slow",
        "AppConfig ended deployment 7",
        "States.Timeout: too long",
    ]


QUESTION = {"word": "INVESTIGATE", "sentence": "INVESTIGATE: slow 9 of 10."}


@pytest.mark.parametrize("error", ["States.Timeout", "States.HeartbeatTimeout"])
def test_silence_is_told_with_what_was_asked(error: str) -> None:
    document = {"verdict": QUESTION, "error": {"Error": error, "Cause": "callback"}}

    assert reason_of(document) == "nobody answered in time: INVESTIGATE: slow 9 of 10."


@pytest.mark.parametrize(
    "more",
    [
        {"verdict": VERDICT},
        {"approval": {"word": "APPROVED", "by": "ada"}},
        {"error": {"Error": "Lambda.Unknown"}},
    ],
)
def test_other_errors_are_not_taken_for_silence(more: dict[str, Any]) -> None:
    document = {"verdict": QUESTION, "error": ERROR, **more}

    assert "nobody answered" not in reason_of(document)


def test_an_approval_that_was_given_is_no_reason() -> None:
    document = {"approval": {"word": "APPROVED", "by": "ada"}, "verdict": VERDICT}

    assert reason_of(document) == "ROLL_BACK: errors 9 of 10."


def test_an_exposure_that_was_served_is_no_reason() -> None:
    document = {"exposure": {"word": "SERVED_LIVE", "reason": "old"}, "verdict": VERDICT}

    assert reason_of(document) == "ROLL_BACK: errors 9 of 10."


def test_a_long_cause_is_cut() -> None:
    assert reason_of({"error": {"Error": "E", "Cause": "x" * 9000}}) == f"E: {'x' * 500}"


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"error": None, "exposure": None, "approval": None, "verdict": None, "preflight": None},
        {"error": "text", "exposure": 1, "approval": [], "verdict": "", "preflight": "no"},
        {"error": {}, "preflight": {"reasons": []}},
        {"preflight": {"reasons": "not a list"}},
    ],
)
def test_without_a_usable_reason_that_is_said(document: dict[str, Any]) -> None:
    assert reason_of(document) == UNKNOWN == "no reason was recorded"


# Rollouts


@pytest.mark.parametrize(
    ("document", "rollout"),
    [
        ({"preflight": PREFLIGHT}, "beta-1"),
        ({"rollout_id": "beta-1", "plan": {}}, "beta-1"),
        ({"preflight": PREFLIGHT, "rollout_id": "other-1"}, "beta-1"),
        ({"preflight": {"step": {}}, "rollout_id": "beta-1"}, "beta-1"),
        ({"preflight": None}, ""),
        ({"rollout_id": 7}, ""),
        ({}, ""),
        (None, ""),
        ("beta-1", ""),
    ],
)
def test_the_rollout_is_found_in_the_step_or_the_input(document: object, rollout: str) -> None:
    assert rollout_of(document) == rollout
