"""The verdict: evidence and plan -> what the phase does next, and why.

The sequential judge weighs the counts; here its findings become words. Every guardrail votes and
the most severe vote wins, so healthy metrics never average a breach away. No data is HOLD.
"""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

from rollout.domain import counterfactual
from rollout.domain.case import ERRORS, TENANTS
from rollout.domain.certificate import interval
from rollout.domain.judge import Judge
from rollout.domain.minute import Evidence
from rollout.domain.moments import iso
from rollout.domain.plan import SHADOW, Guardrail, Phase, Plan
from rollout.domain.promises import LIVE, promises_of
from rollout.domain.proven import Proven


class Call(StrEnum):
    """The next move. Definition order is severity, mildest first."""

    PROMOTE = "PROMOTE"
    HOLD = "HOLD"
    INVESTIGATE = "INVESTIGATE"
    ROLL_BACK = "ROLL_BACK"


SEVERITY: Final = list(Call)


@dataclass(frozen=True)
class Vote:
    """One guardrail's evidence and opinion.

    events of requests: of this phase's minutes without trouble of the control for live metrics, of
    the rollout for the shadow's. low, high:
    bounds that hold at every look, at the plan's beta. evidence: the e-value; share: its part of
    alpha, so that share * evidence is compared with 1 / alpha. to_certify: the rate that the next
    exposure risks; needed: more clean requests that certify it (0 when certified).
    """

    metric: str
    call: Call
    events: int
    requests: int
    low: float
    high: float
    limit: float
    evidence: float
    share: float
    to_certify: float
    needed: int
    reason: str


@dataclass(frozen=True)
class Verdict:
    """The most severe vote, one sentence, every reason and every vote.

    since: when the harm began, ISO 8601, "" without any. otherwise: what would change the call.
    """

    call: Call
    sentence: str
    reasons: tuple[str, ...]
    votes: tuple[Vote, ...] = ()
    since: str = ""
    otherwise: str = ""

    def to_json(self) -> dict[str, Any]:
        """The verdict as JSON values, as it stands in the execution's document."""
        return {
            "word": self.call.value,
            "sentence": self.sentence,
            "reasons": list(self.reasons),
            "guardrails": [asdict(vote) for vote in self.votes],
            "since": self.since,
            "otherwise": self.otherwise,
        }


def judge(evidence: Evidence, phase: Phase, plan: Plan) -> Verdict:
    """Decide what a phase does next.

    Args:
        evidence: the minutes of the whole rollout, alarms, and how long this phase has baked.
        phase, plan: as parsed; all limits come from the plan.

    Returns:
        PROMOTE when the bake is over and every guardrail is certified; ROLL_BACK or INVESTIGATE
        when the evidence, an alarm or silence calls for it; INVESTIGATE when the longest bake is
        over without enough evidence; HOLD otherwise.
    """
    seen = Judge(promises_of(plan, evidence.period_seconds))
    for minute in evidence.minutes:
        seen.see(minute)
    seen.silence.miss(evidence.missing)
    seen.proven.enter(plan.phases.index(phase))
    causes = _causes(seen)
    votes = tuple(
        _vote(rail, seen, evidence, causes)
        for rail in plan.guardrails
        if phase.kind != SHADOW or rail.metric not in LIVE
    )
    opinions = [(vote.call, vote.reason) for vote in votes]
    opinions += _tenant_opinions(seen, evidence, plan, causes)
    opinions += _other_opinions(seen, evidence, plan)
    opinions += _patience(evidence, phase, opinions)
    call = max((call for call, _ in opinions), key=SEVERITY.index)
    reasons = tuple(reason for vote, reason in opinions if vote is call)
    return Verdict(
        call,
        f"{call}: {'; '.join(reasons)}.",
        reasons,
        votes,
        _since(seen, evidence),
        counterfactual.sentence(seen, [vote.needed for vote in votes], evidence),
    )


def _causes(seen: Judge) -> tuple[str, ...]:
    """The metrics that too much evidence lies on, the strongest first."""
    return tuple(sorted(seen.accused, key=lambda name: -seen.accused[name]))


def _vote(rail: Guardrail, seen: Judge, evidence: Evidence, causes: tuple[str, ...]) -> Vote:
    events, requests = seen.proven.counts(rail.metric)
    low, high = interval(events, requests, seen.promises.beta)
    needed = seen.proven.needed(rail.metric)
    call, reason = (
        _accusation(rail, seen, evidence)
        if rail.metric in causes
        else _opinion(rail, seen, evidence, needed)
    )
    case = seen.trial.cases[rail.metric]
    return Vote(
        rail.metric,
        call,
        events,
        requests,
        low,
        high,
        rail.worst.start,
        min(case.value, 1e12),
        case.rail.share,
        seen.proven.bound(rail.metric),
        needed,
        reason,
    )


