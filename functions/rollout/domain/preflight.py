"""May this step begin? Found facts -> a word and reasons."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from rollout.domain import holding
from rollout.domain.flag import Flag
from rollout.domain.holding import HELD
from rollout.domain.plan import Plan
from rollout.domain.step import CLEANUP, LAUNCH, Step

REFUSED: Final = "REFUSED"
ROLL_BACK: Final = "ROLL_BACK"
ALARM_OK: Final = "OK"


@dataclass(frozen=True)
class Found:
    """What preflight found: the deployed flag, and everything that could stand in the way.

    alarms: name -> state. candidate_error: "" when the candidate answered, or was not asked.
    deployment: number of the one that carries the flag; note: what its version says.
    """

    flag: Flag
    deployment_running: bool = False
    alarms: Mapping[str, str] = field(default_factory=dict)
    weighted_aliases: tuple[str, ...] = ()
    candidate_error: str = ""
    deployment: int = 0
    note: str = ""


@dataclass(frozen=True)
class Fitness:
    """LAUNCH, RAMP or CLEANUP when the step may begin; REFUSED, ROLL_BACK or HELD with reasons."""

    word: str
    reasons: tuple[str, ...] = ()


def fitness(step: Step, plan: Plan, found: Found, now: float) -> Fitness:
    """Weigh what was found.

    REFUSED touches nothing: the step is not the flag's next one, or nothing has begun. ROLL_BACK
    is for a step that is the flag's next one and must not go on: its users go back to control. HELD
    is for one that must wait, because a person has frozen the rollout, or is letting it go on.
    """
    strangers = _strangers(step, plan, found.flag)
    if strangers:
        return Fitness(REFUSED, strangers)
    obstacles = _obstacles(step, plan, found, now)
    if obstacles:
        return Fitness(REFUSED if step.action == LAUNCH else ROLL_BACK, obstacles)
    if holding.is_held(found.flag, now):
        return Fitness(HELD, (holding.reason(found.flag, found.note, now),))
    if found.deployment_running:
        return Fitness(HELD, (f"{found.note} is being deployed",))
    return Fitness(step.action.upper())


def _strangers(step: Step, plan: Plan, flag: Flag) -> tuple[str, ...]:
    """Why this step has no business with the flag as it is."""
    if step.action != LAUNCH:
        return _out_of_turn(step, plan, flag)
    if flag.holder not in ("", step.rollout_id):
        return (
            f"rollout {flag.holder} holds the flag, in phase {flag.phase}; "
            "wait for its end or roll it back",
        )
    if flag.enabled and flag.candidate_bps:
        return (
            f"the flag already exposes {flag.candidate_bps} basis points; a launch starts "
            "from 0: roll back first",
        )
    return ()


def _out_of_turn(step: Step, plan: Plan, flag: Flag) -> tuple[str, ...]:
    if flag.holder != step.rollout_id:
        holder = f"rollout {flag.holder}" if flag.holder else "nobody"
        return (f"this step belongs to {step.rollout_id}, but {holder} holds the flag",)
    expected = _phase_before(step, plan)
    if flag.phase != expected:
        return (f"this step follows {expected}, but the flag is in {flag.phase or 'no phase'}",)
    return ()


def _phase_before(step: Step, plan: Plan) -> str:
    if step.action == CLEANUP:
        return plan.phases[-1].name
    return plan.phases[plan.phases.index(plan.phase(step.phase)) - 1].name


def _obstacles(step: Step, plan: Plan, found: Found, now: float) -> tuple[str, ...]:
    reasons = [
        f"alarm {name} is {state}, it must be OK"
        for name, state in found.alarms.items()
        if state != ALARM_OK
    ]
    reasons += [f"alias {name} splits traffic: a code release" for name in found.weighted_aliases]
    # The flag of a hold, or of its end, is on its way: that passes.
    passing = holding.is_own(found.note, step.rollout_id)
    if found.deployment_running and not passing:
        reasons.append("a deployment of the flag is still running")
    if found.candidate_error:
        reasons.append(f"the candidate does not answer: {found.candidate_error}")
    if holding.is_over(found.flag, now):
        reasons.append(holding.reason(found.flag, found.note, now))
    elif step.action != LAUNCH and now >= found.flag.lease_until:
        reasons.append(f"the lease ended at {found.flag.lease_until}, now is {now:.0f}")
    return (*reasons, *_edited(step, plan, found))


def _edited(step: Step, plan: Plan, found: Found) -> tuple[str, ...]:
    """Whether somebody has changed the exposure since the phase before was passed."""
    if step.action == LAUNCH:
        return ()
    before = plan.phase(_phase_before(step, plan))
    if found.flag.enabled and found.flag.candidate_bps == before.exposure_bps:
        return ()
    return (
        f"the flag was changed since {before.name} was passed: deployment {found.deployment} has "
        f"{found.flag.candidate_bps} bps, enabled {found.flag.enabled}; the plan has "
        f"{before.exposure_bps}. CloudTrail knows who did",
    )
