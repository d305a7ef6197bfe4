"""Answer a rollout that asks: approve or reject, bound to the evidence that was shown."""

import getpass
import json
import re
import time
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from ops.deployed import Stack
from ops.executions import RUNNING, executions, newest_document
from ops.rollouts import RolloutError
from rollout.adapters.approvals import ParameterApprovals
from rollout.adapters.clients import client
from rollout.domain.errors import InvalidInputError
from rollout.domain.messages import reason_of
from rollout.domain.moments import iso
from rollout.domain.question import HASH_DIGITS, Answer, Question, RefusedAnswerError

# The answers of Step Functions for a token that no task waits on, and for one that came too late.
GONE: Final = ("TaskDoesNotExist", "InvalidToken", "TaskTimedOut")
WANTS_ANOTHER: Final = "WANTS_ANOTHER"


def caller() -> str:
    """Who answers when nobody is named: the caller's identity from STS, or the login."""
    try:
        return str(client("sts").get_caller_identity()["Arn"])
    except (ClientError, BotoCoreError):
        return getpass.getuser()


def question(stack: Stack, rollout_id: str) -> Question | None:
    """The pending question of a rollout, None when it asks nothing."""
    return ParameterApprovals.connect(stack.settings()).pending(rollout_id)


def shown(stack: Stack, rollout_id: str) -> dict[str, Any] | None:
    """The pending question without its token; None also for those who may not read it."""
    try:
        found = question(stack, rollout_id)
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDeniedException":
            raise
        return None
    return found.to_json() if found else None


def approve(
    stack: Stack, rollout_id: str, *, who: str, why: str, evidence: str = ""
) -> dict[str, Any]:
    """Approve what a rollout asks.

    evidence: the hash that was shown; "" takes the pending question's. Returns {"rollout",
    "answer", "by", "why", "evidence"}; "answer" is WANTS_ANOTHER, with "deadline", while a second
    person must approve. Raises InvalidInputError for a hash that is none, and RolloutError when
    the approval cannot be taken.
    """
    _check_hash(evidence)
    found = _asked(stack, rollout_id)
    try:
        after = found.approved(Answer(who, why, evidence), time.time())
    except RefusedAnswerError as error:
        raise RolloutError(f"rollout {rollout_id}: {error}") from error
    if after.decided:
        return _send(stack, rollout_id, after, after.yes())
    ParameterApprovals.connect(stack.settings()).keep(rollout_id, after)
    said = {"by": who, "why": why, "evidence": after.evidence, "deadline": iso(after.deadline)}
    return {"rollout": rollout_id, "answer": WANTS_ANOTHER, **said}


def reject(stack: Stack, rollout_id: str, *, who: str, why: str) -> dict[str, Any]:
    """Reject what a rollout asks: it rolls back, whatever evidence or approvals there are.

    Returns as `approve` does. Raises RolloutError when nothing is asked.
    """
    found = _asked(stack, rollout_id)
    return _send(stack, rollout_id, found, found.no(who, why))


def _check_hash(evidence: str) -> None:
    if evidence and not re.fullmatch(rf"[0-9a-f]{{{HASH_DIGITS}}}", evidence):
        raise InvalidInputError(
            field="--evidence",
            value=evidence,
            expected=f"{HASH_DIGITS} hexadecimal digits",
            remedy="Copy the hash from the message or from `rollout status`.",
        )


def _asked(stack: Stack, rollout_id: str) -> Question:
    """The question that a running execution waits on."""
    # What an execution that was stopped had asked may still be there.
    if any(item["status"] == RUNNING for item in executions(stack, rollout_id)):
        found = question(stack, rollout_id)
        if found:
            return found
    raise _nobody_asks(stack, rollout_id)


def _send(stack: Stack, rollout_id: str, asked: Question, answer: dict[str, str]) -> dict[str, Any]:
    """Give the waiting execution its answer, and forget the question."""
    approvals = ParameterApprovals.connect(stack.settings())
    try:
        client("stepfunctions").send_task_success(taskToken=asked.token, output=json.dumps(answer))
    except ClientError as error:
        if error.response["Error"]["Code"] not in GONE:
            raise
        raise _nobody_asks(stack, rollout_id) from None
    approvals.forget(rollout_id)
    given = {key: answer[key] for key in ("by", "why", "evidence")}
    return {"rollout": rollout_id, "answer": answer["word"], **given}


def _nobody_asks(stack: Stack, rollout_id: str) -> RolloutError:
    """Why there is nothing to answer: answered already, too late, or never asked."""
    document = newest_document(stack, rollout_id)
    given, error = document.get("approval") or {}, document.get("error") or {}
    why = ""
    if given:
        said = str(given.get("word", "answered")).lower()
        why = f": it was answered already, {said} by {given.get('by', 'somebody')}"
    elif error and reason_of(document).startswith("nobody answered in time"):
        why = ": too late, nobody answered in time, and silence rolls back"
    return RolloutError(f"rollout {rollout_id} asks nothing now{why}; see `rollout status`")
