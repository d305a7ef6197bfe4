"""Set the exposure: the Lambda behind Start Shadow, Enable Canary, Raise Exposure, Step Down."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rollout.adapters import plan_documents
from rollout.adapters.flags import AppConfigFlags, Deployed, FlagConflictError, Flags
from rollout.adapters.metrics import CloudWatchMetrics, Metrics, MetricsUnavailableError
from rollout.domain.exposure import DEPLOYING, LOST, flag_for, history_after, holder_problem
from rollout.domain.holding import HELD
from rollout.domain.plan import SHADOW, Phase, Plan
from rollout.domain.sampling import LOOK_BACK_SECONDS, busiest_per_second
from rollout.domain.step import DOWN, History, Step
from rollout.telemetry import log


@dataclass(frozen=True)
class Ports:
    """What setting an exposure needs from outside."""

    flags: Flags
    metrics: Metrics
    clock: Callable[[], float] = time.time


def set_exposure(event: dict[str, Any], ports: Ports) -> dict[str, Any]:
    """Deploy the phase's flag: exposure, shadow sample, slow cut-offs, and the lease that ends it.

    Event: {"plan", "step", "phase": SHADOW, CANARY, RAMP or DOWN, "before": the exposure of the
    phase before in the same execution, if there is one}. Returns the exposure: {"word":
    DEPLOYING or LOST, "reason", "phase", "kind", "exposure_bps", "deployment", "started_at", …}.
    A repeated call finds its own deployment and starts no other. After a step down the evidence
    is counted anew: what a person takes over must not speak against the next try.
    While a person holds the rollout nothing is raised: the exposure before stands, in "before" or,
    with word HELD, in the execution before.
    """
    plan, step = plan_documents.parse(event["plan"]), Step.from_json(event["step"])
    phase = step.place(plan, event["phase"])
    down = event["phase"] == DOWN
    history = history_after(event["before"]) if "before" in event else step.history
    now = ports.clock()
    exposure = _exposure(plan, phase, now, () if down else history)
    if down:
        exposure["kind"] = DOWN.lower()
    before = ports.flags.current()
    problem = holder_problem(before.flag, step, first=phase.kind == SHADOW)
    if problem:
        return {**exposure, "deployment": before.number, "word": LOST, "reason": problem}
    if before.flag.phase == phase.name:
        return {**exposure, "deployment": before.number}
    if before.flag.held_until and not down:
        return _held(event, exposure, before)
    flag = flag_for(plan, phase, step, now, *_of_late(plan, now, ports.metrics))
    note = f"{step.rollout_id} {phase.name}: {phase.exposure_bps} bps"
    try:
        # Without bake on the way down: an alarm must not bring the higher exposure back.
        number = ports.flags.deploy(before, flag, note, urgent=down)
    except FlagConflictError as error:
        after = ports.flags.current()
        if after.flag.held_until and after.flag.holder == step.rollout_id and not down:
            return _held(event, exposure, after)
        return {**exposure, "deployment": before.number, "word": LOST, "reason": str(error)}
    log().info("exposure set", extra={"phase": phase.name, "exposure_bps": phase.exposure_bps})
    return {**exposure, "deployment": number}


def _held(event: dict[str, Any], exposure: dict[str, Any], deployed: Deployed) -> dict[str, Any]:
    """What stands while a person holds the rollout: within an execution, the phase before."""
    if "before" in event:
        return dict(event["before"])
    return {**exposure, "deployment": deployed.number, "word": HELD, "reason": deployed.note}


def _of_late(plan: Plan, now: float, metrics: Metrics) -> tuple[float | None, float | None]:
    """The control's recent p95 in ms, and reads a second in the day's busiest hour, or None each.

    Without the first nothing is relative to the control; without the second the shadow has no
    ceiling.
    """
    period = plan.evaluation.period_seconds
    start = now - plan.slowness.reference_seconds
    p95_ms = per_second = None
    try:
        p95_ms = metrics.control_p95_ms(start, now, period)
        if plan.most_compared_per_second is not None:
            rows, _ = metrics.rows(now - LOOK_BACK_SECONDS, now, period)
            per_second = busiest_per_second(rows, now)
    except MetricsUnavailableError as error:
        log().warning("control unknown", extra={"reason": str(error)})
    return p95_ms, per_second


def _exposure(plan: Plan, phase: Phase, now: float, history: History) -> dict[str, Any]:
    return {
        "word": DEPLOYING,
        "reason": "",
        "phase": phase.name,
        "kind": phase.kind,
        "exposure_bps": phase.exposure_bps,
        "deployment": 0,
        "started_at": now,
        "seen_at": 0,
        "served_at": 0,
        "history": [list(served) for served in history],
        "wait_seconds": 1,
        "evaluate_every_seconds": plan.evaluation.every_seconds,
        "approval_seconds": plan.approval_seconds,
    }


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """The Lambda entry point."""
    return set_exposure(event, Ports(AppConfigFlags.connect(), CloudWatchMetrics.connect()))
