"""Hold a rollout at its present exposure, and let it go on: one change of the flag each.

Needs AppConfig; and Step Functions for the plan, whose approval time is the deadline.
"""

import time
from dataclasses import dataclass
from typing import Any, Final

from ops.deployed import Stack
from ops.executions import RUNNING, executions, now_in, so_far
from ops.rollouts import RolloutError
from rollout.adapters import plan_documents
from rollout.adapters.clients import client
from rollout.adapters.closing import (
    ATTEMPTS,
    PAUSE_SECONDS,
    REFUSED,
    Planes,
    completed,
    short,
)
from rollout.adapters.flag_reader import ServedFlag
from rollout.adapters.flags import AppConfigFlags, Deployed, FlagConflictError
from rollout.adapters.notifications import SnsNotifications, tell
from rollout.domain import holding
from rollout.domain.flag import Flag
from rollout.domain.holding import HOLD, RESUME
from rollout.domain.moments import iso
from rollout.domain.notice import BACK, HELD, LOOK, RESUMED, Notice, percent
from rollout.domain.plan import Plan

ASKING: Final = "Ask a Person"


class NotServedError(RolloutError):
    """The data plane does not serve what was deployed, after all patience."""


@dataclass(frozen=True)
class Course:
    """What a rollout follows. launched_at: epoch seconds. asks: it waits for a person's answer."""

    plan: Plan
    launched_at: float
    asks: bool = False


@dataclass(frozen=True)
class Change:
    """A change of the flag that is not made yet. said: (who, why). sentence: what it will do."""

    word: str
    before: Deployed
    flag: Flag
    said: tuple[str, str]
    sentence: str

    @property
    def note(self) -> str:
        """What the flag's version will say of it."""
        return short(holding.note(self.word, self.flag.rollout_id, *self.said))


def to_hold(before: Deployed, course: Course, who: str, why: str, now: float) -> Change:
    """Freeze the rollout that holds the flag. Raises RolloutError when that makes no sense."""
    flag = before.flag
    problem = holding.hold_problem(flag, course.plan, now)
    if not problem and course.asks:
        problem = "it asks a person, and stands still until the answer; see `rollout status`"
    _check(flag, HOLD, problem)
    after = holding.held(flag, course.plan, now)
    until = iso(after.held_until)
    sentence = (
        f"{flag.rollout_id} stays in {flag.phase} at {percent(flag.candidate_bps)} of users until "
        f"{until}; it is judged meanwhile, harm rolls back, and so does silence at that time"
    )
    return Change(HOLD, before, after, (who, why), sentence)


def to_resume(before: Deployed, course: Course, who: str, why: str, now: float) -> Change:
    """Let it go on from the phase it is in. Raises RolloutError when it is not held."""
    flag = before.flag
    _check(flag, RESUME, holding.resume_problem(flag, now))
    after = holding.resumed(flag, course.plan, course.launched_at, now)
    sentence = (
        f"{flag.rollout_id} goes on in {flag.phase} at {percent(flag.candidate_bps)} of users, "
        f"under a lease until {iso(after.lease_until)}"
    )
    return Change(RESUME, before, after, (who, why), sentence)


def _check(flag: Flag, word: str, problem: str) -> None:
    if problem:
        raise RolloutError(f"cannot {word} rollout {flag.rollout_id}: {problem}")


def carry_out(change: Change, planes: Planes) -> dict[str, Any]:
    """Deploy the flag without bake, and see at the data plane that it is served.

    Returns {"word": HELD or RESUMED, "rollout", "phase", "exposure_bps", "until": ISO 8601 end of
    the hold or of the lease, "seconds"}. Raises RolloutError when the rollout moves at this
    moment; NotServedError when an alarm undid it or it is not served.
    """
    started = planes.clock()
    try:
        number = planes.flags.deploy(change.before, change.flag, change.note, urgent=True)
    except FlagConflictError as error:
        raise RolloutError(
            f"cannot {change.word} now, {error}; nothing was changed: try again in a minute, or "
            "`rollout roll-back --why '…'`"
        ) from error
    if not completed(number, planes):
        raise NotServedError(
            f"deployment {number} was undone, as AppConfig does while the alarm rings; "
            "see `rollout status`"
        )
    _see(change.flag, planes)
    return {
        "word": "HELD" if change.word == HOLD else "RESUMED",
        "rollout": change.flag.rollout_id,
        "phase": change.flag.phase,
        "exposure_bps": change.flag.candidate_bps,
        "until": iso(change.flag.lease_until),
        "seconds": round(planes.clock() - started, 3),
    }


