"""Events: an execution's input, what EventBridge tells the guard, alarms, shadows, log lines."""

import json
from typing import Any

import pytest
from hypothesis import given

from ops.local import emf
from rollout.adapters import shadow_log
from rollout.domain import mismatches, step
from rollout.domain.mismatches import Totals
from rollout.handlers import compare, guard, preflight
from tests import fakes
from tests.fakes import (
    NOW,
    FakeAlarms,
    FakeAliases,
    FakeCandidate,
    FakeFlags,
    FakeNotifications,
    exposed,
)
from tests.functional.fuzz.inputs import DEEP_TEXT, clear, documents, refused, written
from tests.functional.test_roll_back import ports as rollback_ports
from tests.fuzz_counts import tried

LAUNCH, RAMP = fakes.event("execution.launch"), fakes.event("execution.ramp")
ABORTED, ALARM = fakes.event("guard.aborted"), fakes.event("guard.alarm")
SHADOW = fakes.event("compare.shadow")
LINE = {
    "_aws": {"Timestamp": 1_800_000_000_000, "CloudWatchMetrics": []},
    "noted": 1,
    "rollout_id": "beta-1",
    "diff_paths": "balance:value,tags:order",
    "noise_paths": ["name:value"],
    "unstable": ["name"],
    "at_random": 1,
    "examples": {"balance:value": {"control": "text(4)", "candidate": "text(5)", "hint": ""}},
    "rules": ["set tags"],
    "rules_matched": ["set tags"],
    "user_hash": "0123456789abcdef",
}
EMF = {
    "_aws": {
        "Timestamp": 1_800_000_000_000,
        "CloudWatchMetrics": [
            {
                "Namespace": "N",
                "Dimensions": [["service"]],
                "Metrics": [{"Name": "Requests", "Unit": "Count", "StorageResolution": 1}],
            }
        ],
    },
    "service": "read",
    "Requests": 1,
}


@given(document=documents(LAUNCH) | documents(RAMP))
def test_an_execution_begins_or_is_refused_with_a_reason(document: Any) -> None:
    ports = preflight.Ports(FakeFlags(), FakeAlarms(), FakeAliases(), FakeCandidate(), lambda: NOW)
    tried("execution input")
    answer = preflight.preflight({"document": document, "execution_name": "beta-1"}, ports)
    assert answer["word"] in ("LAUNCH", "RAMP", "CLEANUP", "REFUSED", "ROLL_BACK")
    assert (answer["step"] == {}) <= (answer["word"] == "REFUSED")
    if not answer["step"]:
        clear(answer["reasons"][0])


@given(document=documents(RAMP))
def test_a_step_is_understood_or_refused_clearly(document: Any) -> None:
    refused("step", lambda: step.parse(document, "beta-1", NOW))


@given(event=documents(ABORTED) | documents(ALARM))
def test_the_guard_rolls_back_or_refuses_clearly(event: Any) -> None:
    flags, notifications = FakeFlags(exposed(2500)), FakeNotifications()
    known = guard.Ports(rollback_ports(flags), notifications)
    outcome = refused("EventBridge events", lambda: guard.guard(event, known))
    if outcome is not None:
        assert outcome["word"] in ("ROLLED_BACK", "NOTHING_TO_DO")


@given(content=written(json.loads(ABORTED["detail"]["input"])))
def test_the_guard_acts_though_the_input_in_its_event_is_spoilt(content: bytes) -> None:
    detail = {**ABORTED["detail"], "input": content.decode("utf-8", "surrogateescape")}
    flags = FakeFlags(exposed(2500, rollout_id=detail["name"]))
    known = guard.Ports(rollback_ports(flags), FakeNotifications())
    tried("EventBridge events")
    assert guard.guard({**ABORTED, "detail": detail}, known)["word"] == "ROLLED_BACK"


@given(event=documents(SHADOW))
def test_a_comparison_is_made_or_dropped_with_a_line(event: Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        ports = compare.Ports(FakeCandidate(), fakes.request_log())
        patch.setattr(compare, "_ports", lambda: ports)
        tried("shadow events")
        found = compare.handler(event, None)
    assert found["outcome"] in ("SHADOW-OK", "SHADOW-DIFF", "SHADOW-FAILED", "SHADOW-DROPPED")


@given(line=documents(LINE))
def test_a_log_line_is_counted_or_passed_over(line: Any) -> None:
    tried("log query rows")
    given_lines = [line] if isinstance(line, dict) else []
    report = mismatches.report([LINE, *given_lines], Totals(10, 2, 0))
    assert {"balance", "tags"} & {reason.path for reason in report.reasons}
    for reason in report.reasons:
        assert 0 <= reason.first_seen <= reason.last_seen < 1e11
        assert mismatches.sentence(reason)


@given(content=written(LINE))
def test_a_log_message_is_an_object_or_nothing(content: bytes) -> None:
    tried("log query rows")
    assert isinstance(shadow_log.parsed(content.decode("utf-8", "surrogateescape")), dict)


@given(line=documents(EMF))
def test_a_metric_line_is_counted_or_passed_over(line: Any) -> None:
    tried("metric lines")
    try:
        text = json.dumps(line)
    except (RecursionError, ValueError):
        text = DEEP_TEXT
    emf.totals([text, json.dumps(EMF)])
