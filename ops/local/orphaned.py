"""A rollout whose orchestrator is gone: nobody is left to act, and the lease alone ends it."""

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from ops import rollouts
from ops.local.deploy import physical
from ops.local.load import Load, Snapshot
from ops.local.stack import PARAMETERS, LocalStack, found
from rollout.domain.flag import Flag

LEASE_ENDED: Final = "LEASE_ENDED"
NOT_RETURNED: Final = "NOT_RETURNED"
# Readers look at the lease at every read; one poll is what they may be behind with the flag.
POLL_SECONDS: Final = float(PARAMETERS["FlagPollSeconds"])
# Of watching after the lease: some hundred reads.
WATCHED_SECONDS: Final = 8.0
PAUSE_SECONDS: Final = 0.2
RESCUERS: Final = ("GuardFunction", "WatchdogFunction")


@dataclass(frozen=True)
class Outlived:
    """How it ended, and what was seen.

    outcome: LEASE_ENDED or NOT_RETURNED. late_s: how many seconds after the lease's end the last
    read left that the candidate answered; below 0 before it; None when it answered none.
    """

    outcome: str
    reason: str
    late_s: float | None


def orphan(stack: LocalStack) -> None:
    """Let nobody be left who could act, and the stack be of no use afterwards.

    The rules that call guard and watchdog are disabled, their roles may do nothing any more, what
    is scheduled and the state machine are deleted, with its executions.
    """
    events, iam = stack.emulator.client("events"), stack.emulator.client("iam")
    for rule in events.list_rules()["Rules"]:
        events.disable_rule(Name=rule["Name"])
    names = physical(stack.emulator, stack.name)
    for function in RESCUERS:
        _forbid(iam, names[function.replace("Function", "Role")])
    scheduler, group = stack.emulator.client("scheduler"), stack.outputs["ScheduleGroupName"]
    for schedule in scheduler.list_schedules(GroupName=group)["Schedules"]:
        scheduler.delete_schedule(GroupName=group, Name=schedule["Name"])
    machine = stack.outputs["StateMachineArn"]
    stack.emulator.client("stepfunctions").delete_state_machine(stateMachineArn=machine)


def _forbid(iam: Any, role: str) -> None:
    for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        iam.delete_role_policy(RoleName=role, PolicyName=policy)
    for policy in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=role, PolicyArn=policy["PolicyArn"])


def outlive(stack: LocalStack, load: Load) -> Outlived:
    """Orphan the rollout that is exposed now and watch the reads past the end of its lease."""
    flag = rollouts.served(found(stack))
    orphan(stack)
    refused = _rescue_is_refused(stack, flag)
    load.mark()
    _sleep_until(flag.lease_until)
    before = load.snapshot()
    _sleep_until(flag.lease_until + POLL_SECONDS + WATCHED_SECONDS)
    after = load.snapshot()
    ago_s = after.ago_s.get("candidate")
    late_s = None if ago_s is None else time.time() - ago_s - flag.lease_until
    unchanged = rollouts.served(found(stack)) == flag
    controls = after.since_mark.get("control", 0) - before.since_mark.get("control", 0)
    good = (
        refused
        and unchanged
        and before.since_mark.get("candidate", 0) > 0
        and controls > 0
        and late_s is not None
        and late_s <= POLL_SECONDS
    )
    reason = _told(flag, before, late_s, controls, unchanged)
    return Outlived(LEASE_ENDED if good else NOT_RETURNED, reason, late_s)


def _rescue_is_refused(stack: LocalStack, flag: Flag) -> bool:
    """Whether the guard, were it told all the same, could do nothing."""
    detail = {"name": flag.rollout_id, "status": "ABORTED"}
    event = {"source": "aws.states", "detail": {**detail, "input": "{}"}}
    guard = physical(stack.emulator, stack.name)["GuardFunction"]
    answer = stack.emulator.client("lambda").invoke(FunctionName=guard, Payload=json.dumps(event))
    return "AccessDenied" in answer["Payload"].read().decode()


def _sleep_until(moment: float) -> None:
    while time.time() < moment:
        time.sleep(PAUSE_SECONDS)


def _told(
    flag: Flag, before: Snapshot, late_s: float | None, controls: int, unchanged: bool
) -> str:
    ended = datetime.fromtimestamp(flag.lease_until, UTC)
    last = "none left"
    if late_s is not None:
        last = f"the last one left {abs(late_s):.1f} s {'after' if late_s > 0 else 'before'} it"
    acted = "nobody acted" if unchanged else "somebody acted"
    return (
        f"{acted}: {before.since_mark.get('candidate', 0)} reads by the candidate until the lease "
        f"ended at {ended:%H:%M:%S}; {last}, and the control answered the {controls} that followed"
    )
