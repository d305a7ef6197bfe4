"""What a verdict leads to: its own call, or first one step down, where the plan asks for that.

Only harm that a person is asked about steps down, and only to an exposure that was passed. What
calls for ROLL_BACK, an alarm, silence of the candidate, the guard, the watchdog and a person's
command go to 0.
"""

from typing import Final

from rollout.domain import plan as plans
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
