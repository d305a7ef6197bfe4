"""Launch, watch and end rollouts of a deployed stack, as a person does it."""

import json
import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ops.deployed import Stack
from ops.executions import (
    RUNNING,
    STOPPED,
    WENT_ON,
    described,
    executions,
    newest_first,
    now_in,
    outcome,
    running,
)
from rollout.adapters import plan_documents
from rollout.adapters.alarms import CloudWatchAlarms
from rollout.adapters.approvals import ParameterApprovals
from rollout.adapters.clients import client
from rollout.adapters.closing import why_closed
from rollout.adapters.flag_reader import ServedFlag
from rollout.adapters.flags import AppConfigFlags
from rollout.adapters.schedules import SchedulerSchedules
from rollout.domain import step as steps
from rollout.domain.flag import Flag
from rollout.domain.moments import iso
from rollout.domain.preflight import REFUSED
from rollout.domain.step import LAUNCH, schedule_prefix
from rollout.handlers import roll_back as rolling_back


class RolloutError(RuntimeError):
    """What was asked cannot be done; the message says why and what to do."""


def served(stack: Stack) -> Flag:
    """What a reader that starts now is served by the data plane."""
    return ServedFlag(client("appconfigdata"), stack.settings()).flag()


def launch(stack: Stack, plan_file: Path, rollout_id: str = "") -> dict[str, Any]:
    """Check the plan, see that nobody holds the flag, and start the launch execution.

    Returns {"rollout", "execution_arn", "plan"}. Raises InvalidInputError or RolloutError before
    anything is touched.
    """
    plan, document = plan_documents.load(plan_file)
    holder = AppConfigFlags.connect(stack.settings()).current().flag.holder
    if holder:
        raise RolloutError(
            f"rollout {holder} holds the flag; see `rollout status`, end it with "
            f"`rollout roll-back --why '…'`"
        )
    rollout_id = rollout_id or f"{plan.name}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    document = {"action": steps.LAUNCH, "rollout_id": rollout_id, "plan": document}
    steps.parse(document, rollout_id, time.time())
    try:
        answer = client("stepfunctions").start_execution(
            stateMachineArn=stack.machine_arn,
            name=rollout_id,
            input=json.dumps(document),
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ExecutionAlreadyExists":
            raise
        raise RolloutError(f"there has been a rollout {rollout_id}; choose another id") from error
    return {"rollout": rollout_id, "execution_arn": answer["executionArn"], "plan": plan.name}


def closed_between(stack: Stack, newest: dict[str, Any]) -> tuple[str, float]:
    """Who closed a rollout's flag while none of its executions ran, and why, and the epoch second.

    newest: its newest execution. ("", 0) when nobody did, or other rollouts have come since.
    """
    word, _ = outcome(newest)
    # A step that came after a kill was refused; what ended the rollout is the kill.
    if word not in WENT_ON and (word != REFUSED or newest["action"] == LAUNCH):
        return "", 0.0
    deployed = AppConfigFlags.connect(stack.settings()).current(ours=True)
    why = "" if deployed.flag.enabled else why_closed(deployed.note, newest["rollout"])
    return why, datetime.fromisoformat(deployed.at).timestamp() if why and deployed.at else 0.0


def status(stack: Stack, known: dict[str, Any] | None = None) -> dict[str, Any]:
    """One screen: what is served, who holds the flag, its executions, what comes next."""
    flag = served(stack)
    newest = next(newest_first(stack, known), None)
    rollout_id = flag.holder or (newest["rollout"] if newest else "")
    listed = executions(stack, rollout_id, known) if rollout_id else []
    return {
        "stack": stack.name,
        "rollout": rollout_id,
        "holds_flag": bool(flag.holder),
        "phase": flag.phase,
        "exposure_bps": flag.exposure_at(time.time()),
        "shadow_bps": flag.shadow_at(time.time()),
        "lease_until": iso(flag.lease_until) if flag.holder else "",
        "executions": [_line(item) for item in listed],
        "scheduled": scheduled(stack, rollout_id),
    }


def _line(item: dict[str, Any]) -> dict[str, Any]:
    line = {key: item[key] for key in ("name", "action", "phase", "status")}
    if item["status"] == RUNNING:
        state, verdict = now_in(item["arn"])
        return {**line, "state": state, "sentence": verdict.get("sentence", "")}
    word, reason = outcome(item)
    return {**line, "state": word, "sentence": reason}


def scheduled(stack: Stack, rollout_id: str) -> list[dict[str, str]]:
    """The steps of a rollout to come: [{"name", "at": ISO 8601}]."""
    if not rollout_id:
        return []
    group = stack.outputs["ScheduleGroupName"]
    api = client("scheduler")
    listed = api.list_schedules(GroupName=group, NamePrefix=schedule_prefix(rollout_id))[
        "Schedules"
    ]
    found = [api.get_schedule(GroupName=group, Name=item["Name"]) for item in listed]
    return [
        {"name": item["Name"], "at": re.sub(r"^at\((.+)\)$", r"\1Z", item["ScheduleExpression"])}
        for item in found
    ]


def roll_back(stack: Stack, who: str, why: str, rollout_id: str = "") -> dict[str, Any]:
    """Close the flag without the state machine, then stop the rollout's executions.

    rollout_id: only that rollout is touched, as to tidy what a kill has left; "" whoever holds it,
    and every execution that runs: a launch that has just begun would take the free flag. Works
    whoever holds the flag, also when nobody does and when the machine is gone. Returns the
    rollback's outcome and the executions stopped.
    """
    known = stack.settings()
    ports = rolling_back.Ports(
        AppConfigFlags.connect(known),
        ServedFlag(client("appconfigdata"), known),
        CloudWatchAlarms.connect(known),
        SchedulerSchedules.connect(known),
        ParameterApprovals.connect(known),
    )
    cause = f"{who}: {why}"
    result = rolling_back.roll_back(rollout_id, cause, ports)
    if rollout_id:
        return {**result, "stopped": _stop(executions(stack, rollout_id), cause)}
    try:
        live = running(stack)
    except (ClientError, BotoCoreError) as error:
        left = f"a launch may still be running: {error}"
        return {**result, "reason": f"{result['reason']}; {left}", "stopped": []}
    stopped = _stop(live, cause)
    # A launch may have taken the flag before it was stopped.
    again = rolling_back.roll_back("", cause, ports) if stopped else result
    return {**(again if again["changed"] else result), "stopped": stopped}


def _stop(listed: list[dict[str, Any]], cause: str) -> list[str]:
    """Executions that are still running would only find out that the flag has changed."""
    api = client("stepfunctions")
    stopped = []
    for item in listed:
        if item["status"] != RUNNING:
            continue
        try:
            api.stop_execution(executionArn=item["arn"], error=STOPPED, cause=cause[:500])
        except ClientError:
            if described(item["arn"], {})["status"] == RUNNING:
                raise
        else:  # otherwise it has seen by itself that the flag has changed
            stopped.append(item["name"])
    return stopped
