"""One rollout, read back from Step Functions, CloudWatch, AppConfig and Scheduler."""

import time
from dataclasses import asdict
from typing import Any, Final

from ops import approving, rollouts
from ops.deployed import Stack
from ops.executions import RUNNING, WENT_ON, executions, outcome
from ops.records.exposures import carried_shadows, exposure_steps
from ops.records.visits import Visit, visits
from rollout.adapters import plan_documents
from rollout.adapters.clients import client
from rollout.adapters.metrics import CloudWatchMetrics, MetricsUnavailableError
from rollout.domain.course import course
from rollout.domain.minute import Minute, minutes_of
from rollout.domain.plan import Plan

# How many events of a history are asked for at once: the most that the API gives.
PAGE: Final = 1000


def record(
    stack: Stack, rollout_id: str = "", known: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Everything known of a rollout (default: the one that holds the flag, or the last).

    known: what cannot change any more, kept from one call to the next by whoever asks often.
    Returns {"stack", "rollout", "read_at", "outcome": {"word", "reason"}, "plan": {…} as given,
    "launched_at", "ended_at" (None while it goes on), "executions": [{"name", "arn", "action",
    "phase", "status", "started_at", "stopped_at", "visits"}], "exposure": [{"at", "phase",
    "exposure_bps", "shadow_bps"}], "verdicts", "approvals", "period_seconds", "minutes", "looks",
    "unavailable": why there are no minutes, "question", "scheduled", "served"}. Moments are epoch
    seconds. Raises RolloutError for a rollout nobody knows.
    """
    known = {} if known is None else known
    status = rollouts.status(stack, known)
    rollout_id = rollout_id or status["rollout"]
    listed = executions(stack, rollout_id, known) if rollout_id else []
    if not listed:
        named = f"rollout {rollout_id}" if rollout_id else "any rollout"
        raise rollouts.RolloutError(f"no execution of {named} is known; see `rollout history`")
    listed.reverse()
    for item in listed:
        item["visits"] = _visits(item, known)
    ours = status["rollout"] == rollout_id
    given = _plan_document(listed)
    exposure = exposure_steps(listed, given, carried_shadows(stack, given, known))
    return {
        "stack": stack.name,
        "rollout": rollout_id,
        "read_at": time.time(),
        "outcome": _outcome(stack, listed, status["scheduled"] if ours else []),
        "plan": given,
        "launched_at": listed[0]["started_at"],
        "ended_at": _ended_at(listed, status["scheduled"] if ours else []),
        "executions": [_plain(item) for item in listed],
        "exposure": exposure,
        "verdicts": _parts(listed, "verdict", ("Evaluate Shadow", "Evaluate Metrics")),
        "approvals": _parts(listed, "approval", ("Ask a Person",)),
        "question": approving.shown(stack, rollout_id),
        "scheduled": status["scheduled"] if ours else [],
        "served": {key: status[key] for key in ("exposure_bps", "shadow_bps", "lease_until")},
        **_evidence(stack, given, exposure),
    }


def _visits(item: dict[str, Any], known: dict[str, Any]) -> list[Visit]:
    """An execution's visits; those of one that has ended are asked for once."""
    key = f"visits of {item['arn']}"
    if key in known:
        return list(known[key])
    pages = client("stepfunctions").get_paginator("get_execution_history")
    events = (
        event
        for page in pages.paginate(executionArn=item["arn"], PaginationConfig={"PageSize": PAGE})
        for event in page["events"]
    )
    found = visits(events)
    if item["status"] != RUNNING:
        known[key] = found
    return found


def _plain(item: dict[str, Any]) -> dict[str, Any]:
    kept = ("name", "arn", "action", "phase", "status", "error", "cause")
    plain = {key: item.get(key) for key in (*kept, "started_at", "stopped_at")}
    return {**plain, "visits": [visit.to_json() for visit in item["visits"]]}


def _plan_document(listed: list[dict[str, Any]]) -> dict[str, Any]:
    """The plan the rollout was launched with, as it was given; {} when no execution says."""
    for item in listed:
        for document in (item["document"], *(visit.input for visit in item["visits"][:1])):
            if isinstance(document, dict) and isinstance(document.get("plan"), dict):
                return dict(document["plan"])
    return {}


def _parts(
    listed: list[dict[str, Any]], part: str, states: tuple[str, ...]
) -> list[dict[str, Any]]:
    """What the visits of some states left in one part of the document, oldest first."""
    return [
        {"at": visit.left_at, "execution": item["name"], "state": visit.state, **visit.output[part]}
        for item in listed
        for visit in item["visits"]
        if visit.state in states and isinstance(visit.output, dict) and visit.output.get(part)
    ]


def _outcome(stack: Stack, listed: list[dict[str, Any]], scheduled: list[Any]) -> dict[str, str]:
    """How it ended, or that it goes on: {"word", "reason"}."""
    last = listed[-1]
    if last["status"] == RUNNING:
        verdicts = [visit.input for visit in last["visits"] if isinstance(visit.input, dict)]
        said: dict[str, Any] = next(
            (one["verdict"] for one in reversed(verdicts) if one.get("verdict")), {}
        )
        return {"word": RUNNING, "reason": str(said.get("sentence", ""))}
    word, reason = outcome(last)
    if scheduled:
        return {"word": RUNNING, "reason": f"{reason}; next {scheduled[0]['name']}"}
    if word in WENT_ON:
        why = rollouts.closed_between(stack, last["rollout"])
        word, reason = ("ROLLED_BACK", why) if why else (word, reason)
    return {"word": word, "reason": reason}


def _ended_at(listed: list[dict[str, Any]], scheduled: list[Any]) -> float | None:
    if scheduled or any(item["status"] == RUNNING for item in listed):
        return None
    return float(max(item["stopped_at"] for item in listed))


def _evidence(
    stack: Stack, given: dict[str, Any], exposure: list[dict[str, Any]]
) -> dict[str, Any]:
    """The counts minute by minute, and what the judge made of them."""
    nothing: dict[str, Any] = {"period_seconds": 60, "minutes": [], "looks": [], "unavailable": ""}
    served = [step for step in exposure if step["phase"]]
    if not served:
        return nothing
    plan = plan_documents.parse(given)
    last = exposure[-1]
    end = time.time() - plan.evaluation.settle_seconds
    if not last["phase"]:
        end = min(end, last["at"])
    try:
        metrics = CloudWatchMetrics.connect(stack.settings())
        rows, period = metrics.rows(
            served[0]["at"], end, plan.evaluation.period_seconds, plan.tenants
        )
    except MetricsUnavailableError as error:
        return {**nothing, "unavailable": str(error)}
    history = tuple((step["phase"], step["at"]) for step in served)
    minutes = minutes_of(rows, history, plan)
    return {
        "period_seconds": period,
        "minutes": [_minute(minute, plan) for minute in minutes],
        "looks": [asdict(look) for look in course(minutes, plan, period)],
        "unavailable": "",
    }


def _minute(minute: Minute, plan: Plan) -> dict[str, Any]:
    arms = {
        name: asdict(part) if part else None
        for name, part in (
            ("control", minute.control),
            ("candidate", minute.candidate),
            ("shadow", minute.shadow),
        )
    }
    return {"at": minute.at, "phase": plan.phases[minute.stage].name, **arms}
