"""What people are told of a rollout, and when."""

from collections.abc import Mapping
from typing import Any, Final

from rollout.domain.flag import FULL_BPS, NO_LEASE_END, Flag
from rollout.domain.messages import UNKNOWN, drilled, reason_of, rollout_of
from rollout.domain.moments import iso
from rollout.domain.notice import (
    APPROVAL_WANTED,
    BACK,
    COMPLETED,
    FAILED,
    HOLD,
    LOOK,
    NOT_ROLLED_BACK,
    PHASE_PASSED,
    PHASE_STARTED,
    REFUSED,
    ROLLED_BACK,
    STARTED,
    STEPPED_DOWN,
    Notice,
    percent,
)
from rollout.domain.plan import CANARY, SHADOW
from rollout.domain.question import Question, evidence_lines
from rollout.domain.step import DOWN

OF_WORD: Final = {
    "LAUNCHED": PHASE_PASSED,
    "RAMPED": PHASE_PASSED,
    "COMPLETED": COMPLETED,
    "REFUSED": REFUSED,
    "ROLLED_BACK": ROLLED_BACK,
}
NOBODY: Final = "an unnamed rollout"
CONTROL: Final = "the control answers everyone"
CANDIDATE: Final = "the candidate answers everyone"
NOTHING: Final = "nothing"


def ended(document: Mapping[str, Any]) -> Notice:
    """How an execution ended, from its document."""
    rollout, outcome = rollout_of(document) or NOBODY, _part(document, "outcome")
    word = str(outcome.get("word", UNKNOWN))
    event = OF_WORD.get(word, FAILED)
    reason = str(outcome.get("reason") or outcome.get("sentence") or reason_of(document))
    drill = drilled(_part(document, "drill"))
    happened = (reason, f"{drill[0].upper()}{drill[1:]}.") if drill else (reason,)
    subject, served, to_do = _ending(event, document)
    subject = subject or f"{word.replace('_', ' ').lower()}"
    commands = {
        PHASE_PASSED: (_watch(rollout), BACK),
        FAILED: (LOOK, BACK),
        COMPLETED: (_report(rollout), BACK),
        ROLLED_BACK: (_report(rollout), ("rollout mismatches", "which fields differed")),
    }.get(event, (LOOK,))
    return Notice(event, rollout, word, f"{rollout}: {subject}", happened, served, to_do, commands)


def _ending(event: str, document: Mapping[str, Any]) -> tuple[str, str, str]:
    """(the rest of the subject, what is served, what to do)."""
    outcome, exposure = _part(document, "outcome"), _part(document, "exposure")
    if event == PHASE_PASSED:
        phase, following = exposure.get("phase", "a phase"), outcome.get("next", "the next step")
        starts = outcome.get("starts_at", "")
        subject = f"{phase} passed, {following} is next"
        until = f"; {following} starts at {starts}" if starts else ""
        return subject, _share(int(exposure.get("exposure_bps", 0))), f"{NOTHING}{until}"
    if event == COMPLETED:
        return "completed, the candidate serves everyone", CANDIDATE, NOTHING
    if event == REFUSED:
        return "refused, nothing was touched", "what was served before", "see the reason"
    if event == ROLLED_BACK:
        return _turned_back(outcome)
    return "", "look first", "look, and roll back if in doubt"


def _turned_back(outcome: Mapping[str, Any]) -> tuple[str, str, str]:
    bps = outcome.get("exposure_bps", 0)
    if bps:  # another rollout holds the flag, and was left alone
        other = outcome.get("holder", "another rollout")
        return "rolled back", f"{_share(int(bps))}, of rollout {other}", NOTHING
    return (
        "rolled back, the control serves everyone",
        f"{CONTROL}, verified at the data plane",
        f"{NOTHING} tonight; find the reason before the next launch",
    )


