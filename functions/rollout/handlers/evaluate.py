"""Evaluate: the Lambda behind Evaluate Shadow and Evaluate Metrics."""

import time
from collections.abc import Callable, Set
from dataclasses import dataclass
from typing import Any

from rollout.adapters import plan_documents
from rollout.adapters.alarms import Alarms, CloudWatchAlarms
from rollout.adapters.flags import AppConfigFlags, Deployed, Flags
from rollout.adapters.metrics import CloudWatchMetrics, Metrics, MetricsUnavailableError
from rollout.adapters.notifications import Notifications, SnsNotifications, tell
from rollout.domain import holding, telling
from rollout.domain.edits import changes, sentence
from rollout.domain.exposure import history_after
from rollout.domain.minute import Evidence, minutes_of
from rollout.domain.plan import RAMP, Plan
from rollout.domain.response import STEP_DOWN, response, unless_held
from rollout.domain.step import Step, next_word
from rollout.domain.verdict import Call, Verdict, judge
from rollout.telemetry import log


@dataclass(frozen=True)
class Ports:
    """What an evaluation needs from outside."""

    flags: Flags
    metrics: Metrics
    alarms: Alarms
    notifications: Notifications
    clock: Callable[[], float] = time.time


def evaluate(event: dict[str, Any], ports: Ports) -> dict[str, Any]:
    """Weigh the evidence since the exposure was served.

    Event: {"plan", "step", "exposure"}. Returns the verdict as JSON values and "next": what
    promoting means, CANARY, RAMP or CLEANUP. People are told of a HOLD after the bake, unless it is
    a person's.
    """
    plan, step = plan_documents.parse(event["plan"]), Step.from_json(event["step"])
    phase = plan.phase(event["exposure"]["phase"])

    deployed, now = ports.flags.current(), ports.clock()
    note = _note(deployed, event["exposure"]["deployment"], step, ports.flags)
    mine = holding.may_change(deployed.flag, note, plan, step.launched_at, now)
    lost = _lost(event["exposure"], step, deployed, mine, ports.flags)
    evidence = _gather(plan, event["exposure"], ports)
    found = lost or judge(evidence, phase, plan)
    verdict = unless_held(found, deployed.flag, note, now)
    log().info("verdict", extra={"phase": phase.name, "sentence": verdict.sentence})

    word = response(verdict, phase, plan)
    # From the exposure below, the next step is this phase once more.
    following = RAMP.upper() if word == STEP_DOWN else next_word(plan, phase)
    answer = {**verdict.to_json(), "word": word, "phase": phase.name, "next": following}
    baked, every = evidence.baked_seconds, plan.evaluation.every_seconds
    held = bool(deployed.flag.held_until)
    if verdict.call is Call.HOLD and not held and telling.due(baked, phase.bake_seconds, every):
        longest = phase.maximum_bake_seconds
        notice = telling.held(step.rollout_id, answer, event["exposure"], longest)
        tell(ports.notifications, notice, {"verdict": answer, "exposure": event["exposure"]})
    return answer


def _note(deployed: Deployed, number: int, step: Step, flags: Flags) -> str:
    """What is said of our flag; number: the deployment with which the phase began."""
    if deployed.number == number or holding.is_own(deployed.note, step.rollout_id):
        return deployed.note
    # Another flag of the document may have been deployed since a person held this one.
    return flags.first_note(deployed.flag)


def _lost(
    exposure: dict[str, Any], step: Step, deployed: Deployed, mine: Set[str], flags: Flags
) -> Verdict | None:
    """A verdict of its own when the flag is no longer what this phase has set.

    mine: the attributes that a hold or a resume of this rollout may have changed.
    """
    flag, number = deployed.flag, exposure["deployment"]
    ours = (step.rollout_id, exposure["phase"], exposure["exposure_bps"], True)
    found = (flag.rollout_id, flag.phase, flag.candidate_bps, flag.enabled)
    if deployed.number == number and found == ours:
        return None
    changed = changes(flags.carried(number), flag, mine) if deployed.number != number else ()
    if found == ours and not changed:
        return None  # the same was deployed once more
    by = f"{deployed.note}, {deployed.at}".strip(", ")
    number, version = deployed.number, deployed.version
    reason = sentence(flag, changed, number=number, version=version, by=by)
    return Verdict(Call.ROLL_BACK, f"{Call.ROLL_BACK}: {reason}.", (reason,), ())


def _gather(plan: Plan, exposure: dict[str, Any], ports: Ports) -> Evidence:
    end = ports.clock() - plan.evaluation.settle_seconds
    history, period = history_after(exposure), plan.evaluation.period_seconds
    baked = max(0.0, end - exposure["served_at"])
    ringing = tuple(name for name, state in ports.alarms.states().items() if state == "ALARM")
    try:
        rows, period = ports.metrics.rows(history[0][1], end, period, plan.tenants)
    except MetricsUnavailableError as error:
        return Evidence((), period, baked, ringing, str(error))
    return Evidence(minutes_of(rows, history, plan), period, baked, ringing, end=end)


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """The Lambda entry point."""
    ports = Ports(
        AppConfigFlags.connect(),
        CloudWatchMetrics.connect(),
        CloudWatchAlarms.connect(),
        SnsNotifications.connect(),
    )
    return evaluate(event, ports)
