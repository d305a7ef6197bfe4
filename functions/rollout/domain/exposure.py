"""From a phase to the flag that exposes it, and when that flag is served to everyone."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from rollout.domain.flag import Flag
from rollout.domain.plan import SHADOW, Phase, Plan
from rollout.domain.sampling import shadow_share
from rollout.domain.step import DOWN, History, Step

DEPLOYING, SPREADING, LOST = "DEPLOYING", "SPREADING", "LOST"
SERVED_SHADOW, SERVED_LIVE, SERVED_DOWN = "SERVED_SHADOW", "SERVED_LIVE", "SERVED_DOWN"
SERVED: Final = {SHADOW: SERVED_SHADOW, DOWN.lower(): SERVED_DOWN}
# A deployment with five minutes of AppConfig bake is served long before this.
PATIENCE_SECONDS: Final = 1800
# Readers poll on their own clocks; after two intervals each has asked at least once.
POLLS: Final = 2
LONGEST_WAIT_SECONDS: Final = 30


def flag_for(
    plan: Plan,
    phase: Phase,
    step: Step,
    now: float,
    control_p95_ms: float | None,
    reads_per_second: float | None = None,
) -> Flag:
    """The flag of a phase, leased from epoch second `now`.

    control_p95_ms: the control's recent p95, or None when unknown. The control is slow above it;
    the candidate above `tolerance` times it and above the absolute limit. reads_per_second: of
    late, or None when unknown; under the plan's ceiling it decides how much is compared.
    """
    slowness = plan.slowness
    reference = control_p95_ms or 0.0
    return Flag(
        enabled=True,
        candidate_bps=phase.exposure_bps,
        shadow_bps=shadow_share(plan, phase, reads_per_second),
        salt=plan.salt,
        lease_until=int(now) + plan.lease_seconds(phase.name, int(now) - step.launched_at),
        rollout_id=step.rollout_id,
        phase=phase.name,
        control_slow_ms=round(reference, 3),
        candidate_slow_ms=round(max(reference * slowness.tolerance, slowness.absolute_ms), 3),
        allow_list=plan.allow_list,
        cleaning_rules=plan.cleaning_rules,
        noise_bps=plan.noise_bps,
        tenants=plan.tenants,
    )


def holder_problem(flag: Flag, step: Step, *, first: bool = False) -> str:
    """Why the rollout may not change the flag; "" when it holds it.

    first: only a rollout's first phase may take a flag that nobody holds. Later, a free flag is one
    that was closed meanwhile, and must not be opened again.
    """
    if flag.holder == step.rollout_id or (first and not flag.holder):
        return ""
    if not flag.holder:
        return f"rollout {step.rollout_id} does not hold the flag any more: it was closed meanwhile"
    return f"the flag is held by rollout {flag.holder}, in phase {flag.phase}"


def history_after(exposure: Mapping[str, Any]) -> History:
    """The phases served so far, this one included, with the epoch seconds of their beginnings."""
    before = tuple((name, at) for name, at in exposure["history"])
    return (*before, (exposure["phase"], exposure["served_at"]))


def history_for_next(exposure: Mapping[str, Any]) -> History:
    """What the next execution counts from: `history_after`, but nothing after a step down.

    While a person is asked the shadow goes on asking a candidate that nobody has repaired yet.
    """
    return () if exposure["kind"] == DOWN.lower() else history_after(exposure)


@dataclass(frozen=True)
class Sighting:
    """What a check of the exposure saw.

    state, ended_by: the deployment's. served: the flag a new reader gets. poll_seconds: how often
    the read path asks.
    """

    state: str
    ended_by: str
    served: Flag | None
    poll_seconds: int


def confirm(exposure: Mapping[str, Any], step: Step, seen: Sighting, now: float) -> dict[str, Any]:
    """The exposure document after one more look, with its next word.

    SERVED_SHADOW, SERVED_LIVE or SERVED_DOWN once the deployment is complete and every reader has
    had two poll intervals since the new flag was first seen; SPREADING before, with wait_seconds;
    LOST when the deployment was ended, is not served within PATIENCE_SECONDS, or readers are
    served a flag that the rollout does not hold any more.
    """
    ended = seen.state in ("ROLLING_BACK", "ROLLED_BACK", "REVERTED")
    if ended:
        reason = f"AppConfig ended deployment {exposure['deployment']} ({seen.ended_by})"
        return {**exposure, "word": LOST, "reason": reason}
    if now - exposure["started_at"] > PATIENCE_SECONDS:
        reason = f"not served {PATIENCE_SECONDS} s after deployment {exposure['deployment']} began"
        return {**exposure, "word": LOST, "reason": reason}
    # Before this phase's flag readers were served one of this rollout too, but for the first.
    first = exposure["kind"] == SHADOW
    problem = holder_problem(seen.served, step, first=first) if seen.served else ""
    if problem:
        return {**exposure, "word": LOST, "reason": problem}
    if seen.state != "COMPLETE" or not _is_ours(seen.served, exposure, step):
        wait = min(LONGEST_WAIT_SECONDS, max(1, seen.poll_seconds // 2))
        return {**exposure, "word": SPREADING, "wait_seconds": wait}
    seen_at = exposure["seen_at"] or now
    remaining = seen_at + POLLS * seen.poll_seconds - now
    if remaining > 0:
        # Rounded up, or the wait ends just too early and costs another round.
        wait = math.ceil(remaining)
        return {**exposure, "word": SPREADING, "seen_at": seen_at, "wait_seconds": wait}
    word = SERVED.get(exposure["kind"], SERVED_LIVE)
    return {**exposure, "word": word, "seen_at": seen_at, "served_at": now}


def _is_ours(served: Flag | None, exposure: Mapping[str, Any], step: Step) -> bool:
    return (
        served is not None
        and served.rollout_id == step.rollout_id
        and served.phase == exposure["phase"]
        and served.candidate_bps == exposure["exposure_bps"]
    )
