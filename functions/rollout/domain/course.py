"""How the evidence grew: what the judge knew after each minute of a rollout."""

from collections.abc import Sequence
from dataclasses import dataclass

from rollout.domain.certificate import interval
from rollout.domain.judge import Judge
from rollout.domain.minute import Minute, by_try
from rollout.domain.plan import SHADOW, Plan
from rollout.domain.promises import LIVE, promises_of


@dataclass(frozen=True)
class Standing:
    """One guardrail after one minute.

    events of requests: of the phase for live metrics, of the rollout for the shadow's. low, high:
    bounds that hold at every look. limit: where somebody must act. to_certify: what the next
    exposure risks. needed: clean requests until that is certified. evidence: its part of `against`.
    """

    metric: str
    events: int
    requests: int
    low: float
    high: float
    limit: float
    to_certify: float
    needed: int
    evidence: float


@dataclass(frozen=True)
class Look:
    """Everything after one minute.

    at: epoch second the minute began. against: evidence against the candidate, of which
    `decides` (1/alpha) is too much. ready: everything that the next exposure risks is certified.
    """

    at: float
    phase: str
    against: float
    decides: float
    ready: bool
    standings: tuple[Standing, ...]


def course(minutes: Sequence[Minute], plan: Plan, period_seconds: int) -> tuple[Look, ...]:
    """One look a minute, in order; minutes are in the phases of the plan."""
    promises = promises_of(plan, period_seconds)
    judge, found = Judge(promises), []
    for minute, anew in by_try(minutes):
        if anew:
            judge = Judge(promises)
        judge.see(minute)
        found.append(_look(judge, minute, plan))
    return tuple(found)


def _look(judge: Judge, minute: Minute, plan: Plan) -> Look:
    phase, values = plan.phases[minute.stage], judge.trial.values()
    standings = []
    for rail in plan.guardrails:
        if phase.kind == SHADOW and rail.metric in LIVE:
            continue
        events, requests = judge.proven.counts(rail.metric)
        low, high = interval(events, requests, judge.promises.beta)
        standings.append(
            Standing(
                rail.metric,
                events,
                requests,
                low,
                high,
                rail.worst.start,
                judge.proven.bound(rail.metric),
                judge.proven.needed(rail.metric),
                values.get(rail.metric, 0.0),
            )
        )
    against, decides = sum(values.values()), 1 / judge.promises.alpha
    return Look(minute.at, phase.name, against, decides, judge.ready, tuple(standings))
