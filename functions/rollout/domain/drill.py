"""The drill before a launch: a flag that exposes nobody is set and rolled back.

What is proven is the function that would roll back, with its permissions, against the real
control plane and data plane.
"""

from typing import Final

from rollout.domain.flag import Flag
from rollout.domain.plan import Plan
from rollout.domain.step import Step

PROVEN, NOT_PROVEN = "PROVEN", "NOT_PROVEN"
DRILL: Final = "DRILL"
PHASE: Final = "drill"
# A drill whose function dies leaves a shadow that ends by itself.
LEASE_SECONDS: Final = 180


def drill_flag(plan: Plan, step: Step, now: float) -> Flag:
    """The flag that is set and rolled back: the shadow's sample, nobody exposed, a short lease."""
    return Flag(
        enabled=True,
        shadow_bps=max(1, plan.phases[0].shadow_bps),
        salt=plan.salt,
        lease_until=int(now) + LEASE_SECONDS,
        rollout_id=step.rollout_id,
        phase=PHASE,
    )


def obstacle(flag: Flag, step: Step, *, running: bool) -> str:
    """Why the drill may not touch the flag; "" when it may, as after a drill that died."""
    if running:
        return "a deployment of the flag is running"
    if flag.holder not in ("", step.rollout_id):
        return f"rollout {flag.holder} holds the flag, in phase {flag.phase}"
    if flag.holder and flag.phase != PHASE:
        return f"rollout {flag.holder} is in phase {flag.phase} already"
    if flag.enabled and flag.candidate_bps:
        return f"the flag already exposes {flag.candidate_bps} basis points"
    return ""


def is_served(flag: Flag, step: Step, now: float) -> bool:
    """Whether this is the drill's flag as a reader obeys it."""
    return (flag.rollout_id, flag.phase) == (step.rollout_id, PHASE) and flag.shadow_at(now) > 0
