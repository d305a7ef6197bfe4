"""The plan in the judge's terms: what is promised, about which rates, in which phases."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from rollout.domain.case import ERRORS, MISMATCHES, SHADOW_FAILURES, SLOW, Rail
from rollout.domain.clumping import CLUMPING
from rollout.domain.flag import FULL_BPS
from rollout.domain.plan import SHADOW, Guardrail, Phase, Plan
from rollout.domain.silence import SILENCE, Silence

# The metrics that need exposed users.
LIVE: Final = (ERRORS, SLOW)
# How alpha is shared out, with an exposed control and at full exposure; the sum is 1.
SHARES: Final[Mapping[str, tuple[float, float]]] = {
    ERRORS: (0.49, 0.08),
    SLOW: (0.23, 0.04),
    MISMATCHES: (0.08, 0.0),
    SHADOW_FAILURES: (0.08, 0.0),
}
# What of it the tenants together are given, at the cost of all errors, where the plan names any;
# and how many times what is tolerated of all users is tolerated of a single tenant.
TENANTS_SHARE: Final = (0.06, 0.02)
TENANT_RATIO: Final = 4.0
MOST_TOLERATED: Final = 0.5
# Certifying less than a coin toss certifies nothing.
COIN_TOSS: Final = 0.5


@dataclass(frozen=True)
class Stage:
    """One phase: exposure 0..1, and metric -> the rate to certify before the next.

    planned: minutes it is meant to take. least: minutes before which it is not left.
    """

    name: str
    exposure: float
    planned: int
    least: int
    certify: Mapping[str, float]


@dataclass(frozen=True)
class Promises:
    """What the judge promises, and on what: the plan in the judge's terms.

    histograms: whether the source has them, of latencies.
    """

    alpha: float
    beta: float
    rails: Mapping[str, Rail]
    stages: tuple[Stage, ...]
    tenant: Rail | None = None
    silence: Silence = SILENCE
    clumping: float = CLUMPING
    histograms: bool = False

    @property
    def planned(self) -> int:
        """Minutes of the whole rollout."""
        return max(1, sum(stage.planned for stage in self.stages))


def promises_of(plan: Plan, period_seconds: int) -> Promises:
    """What the judge promises for this plan, in minutes of `period_seconds`."""
    rails = {rail.metric: _rail(rail) for rail in plan.guardrails}
    tenant = None
    if plan.tenants:
        whole, (share, full_share) = rails[ERRORS], TENANTS_SHARE
        rails[ERRORS] = replace(whole, share=whole.share - share - full_share)
        tolerated = min(MOST_TOLERATED, TENANT_RATIO * whole.tolerated)
        limit = max(tolerated, whole.limit)
        tenant = Rail(tolerated, limit, share, tolerated, limit, full_share=full_share)
    silence = Silence(
        expected=plan.no_data.expected_requests,
        minutes=max(1, plan.no_data.after_seconds // period_seconds),
    )
    stages = tuple(_stage(phase, plan, period_seconds) for phase in plan.phases)
    return Promises(
        plan.judge.alpha,
        plan.judge.beta,
        rails,
        stages,
        tenant,
        silence=silence,
        clumping=plan.judge.clumping,
    )


def _rail(rail: Guardrail) -> Rail:
    share, full_share = SHARES[rail.metric]
    limit = rail.worst.start or rail.certify
    # Without a control nobody can tell a slow candidate from a slow hour: the limit alone counts.
    full = rail.tolerated if rail.metric == ERRORS else max(rail.tolerated, limit)
    return Rail(rail.tolerated, limit, share, full, limit, full_share)


def _stage(phase: Phase, plan: Plan, period_seconds: int) -> Stage:
    exposure = phase.exposure_bps / FULL_BPS
    planned = max(1, phase.bake_seconds // period_seconds)
    return Stage(phase.name, exposure, planned, 0, certified_rates(phase, plan))


def certified_rates(phase: Phase, plan: Plan) -> dict[str, float]:
    """The rate to certify per metric: what the next exposure risks, or stricter by the plan."""
    exposure = plan.next_exposure_bps(phase.name) / FULL_BPS
    found = {}
    for rail in plan.guardrails:
        if phase.kind == SHADOW and rail.metric in LIVE:
            continue
        risked = min(COIN_TOSS, rail.certify / exposure)
        found[rail.metric] = min(risked, phase.certify.get(rail.metric, risked))
    return found