def _opinion(rail: Guardrail, seen: Judge, evidence: Evidence, needed: int) -> tuple[Call, str]:
    """What is said while nothing is proven against it. needed: more clean requests to certify."""
    metric = rail.metric
    events, requests = seen.proven.counts(metric)
    counted = _counted(metric, events, requests)
    if not requests:
        why = evidence.unavailable or "no data"
        return Call.HOLD, f"{metric}: {why}; {needed} clean requests would certify"
    aside = seen.proven.aside * evidence.period_seconds
    left_out = f", {aside} s of the control's own trouble aside" if aside else ""
    certify = f"{counted}{left_out}, to certify {seen.proven.bound(metric):.2%}"
    if needed:
        eta = counterfactual.eta(needed, requests, evidence.baked_seconds)
        return Call.HOLD, f"{certify}: {needed} more clean requests{eta}"
    if events / requests > rail.bands[0].end:
        return Call.HOLD, f"{certify}: certified, but go is up to {rail.bands[0].end:.2%}"
    return Call.PROMOTE, f"{certify}: certified"


def _accusation(rail: Guardrail, seen: Judge, evidence: Evidence) -> tuple[Call, str]:
    """What the evidence calls for, with the counts from the minute on that it speaks against."""
    since = Proven(seen.promises)
    for minute in evidence.minutes[seen.since[rail.metric] - 1 :]:
        since.see(minute)
    call = max(Call.INVESTIGATE, Call(rail.worst.call), key=SEVERITY.index)
    counted = _counted(rail.metric, *since.counts(rail.metric))
    return call, (
        f"{counted} since {_at(seen.since[rail.metric], evidence)}, limit {rail.worst.start:.2%}: "
        f"evidence {seen.accused[rail.metric]:.3g}, {1 / seen.promises.alpha:.3g} rolls back"
    )


def _counted(metric: str, events: int, requests: int) -> str:
    share = f" ({events / requests:.2%})" if requests else ""
    return f"{metric} {events} of {requests}{share}"


def _tenant_opinions(
    seen: Judge, evidence: Evidence, plan: Plan, causes: tuple[str, ...]
) -> list[tuple[Call, str]]:
    """What is said of a single tenant that fares worse than all together."""
    if TENANTS not in causes:
        return []
    number = seen.trial.worst_tenant
    began = seen.since[TENANTS]
    rows = [minute.tenants[number] for minute in evidence.minutes[began - 1 :]]
    asked_control, bad_control, asked, bad = (sum(column) for column in zip(*rows, strict=True))
    rail = next(rail for rail in plan.guardrails if rail.metric == ERRORS)
    call = max(Call.INVESTIGATE, Call(rail.worst.call), key=SEVERITY.index)
    return [
        (
            call,
            f"tenant {plan.tenants[number]}: {_counted(ERRORS, bad, asked)} since "
            f"{_at(began, evidence)}, of the control's {bad_control} of {asked_control}",
        )
    ]


def _other_opinions(seen: Judge, evidence: Evidence, plan: Plan) -> list[tuple[Call, str]]:
    found = [(Call.ROLL_BACK, f"alarm {name} is in ALARM") for name in evidence.alarms]
    if seen.silence.silent:
        found.append(
            (
                Call(plan.no_data.call),
                f"the candidate is silent: {seen.silence.due:.0f} requests were due in "
                f"{seen.silence.minutes * evidence.period_seconds} s",
            )
        )
    elif seen.silence.doubtful:
        unheard = evidence.missing * evidence.period_seconds
        lost = f", no counts at all for {unheard} s" if unheard else ""
        found.append((Call.HOLD, f"no answer to about {seen.silence.owed:.0f} requests{lost}"))
    if seen.void:
        found.append((Call.HOLD, f"{seen.void} in the latest {evidence.period_seconds} s"))
    if seen.suspicious and not seen.accused:
        shaken = ", ".join(seen.trial.shaken)
        lately = f"bad minutes lately ({shaken}), " if shaken else ""
        found.append((Call.HOLD, f"suspicion: {lately}evidence {seen.weight:.3g} against it"))
    return found


def _patience(
    evidence: Evidence, phase: Phase, opinions: list[tuple[Call, str]]
) -> list[tuple[Call, str]]:
    """What the clock adds: HOLD during the bake, INVESTIGATE when the longest bake is over."""
    baked = evidence.baked_seconds
    if baked < phase.bake_seconds:
        return [(Call.HOLD, f"baked {baked:.0f} of {phase.bake_seconds} s")]
    if baked >= phase.maximum_bake_seconds and any(call is Call.HOLD for call, _ in opinions):
        longest = phase.maximum_bake_seconds
        return [(Call.INVESTIGATE, f"not enough evidence after the longest bake, {longest} s")]
    return []


def _since(seen: Judge, evidence: Evidence) -> str:
    """When the first harm began, "" without any."""
    return _at(min(seen.since.values()), evidence) if seen.since else ""


def _at(minute: int, evidence: Evidence) -> str:
    return iso(evidence.minutes[minute - 1].at)
