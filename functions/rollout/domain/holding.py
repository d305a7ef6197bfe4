"""A rollout that a person holds: frozen at its present exposure until a deadline, then resumed.

The flag says until when (`held_until`), and its lease ends with it: exposure that nobody resumes
ends by itself. Who and why stand in the note of the flag's version.
"""

import math
from dataclasses import replace
from typing import Final

from rollout.domain.flag import Flag
from rollout.domain.moments import iso
from rollout.domain.plan import Plan

HELD: Final = "HELD"
HOLD, RESUME = "hold", "resume"
# Step Functions ends an execution at 25,000 events; a look of one that is held is nine.
MOST_LOOKS: Final = 1000
# Attributes that a hold changes, and a resume changes back.
ATTRIBUTES: Final = frozenset({"held_until", "lease_until"})


def note(word: str, rollout_id: str, who: str, why: str) -> str:
    """What the flag's version says of a hold or a resume."""
    return f"{word} {rollout_id}: {who}: {why}"


def is_own(text: str, rollout_id: str) -> bool:
    """Whether a note is that of a hold or a resume of this rollout."""
    return text.startswith((f"{HOLD} {rollout_id}: ", f"{RESUME} {rollout_id}: "))


def is_held(flag: Flag, now: float) -> bool:
    """Whether the rollout must stay as it is."""
    return now < flag.held_until


def is_over(flag: Flag, now: float) -> bool:
    """Whether it was held, and nobody has resumed it in time."""
    return 0 < flag.held_until <= now


def reason(flag: Flag, text: str, now: float) -> str:
    """Until when it is held, by whom and why, as one clause; text: the version's note."""
    said = text.removeprefix(f"{HOLD} {flag.rollout_id}: ") if is_own(text, flag.rollout_id) else ""
    end = ", and nobody has resumed it" if is_over(flag, now) else ""
    return f"held until {iso(flag.held_until)} ({said or 'nobody knows by whom'}){end}"


def hold_problem(flag: Flag, plan: Plan, now: float) -> str:
    """Why this flag cannot be held; "" when it can."""
    if flag.held_until:
        return f"it is held already, until {iso(flag.held_until)}"
    if flag.phase not in _names(plan):
        return f"it is in {flag.phase or 'no phase'}, where nobody is exposed yet"
    if not flag.enabled or now >= flag.lease_until:
        return "its exposure has ended"
    return ""


def resume_problem(flag: Flag, now: float) -> str:
    """Why this flag cannot be resumed; "" when it can."""
    if not flag.held_until:
        return "it is not held"
    if is_over(flag, now):
        return f"too late: the hold ended at {iso(flag.held_until)}, and it rolls back"
    return ""


def held(flag: Flag, plan: Plan, now: float) -> Flag:
    """The same exposure, which ends when nobody resumes it in the plan's approval time."""
    until = int(now) + plan.approval_seconds
    return replace(flag, held_until=until, lease_until=until)


def resumed(flag: Flag, plan: Plan, launched_at: float, now: float) -> Flag:
    """The same exposure under the lease that the plan gives its phase from now on."""
    return replace(flag, held_until=0, lease_until=_longest(flag, plan, launched_at, now))


def may_change(flag: Flag, text: str, plan: Plan, launched_at: float, now: float) -> frozenset[str]:
    """The attributes that a hold or a resume may have changed under a phase.

    None when the version says that it is something else, or its lease is not the one that this
    gives: an exposure that would stand for longer is somebody else's.
    """
    # Who may write the flag may write a note: it is the lease that bounds what is let through.
    other = bool(text) and not is_own(text, flag.rollout_id)
    if other or flag.phase not in _names(plan):
        return frozenset()
    honest = flag.lease_until <= _longest(flag, plan, launched_at, now)
    if flag.held_until:
        honest = honest and flag.lease_until == flag.held_until
    return ATTRIBUTES if honest else frozenset()


def wait_seconds(plan: Plan) -> int:
    """How long a step that is held waits before it looks again."""
    return max(plan.evaluation.every_seconds, math.ceil(plan.approval_seconds / MOST_LOOKS))


def _names(plan: Plan) -> list[str]:
    return [phase.name for phase in plan.phases]


def _longest(flag: Flag, plan: Plan, launched_at: float, now: float) -> int:
    """The end of the lease that the plan gives the flag's phase at `now`, epoch seconds."""
    return int(now) + plan.lease_seconds(flag.phase, int(now) - int(launched_at))