def confirmed(rollout: str, exposure: Mapping[str, Any], flag: Flag) -> Notice:
    """That a phase's exposure is served, as Confirm Exposure has seen it.

    exposure: its document. flag: what the data plane serves.
    """
    phase, kind, bps = exposure["phase"], exposure["kind"], int(exposure["exposure_bps"])
    before = exposure["history"][-1][0] if exposure["history"] else ""
    event, subject = PHASE_STARTED, f"{phase} exposes {percent(bps)} of users"
    if kind == SHADOW:
        event, subject = STARTED, "started, in shadow: nobody is exposed"
    elif kind == DOWN.lower():
        event, subject = STEPPED_DOWN, f"stepped down to {phase}, {percent(bps)}, for harm"
    elif kind == CANARY and before:
        event, subject = PHASE_PASSED, f"{before} passed, {phase} exposes {percent(bps)}"
    happened = f"{phase} is served to every reader since {iso(exposure['served_at'])}."
    lease = "" if flag.lease_until >= NO_LEASE_END else f"; the lease ends {iso(flag.lease_until)}"
    shadow = f"; {percent(flag.shadow_bps)} of the control's reads are compared"
    judged = f"it is judged every {exposure['evaluate_every_seconds']} s"
    return Notice(
        event,
        rollout,
        exposure["word"],
        f"{rollout}: {subject}",
        (happened,),
        f"{_share(bps)}{shadow}{lease}",
        "a question follows" if event == STEPPED_DOWN else f"{NOTHING}; {judged}",
        (_watch(rollout), BACK),
    )


def held(
    rollout: str, verdict: Mapping[str, Any], exposure: Mapping[str, Any], longest: float
) -> Notice:
    """That a phase bakes on after its bake. longest: seconds it may take in all."""
    phase = exposure["phase"]
    otherwise = [f"Otherwise: {verdict['otherwise']}."] if verdict.get("otherwise") else []
    bps = int(exposure["exposure_bps"])
    asks = iso(exposure["served_at"] + longest)
    return Notice(
        HOLD,
        rollout,
        str(verdict["word"]),
        f"{rollout}: {phase} holds at {percent(bps)}, longer than planned",
        (str(verdict["sentence"]), *otherwise),
        _share(bps),
        f"{NOTHING} yet; at {asks} it asks a person",
        (_watch(rollout), BACK),
    )


def due(baked: float, bake: float, every: float) -> bool:
    """Whether a HOLD is told at this look: the first after the bake, then the 2nd, 4th, 8th, …

    baked, bake, every: seconds. Looks are never closer than `every`, so none is told twice; one
    that comes late may be left out, and the next one tells.
    """
    if baked < bake:
        return False
    number = 1 + int((baked - bake) // every)
    return number & (number - 1) == 0


def asked(rollout: str, question: Question, verdict: Mapping[str, Any], bps: int) -> Notice:
    """That a person is asked; bps: what is exposed meanwhile."""
    people = "two people must approve; " if question.people > 1 else ""
    approve = f"rollout approve {rollout} --evidence {question.evidence} --why '…'"
    return Notice(
        APPROVAL_WANTED,
        rollout,
        str(verdict["word"]),
        f"{rollout}: approval wanted by {iso(question.deadline)}",
        tuple(evidence_lines(question, verdict)),
        _share(bps),
        f"approve or reject; {people}silence rolls back",
        (
            (approve, f"goes on ({str(verdict['next']).lower()} is next)"),
            (f"rollout reject {rollout} --why '…'", "rolls back"),
            ("rollout mismatches", "which fields differ"),
        ),
    )


def undone(rollout: str, by: str, outcome: Mapping[str, Any]) -> Notice:
    """That the guard or the watchdog has rolled back."""
    return _alone(ROLLED_BACK, f"{rollout}: rolled back by the {by}", rollout, outcome)


def failed(rollout: str, outcome: Mapping[str, Any]) -> Notice:
    """That an execution failed and had left nothing to undo."""
    return _alone(FAILED, f"{rollout}: failed, nothing was left to undo", rollout, outcome)


def not_undone(rollout: str, by: str, why: str) -> Notice:
    """That rolling back failed: somebody must act."""
    return Notice(
        NOT_ROLLED_BACK,
        rollout,
        "NOT_ROLLED_BACK",
        f"{rollout}: the {by} could not roll back",
        (why,),
        "unknown; the lease in the flag ends the exposure whatever happens",
        "roll back by hand now, and again until it says that the control serves everyone",
        (BACK, LOOK),
    )


def _alone(event: str, subject: str, rollout: str, outcome: Mapping[str, Any]) -> Notice:
    _, served, to_do = _turned_back(outcome)
    word, reason = str(outcome["word"]), str(outcome["reason"])
    return Notice(event, rollout, word, subject, (reason,), served, to_do, (_report(rollout),))


def _share(bps: int) -> str:
    if bps >= FULL_BPS:
        return CANDIDATE
    return f"the candidate answers {percent(bps)} of users" if bps else CONTROL


def _watch(rollout: str) -> tuple[str, str]:
    return f"rollout watch {rollout}", "follow it"


def _report(rollout: str) -> tuple[str, str]:
    return f"rollout report {rollout}", "all that was seen and decided"


def _part(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = document.get(key)
    return found if isinstance(found, Mapping) else {}
