"""How much of the traffic is compared: the plan's share, under the plan's ceiling on its cost."""

import math
from collections import Counter
from collections.abc import Iterable
from typing import Final

from rollout.domain.certificate import clean_requests_needed
from rollout.domain.flag import FULL_BPS
from rollout.domain.minute import Row, reads
from rollout.domain.plan import SHADOW, Phase, Plan
from rollout.domain.promises import certified_rates

# A share that is set in a quiet hour stands through the busy ones, so a whole day is looked at.
LOOK_BACK_SECONDS: Final = 86_400
HOUR: Final = 3600


def busiest_per_second(rows: Iterable[Row], end: float) -> float:
    """Reads a second in the busiest of the hours before epoch second `end`, from these periods."""
    by_hour = Counter[int]()
    for row in rows:
        by_hour[math.ceil((end - row.at) / HOUR)] += reads((row,))
    return max(by_hour.values(), default=0) / HOUR


def shadow_share(plan: Plan, phase: Phase, per_second: float | None) -> int:
    """The shadow's share of a phase, in basis points.

    per_second: reads a second in the busiest hour lately, None when unknown. Each comparison is an
    invocation of two functions, so a plan may say how many a second there are at most; the share
    falls as traffic grows, to one basis point at least. Without a ceiling, or when the traffic is
    unknown, it is the phase's own.
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
