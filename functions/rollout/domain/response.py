"""What a verdict leads to: its own call; nothing, while a person holds the rollout; or first one
step down, where the plan asks for that.

Only harm that a person is asked about steps down, and only to an exposure that was passed. What
calls for ROLL_BACK, an alarm, silence of the candidate, the guard, the watchdog and a person's
command go to 0.
"""

from dataclasses import replace
from typing import Final

from rollout.domain import holding
from rollout.domain import plan as plans
from rollout.domain.flag import Flag
from rollout.domain.plan import RAMP, Phase, Plan
from rollout.domain.verdict import Call, Verdict

STEP_DOWN: Final = "STEP_DOWN"


def response(verdict: Verdict, phase: Phase, plan: Plan) -> str:
    """The word the machine routes on: the verdict's call, or STEP_DOWN.

    A longest bake that ends without evidence is no harm: it asks at the present exposure.
    """
    harm = verdict.call is Call.INVESTIGATE and bool(verdict.since)
    graded = plan.response == plans.STEP_DOWN and phase.kind == RAMP
    return STEP_DOWN if harm and graded else str(verdict.call)


def unless_held(verdict: Verdict, flag: Flag, note: str, now: float) -> Verdict:
    """The verdict of a rollout that may be held: HOLD until the deadline, then ROLL_BACK.

    What calls for ROLL_BACK does so at any time. note: of the flag's version, with who and why.
    """
    if not flag.held_until or verdict.call is Call.ROLL_BACK:
        return verdict
    why = holding.reason(flag, note, now)
    if holding.is_over(flag, now):
        return Verdict(Call.ROLL_BACK, f"{Call.ROLL_BACK}: {why}.", (why,), verdict.votes)
    sentence = f"{Call.HOLD}: {why}; otherwise {verdict.sentence}"
    return replace(verdict, call=Call.HOLD, sentence=sentence, reasons=(why, *verdict.reasons))
