"""The judge: evidence and plan -> what the phase does next, and why.

Every guardrail votes and the most severe vote wins, so healthy metrics never average a breach
away. Both sides use exact binomial bounds: acting against the candidate needs a lower bound above
the limit, with alpha shared out over every look and guardrail of the rollout (Bonferroni), and
passing needs an upper bound at or below what the next exposure risks, at beta. In between, and
without data, the vote is HOLD.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, Final

from rollout.domain import binomial
from rollout.domain.flag import FULL_BPS
from rollout.domain.plan import METRICS, SHADOW, Guardrail, Phase, Plan
from rollout.domain.window import Evidence

# Certifying less than a coin toss certifies nothing (design: min(50 %, limit / exposure)).
COIN_TOSS: Final = 0.5


class Call(StrEnum):
    """The next move. Definition order is severity, mildest first."""

    PROMOTE = "PROMOTE"
    HOLD = "HOLD"
    INVESTIGATE = "INVESTIGATE"
    ROLL_BACK = "ROLL_BACK"


SEVERITY: Final = list(Call)


@dataclass(frozen=True)
class Vote:
    """One guardrail's opinion: counts, bounds (rates 0..1) and the reason in words.

    to_certify: the rate the upper bound must not exceed. needed: more clean requests until it does
    not, at these events (0 when certified).
    """

    metric: str
    call: Call
    events: int
    requests: int
    lower: float
    upper: float
    to_certify: float
    needed: int
    reason: str


@dataclass(frozen=True)
class Verdict:
    """The most severe vote, one sentence, every reason and every vote."""

    call: Call
    sentence: str
    reasons: tuple[str, ...]
    votes: tuple[Vote, ...]

    def to_json(self) -> dict[str, Any]:
        """The verdict as JSON values, as it stands in the execution's document."""
        return {
            "word": self.call.value,
            "sentence": self.sentence,
            "reasons": list(self.reasons),
            "guardrails": [asdict(vote) for vote in self.votes],
        }


def judge(evidence: Evidence, phase: Phase, plan: Plan) -> Verdict:
    """Decide what a phase does next.

    Args:
        evidence: counts since the exposure was served (arms) and since the launch (shadow).
        phase, plan: as parsed; all limits come from the plan.

    Returns:
        PROMOTE when the bake is over and every guardrail is certified; ROLL_BACK or INVESTIGATE
        when a guardrail's evidence or an alarm calls for it; INVESTIGATE when the longest bake
        is over without enough evidence; HOLD otherwise.
    """
    votes = _votes(evidence, phase, plan)
    opinions = [(vote.call, vote.reason) for vote in votes]
    opinions += [(Call.ROLL_BACK, f"alarm {name} is in ALARM") for name in evidence.alarms]
    opinions += _patience(evidence, phase, opinions)
    call = max((call for call, _ in opinions), key=SEVERITY.index)
    reasons = tuple(reason for vote, reason in opinions if vote is call)
    return Verdict(call, f"{call}: {'; '.join(reasons)}.", reasons, votes)


def _votes(evidence: Evidence, phase: Phase, plan: Plan) -> tuple[Vote, ...]:
    counts = _counts(evidence, phase)
    alpha = plan.judge.alpha / (plan.looks() * len(plan.guardrails))
    return tuple(
        _vote(rail, counts[rail.metric], _target(rail, phase, plan), alpha, evidence, plan)
        for rail in plan.guardrails
        if rail.metric in counts
    )


def _counts(evidence: Evidence, phase: Phase) -> Mapping[str, tuple[int, int]]:
    """metric -> (events, requests), for the metrics this phase can have."""
    arm, shadow = evidence.candidate, evidence.shadow
    counts = {
        "mismatches": (shadow.mismatched, shadow.compared),
        "shadow_failures": (shadow.failed, shadow.asked),
    }
    if phase.kind != SHADOW:
        counts |= {"errors": (arm.errors, arm.requests), "slow": (arm.slow, arm.requests)}
    return {metric: counts[metric] for metric in METRICS if metric in counts}


def _target(rail: Guardrail, phase: Phase, plan: Plan) -> float:
    """The rate to certify: what the next exposure risks, or stricter where the plan says so."""
    exposure = plan.next_exposure_bps(phase.name) / FULL_BPS
    risked = min(COIN_TOSS, rail.certify / exposure)
    return min(risked, phase.certify.get(rail.metric, risked))


def _vote(
    rail: Guardrail,
    counts: tuple[int, int],
    target: float,
    alpha: float,
    evidence: Evidence,
    plan: Plan,
) -> Vote:
    events, requests = counts
    beta = plan.judge.beta
    upper = binomial.upper_bound(events, requests, beta)
    measured = Vote(
        metric=rail.metric,
        call=Call.HOLD,
        events=events,
        requests=requests,
        lower=binomial.lower_bound(events, requests, alpha),
        upper=upper,
        to_certify=target,
        needed=binomial.requests_needed(events, target, beta) - requests if upper > target else 0,
        reason="",
    )
    call, reason = _opinion(measured, rail, evidence)
    return replace(measured, call=call, reason=reason)


def _opinion(vote: Vote, rail: Guardrail, evidence: Evidence) -> tuple[Call, str]:
    """The call and its reason, from a vote in which everything else is measured."""
    if vote.requests == 0:
        why = evidence.unavailable or "no data"
        return Call.HOLD, f"{vote.metric}: {why}; {vote.needed} clean requests would certify"
    rate = vote.events / vote.requests
    counted = f"{vote.metric} {vote.events} of {vote.requests} ({rate:.2%})"
    for call in (Call.ROLL_BACK, Call.INVESTIGATE):
        limit = rail.limit(call)
        if limit is not None and vote.lower > limit:
            return call, f"{counted}, surely above {vote.lower:.2%}, limit {limit:.2%}"
    bounded = f"{counted}, surely below {vote.upper:.2%}, to certify {vote.to_certify:.2%}"
    if vote.needed:
        eta = _eta(vote, evidence)
        return Call.HOLD, f"{bounded}: {vote.needed} more clean requests{eta}"
    if rate > rail.bands[0].end:
        return Call.HOLD, f"{bounded}, but go is up to {rail.bands[0].end:.2%}"
    return Call.PROMOTE, bounded


def _eta(vote: Vote, evidence: Evidence) -> str:
    """About how long the missing requests take at the rate seen so far."""
    if evidence.baked_seconds <= 0:
        return ""
    return f", about {vote.needed * evidence.baked_seconds / vote.requests:.0f} s"


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
