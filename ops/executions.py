"""The executions of rollouts as Step Functions tells them: which there are, and what each says."""

import json
from collections.abc import Iterator
from typing import Any, Final

from ops.deployed import Stack
from rollout.adapters.clients import client
from rollout.domain.messages import reason_of, rollout_of

RUNNING: Final = "RUNNING"
# The error with which a person's rollback stops an execution; the cause says who, and why.
STOPPED: Final = "RolledBack"
# Outcomes of an execution after which another one is scheduled.
WENT_ON: Final = ("LAUNCHED", "RAMPED")
# So many executions are looked through, newest first; a rollout is a handful.
LISTED: Final = 1000
PAGE: Final = 50


def executions(
    stack: Stack, rollout_id: str = "", known: dict[str, Any] | None = None
) -> list[dict[str, Any]]:
    """A rollout's executions, newest first (all rollouts' when "").

    Each is {"name", "arn", "status", "rollout", "action", "phase", "document", "started_at"}.
    known: ended executions by ARN, filled and used so that they are asked for once.
    """
    found = []
    launched_at = float("-inf")
    for item in newest_first(stack, known):
        # Listed are running executions by their start and the others by their end: a launch that
        # ended after the next step had begun stands before it.
        if (item["stopped_at"] or item["started_at"]) < launched_at:
            break
        if rollout_id in ("", item["rollout"]):
            found.append(item)
        # The launch is the oldest execution of its rollout, and bears its name.
        if rollout_id and item["name"] == rollout_id:
            launched_at = item["started_at"]
    found.sort(key=lambda item: item["started_at"], reverse=True)
    return found


def newest_first(stack: Stack, known: dict[str, Any] | None) -> Iterator[dict[str, Any]]:
    """Every execution, as `executions` gives them, the newest first; asked for as it is used."""
    known = {} if known is None else known
    pages = client("stepfunctions").get_paginator("list_executions")
    listed = {"MaxItems": LISTED, "PageSize": PAGE}
    for page in pages.paginate(stateMachineArn=stack.machine_arn, PaginationConfig=listed):
        for item in page["executions"]:
            yield described(item["executionArn"], known)


def running(stack: Stack) -> list[dict[str, Any]]:
    """The executions that run now, of whatever rollout, as `executions` gives them."""
    pages = client("stepfunctions").get_paginator("list_executions")
    asked = {"stateMachineArn": stack.machine_arn, "statusFilter": RUNNING}
    return [
        described(item["executionArn"], {})
        for page in pages.paginate(**asked)
        for item in page["executions"]
    ]


def described(arn: str, known: dict[str, Any]) -> dict[str, Any]:
    """One execution, as `executions` gives them."""
    if arn in known:
        return dict(known[arn])
    answer = client("stepfunctions").describe_execution(executionArn=arn)
    given = _json(answer.get("input"))
    document = _json(answer.get("output"))
    item = {
        "name": answer["name"],
        "arn": arn,
        "status": answer["status"],
        "rollout": rollout_of(given) or answer["name"],
        "action": given.get("action", "launch"),
        "phase": given.get("phase", ""),
        "document": document,
        "error": answer.get("error", ""),
        "cause": answer.get("cause", ""),
        "started_at": answer["startDate"].timestamp(),
        "stopped_at": answer["stopDate"].timestamp() if "stopDate" in answer else None,
    }
    if item["status"] != RUNNING:
        known[arn] = item
    return item


def _json(text: str | None) -> dict[str, Any]:
    try:
        value = json.loads(text or "{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def now_in(arn: str) -> tuple[str, dict[str, Any]]:
    """(state a running execution is in, its last verdict), from the end of its history."""
    entered = _entered(arn)
    state = entered[0]["name"] if entered else ""
    verdicts = (_json(details.get("input")).get("verdict") for details in entered)
    return state, next((verdict for verdict in verdicts if verdict), {})


def newest_document(stack: Stack, rollout_id: str) -> dict[str, Any]:
    """The document of a rollout's newest execution as far as it has come; {} without one."""
    listed = executions(stack, rollout_id)
    if not listed or listed[0]["status"] != RUNNING:
        return listed[0]["document"] if listed else {}
    return so_far(listed[0]["arn"])


def so_far(arn: str) -> dict[str, Any]:
    """The document of an execution as the state it entered last was given it."""
    return next((_json(details.get("input")) for details in _entered(arn)), {})


def _entered(arn: str) -> list[dict[str, Any]]:
    """The states an execution has entered of late, newest first: {"name", "input"}."""
    events = client("stepfunctions").get_execution_history(
        executionArn=arn, reverseOrder=True, maxResults=60
    )["events"]
    found = (event.get("stateEnteredEventDetails") for event in events)
    return [details for details in found if details]


def outcome(item: dict[str, Any]) -> tuple[str, str]:
    """(word, reason) of an ended execution; its status when it left no outcome."""
    if item.get("error") == STOPPED:
        return "ROLLED_BACK", str(item.get("cause", ""))
    found = item["document"].get("outcome") or {}
    word = str(found.get("word") or item["status"])
    reason = found.get("reason") or found.get("sentence") or reason_of(item["document"])
    return word, str(reason)