def _see(wanted: Flag, planes: Planes) -> None:
    seen = "was not asked"
    for _ in range(ATTEMPTS):
        try:
            flag = planes.served.flag()
        except (*REFUSED, ValueError) as error:
            seen = f"does not answer: {error}"
        else:
            if flag == wanted:
                return
            seen = f"serves {flag.candidate_bps} bps of {flag.rollout_id or 'nobody'}"
        planes.sleep(PAUSE_SECONDS)
    raise NotServedError(f"deployed, but the data plane {seen}; see `rollout status`")


def prepared(stack: Stack, word: str, rollout_id: str, who: str, why: str) -> Change:
    """What `word` will do to the rollout that holds the flag.

    rollout_id: only that one, "" whichever it is. Raises RolloutError.
    """
    before = AppConfigFlags.connect(stack.settings()).current()
    holder = before.flag.holder
    if not holder:
        raise RolloutError(f"no rollout holds the flag: there is nothing to {word}")
    if rollout_id not in ("", holder):
        raise RolloutError(f"rollout {holder} holds the flag, and not {rollout_id}")
    make = to_hold if word == HOLD else to_resume
    return make(before, course_of(stack, holder), who, why, time.time())


def done(stack: Stack, change: Change) -> dict[str, Any]:
    """Carry it out on a stack and tell people; returns what `carry_out` does, and "told"."""
    known = stack.settings()
    planes = Planes(AppConfigFlags.connect(known), ServedFlag(client("appconfigdata"), known))
    result = carry_out(change, planes)
    told = tell(SnsNotifications.connect(known), notice(change), {"change": result})
    return {**result, "told": told}


def notice(change: Change) -> Notice:
    """That a person holds a rollout, or has let it go on."""
    rollout, bps, (who, why) = change.flag.rollout_id, change.flag.candidate_bps, change.said
    served = f"the candidate answers {percent(bps)} of users, {change.flag.phase}"
    until, event = iso(change.flag.lease_until), HELD if change.word == HOLD else RESUMED
    happened = (f"By {who}: {why}.", f"{change.sentence[0].upper()}{change.sentence[1:]}.")
    if event == RESUMED:
        subject, to_do, commands = f"{rollout}: resumed", "nothing", (LOOK, BACK)
        return Notice(event, rollout, event.upper(), subject, happened, served, to_do, commands)
    subject = f"{rollout}: held at {percent(bps)} until {until}"
    to_do = f"find out, and resume by {until}, or it rolls back"
    resume = (f"rollout resume --rollout {rollout} --why '…'", "lets it go on")
    return Notice(event, rollout, event.upper(), subject, happened, served, to_do, (resume, BACK))


def course_of(stack: Stack, rollout_id: str) -> Course:
    """What a rollout follows, as its newest execution that knows has it. Raises RolloutError."""
    listed = executions(stack, rollout_id)
    live = [item["arn"] for item in listed if item["status"] == RUNNING]
    asks = any(now_in(arn)[0] == ASKING for arn in live)
    for item in listed:
        document = so_far(item["arn"]) if item["arn"] in live else item["document"]
        step = (document.get("preflight") or {}).get("step") or document
        if "plan" in document:
            at = step.get("launched_at", listed[-1]["started_at"])
            return Course(plan_documents.parse(document["plan"]), at, asks)
    raise RolloutError(
        f"no execution of rollout {rollout_id} says which plan it follows; "
        "roll it back with `rollout roll-back --why '…'`"
    )


def shown(stack: Stack) -> dict[str, str]:
    """{"until": ISO 8601, "reason"} of the rollout that is held; {} when none is."""
    deployed = AppConfigFlags.connect(stack.settings()).current(ours=True)
    flag = deployed.flag
    if not flag.held_until:
        return {}
    why = holding.reason(flag, deployed.note, time.time())
    return {"until": iso(flag.held_until), "reason": why}
