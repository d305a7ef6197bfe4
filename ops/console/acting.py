"""What a person may do from the page: what it will do, doing it, and what it did, verified."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from ops import approving, holding, killing, rollouts
from ops.console.watch import explained
from ops.deployed import Stack
from rollout.domain.errors import InvalidInputError
from rollout.domain.holding import HOLD, RESUME
from rollout.domain.notice import percent

LONGEST: Final = 500


@dataclass(frozen=True)
class Given:
    """What somebody typed. evidence: the hash of the question that was shown, "" for none."""

    rollout_id: str
    who: str
    why: str
    evidence: str = ""


@dataclass(frozen=True)
class Action:
    """One button.

    will: what pressing it does, said beforehand. offered: for which record it makes sense. do:
    does it and returns what it did, in one sentence.
    """

    name: str
    label: str
    will: str
    offered: Callable[[dict[str, Any]], bool]
    do: Callable[[Stack, Given], str]


def _asks(record: dict[str, Any]) -> bool:
    return bool(record["question"])


def _goes_on(record: dict[str, Any]) -> bool:
    return record["ended_at"] is None or bool(record["served"]["lease_until"])


def _held(record: dict[str, Any]) -> bool:
    return bool(record.get("held"))


def _can_be_held(record: dict[str, Any]) -> bool:
    return _goes_on(record) and not _held(record) and not _asks(record)


def _approve(stack: Stack, given: Given) -> str:
    found = approving.approve(
        stack, given.rollout_id, who=given.who, why=given.why, evidence=given.evidence
    )
    if found["answer"] == approving.WANTS_ANOTHER:
        return (
            f"approved by {given.who}; another person must approve by {found['deadline']}, "
            "or silence rolls back"
        )
    return f"approved by {found['by']} on evidence {found['evidence']}; the execution goes on"


def _reject(stack: Stack, given: Given) -> str:
    found = approving.reject(stack, given.rollout_id, who=given.who, why=given.why)
    return f"rejected by {found['by']}; the execution rolls back"


def _hold(stack: Stack, given: Given) -> str:
    return f"held until {_changed(stack, HOLD, given)}"


def _resume(stack: Stack, given: Given) -> str:
    return f"resumed, leased until {_changed(stack, RESUME, given)}"


def _changed(stack: Stack, word: str, given: Given) -> str:
    change = holding.prepared(stack, word, given.rollout_id, given.who, given.why)
    found = holding.done(stack, change)
    return (
        f"{found['until']}, {percent(found['exposure_bps'])} of users in {found['phase']}, "
        f"verified at the data plane after {found['seconds']:.1f} s"
    )


def _roll_back(stack: Stack, given: Given) -> str:
    found = rollouts.roll_back(stack, given.who, given.why, given.rollout_id)
    stopped = ", ".join(found["stopped"]) or "none"
    if found["holder"] not in ("", given.rollout_id):
        return (
            f"rollout {found['holder']} holds the flag, and its exposure was not touched; what "
            f"{given.rollout_id} had left was tidied; executions stopped: {stopped}"
        )
    closed = f"closed the flag of {found['holder']}" if found["changed"] else "it was so already"
    return (
        f"the control serves everyone, verified at the data plane after "
        f"{found['seconds']:.1f} s; {closed}; executions stopped: {stopped}"
    )


def _kill(stack: Stack, given: Given) -> str:
    found = killing.kill(stack.name, killing.Place(), given.who, given.why)
    closed = f"closed the flag of {found['holder']}" if found["changed"] else "it was so already"
    return (
        f"the control serves everyone, verified at the data plane after {found['seconds']:.1f} s; "
        f"{closed}; schedules and executions are left, roll back tidies them"
    )


ACTIONS: Final = (
    Action(
        "approve",
        "Approve",
        "The execution that asks goes on with the next phase, on the evidence shown here; refused "
        "if that has changed meanwhile. A plan that wants two people waits for the second.",
        _asks,
        _approve,
    ),
    Action(
        "reject",
        "Reject",
        "The execution that asks rolls back: exposure 0, the control serves everyone.",
        _asks,
        _reject,
    ),
    Action(
        "hold",
        "Hold",
        "Freezes the rollout at its present exposure: it is not promoted, no schedule moves it, "
        "and harm still rolls back. Unless somebody resumes within the plan's approval time, it "
        "rolls back. The data plane is asked whether it serves that.",
        _can_be_held,
        _hold,
    ),
    Action(
        "resume",
        "Resume",
        "The rollout goes on from the phase it is in, under a new lease. What was seen meanwhile "
        "counts as evidence. The data plane is asked whether it serves that.",
        _held,
        _resume,
    ),
    Action(
        "roll-back",
        "Roll back",
        "Exposure becomes 0, without the state machine and past any alarm; what is scheduled is "
        "deleted, running executions are stopped, and the data plane is asked whether the control "
        "serves everyone. A reader that is warm follows within its poll interval.",
        _goes_on,
        _roll_back,
    ),
    Action(
        "kill",
        "Kill switch",
        "Closes the flag with AppConfig alone, whoever holds it, and asks the data plane. "
        "Schedules and executions are left; rolling back tidies them.",
        _goes_on,
        _kill,
    ),
)
BY_NAME: Final = {action.name: action for action in ACTIONS}


def given(rollout_id: str, form: dict[str, str]) -> Given:
    """What a form says. Raises InvalidInputError for a name or reason that is missing or long."""
    values = {}
    for key, what in (("who", "your name"), ("why", "the reason, kept with the decision")):
        values[key] = form.get(key, "").strip()
        if not 0 < len(values[key]) <= LONGEST:
            raise InvalidInputError(
                field=key,
                value=values[key][:40],
                expected=f"{what}, 1 to {LONGEST} characters",
                remedy="Go back and fill it in; nothing was done.",
            )
    return Given(rollout_id, values["who"], values["why"], form.get("evidence", "").strip())


async def done(action: Action, stack: Stack, given: Given) -> tuple[str, bool]:
    """(what was done or why not, whether it failed)."""
    try:
        return await asyncio.to_thread(action.do, stack, given), False
    except (rollouts.RolloutError, InvalidInputError) as error:
        return str(error), True
    except Exception as error:  # a person who pressed a button is told, whatever happened
        return explained(error), True
