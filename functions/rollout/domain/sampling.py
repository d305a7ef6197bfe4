"""How much of the traffic is compared: the plan's share, under the plan's ceiling on its cost."""

import math

from rollout.domain.certificate import clean_requests_needed
from rollout.domain.flag import FULL_BPS
from rollout.domain.plan import SHADOW, Phase, Plan
from rollout.domain.promises import certified_rates


def shadow_share(plan: Plan, phase: Phase, per_second: float | None) -> int:
    """The shadow's share of a phase, in basis points.

    per_second: reads a second lately, None when unknown. Each comparison is an invocation of two
    functions, so a plan may say how many a second there are at most; the share falls as traffic
    grows, to one basis point at least. Without a ceiling, or when the traffic is unknown, it is
    the phase's own.
    """
    ceiling = plan.most_compared_per_second
    if ceiling is None or not per_second or phase.shadow_bps == 0:
        return phase.shadow_bps
    return min(phase.shadow_bps, max(1, math.floor(FULL_BPS * ceiling / per_second)))


def too_few(plan: Plan) -> tuple[int, int] | None:
    """(comparisons that the ceiling allows, comparisons needed) to leave the shadow, if too few.

    Counted over the shadow phase's longest bake, with no difference found.
    """
    ceiling = plan.most_compared_per_second
    if ceiling is None:
        return None
    phase = plan.first(SHADOW)
    needed = max(
        clean_requests_needed(0, 0, bound, plan.judge.beta)
        for bound in certified_rates(phase, plan).values()
    )
    allowed = math.floor(ceiling * phase.maximum_bake_seconds)
    return (allowed, needed) if allowed < needed else None
