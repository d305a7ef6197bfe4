"""One rollout, read back from Step Functions, CloudWatch, AppConfig and Scheduler."""

import time
from dataclasses import asdict, dataclass
from typing import Any, Final

from ops import approving, rollouts
from ops.deployed import Stack
from ops.executions import RUNNING, executions, outcome
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
    listed = _listed(stack, rollout_id, known)
    ours = status["rollout"] == rollout_id
    scheduled = status["scheduled"] if ours else []
    given = _plan_document(listed)
    exposure = exposure_steps(listed, given, carried_shadows(stack, given, known))
    ending = _ending(stack, listed, scheduled)
    return {
        "stack": stack.name,
        "rollout": rollout_id,
        "read_at": time.time(),
        "outcome": {"word": ending.word, "reason": ending.reason},
        "plan": given,
        "launched_at": listed[0]["started_at"],
        "ended_at": ending.at,
        "executions": [_plain(item) for item in listed],
        "exposure": exposure,
        "verdicts": _parts(listed, "verdict", ("Evaluate Shadow", "Evaluate Metrics")),
        "approvals": _parts(listed, "approval", ("Ask a Person",)),
        "question": approving.shown(stack, rollout_id),
        "scheduled": scheduled,
        "served": {key: status[key] for key in ("exposure_bps", "shadow_bps", "lease_until")},
        **_evidence(stack, given, exposure, ending.at),
    }


def minutes(stack: Stack, rollout_id: str) -> tuple[tuple[Minute, ...], Plan, int]:
    """(every minute of a rollout that has exposed anybody, its plan, the period in seconds).

    Raises RolloutError for one that nobody knows or that has served nothing, and
    MetricsUnavailableError.
    """
    listed = _listed(stack, rollout_id, {})
    given = _plan_document(listed)
    exposure = exposure_steps(listed, given)
    if not any(step["phase"] for step in exposure):
        raise rollouts.RolloutError(
            f"rollout {rollout_id} has served nothing; see `rollout report {rollout_id}`"
        )
    scheduled = rollouts.scheduled(stack, rollout_id)
    return _minutes(stack, given, exposure, _ending(stack, listed, scheduled).at)


def _listed(stack: Stack, rollout_id: str, known: dict[str, Any]) -> list[dict[str, Any]]:
    """Its executions, oldest first, each with its visits. Raises RolloutError without any."""
    listed = executions(stack, rollout_id, known) if rollout_id else []
    if not listed:
        named = f"rollout {rollout_id}" if rollout_id else "any rollout"
        raise rollouts.RolloutError(f"no execution of {named} is known; see `rollout history`")
    listed.reverse()
    for item in listed:
        item["visits"] = _visits(item, known)
    return listed


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


@dataclass(frozen=True)
class _Ending:
    """How a rollout ended, and the epoch second; RUNNING and None while it goes on."""

    word: str
    reason: str
    at: float | None = None


def _ending(stack: Stack, listed: list[dict[str, Any]], scheduled: list[Any]) -> _Ending:
    last = listed[-1]
    if last["status"] == RUNNING:
        verdicts = [visit.input for visit in last["visits"] if isinstance(visit.input, dict)]
        said: dict[str, Any] = next(
            (one["verdict"] for one in reversed(verdicts) if one.get("verdict")), {}
        )
        return _Ending(RUNNING, str(said.get("sentence", "")))
    word, reason = outcome(last)
    stopped = [item["stopped_at"] for item in listed]
    # One that was begun before the last may still have something to tell.
    at = None if None in stopped else float(max(stopped))
    why, closed_at = rollouts.closed_between(stack, last)
    if why:
        return _Ending("ROLLED_BACK", why, closed_at or at)
    if scheduled:
        return _Ending(RUNNING, f"{reason}; next {scheduled[0]['name']}")
    return _Ending(word, reason, at)


def _evidence(
    stack: Stack, given: dict[str, Any], exposure: list[dict[str, Any]], ended_at: float | None
) -> dict[str, Any]:
    """The counts minute by minute, and what the judge made of them."""
    nothing: dict[str, Any] = {"period_seconds": 60, "minutes": [], "looks": [], "unavailable": ""}
    if not any(step["phase"] for step in exposure):
        return nothing
    try:
        found, plan, period = _minutes(stack, given, exposure, ended_at)
    except MetricsUnavailableError as error:
        return {**nothing, "unavailable": str(error)}
    return {
        "period_seconds": period,
        "minutes": [_minute(minute, plan) for minute in found],
        "looks": [asdict(look) for look in course(found, plan, period)],
        "unavailable": "",
    }


def _minutes(
    stack: Stack, given: dict[str, Any], exposure: list[dict[str, Any]], ended_at: float | None
) -> tuple[tuple[Minute, ...], Plan, int]:
    """The minutes from the first that was served to the end; ended_at: None while it goes on."""
    plan = plan_documents.parse(given)
    end, last = time.time() - plan.evaluation.settle_seconds, exposure[-1]
    if not last["phase"]:
        end = min(end, last["at"])
    elif ended_at is not None:
        # A person or an error has stopped it: what comes after that is the control's alone.
        end = min(end, ended_at)
    history = tuple((step["phase"], step["at"]) for step in exposure if step["phase"])
    metrics = CloudWatchMetrics.connect(stack.settings())
    rows, period = metrics.rows(history[0][1], end, plan.evaluation.period_seconds, plan.tenants)
    return minutes_of(rows, history, plan), plan, period


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
