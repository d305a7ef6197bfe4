"""What must be true of what is left behind, whatever struck, and in whatever order.

1. No read failed for a user.
2. The exposure is 0, or the phase's own if the rollout rightly went on; it was never above what
   the evidence allows; once the lease has ended it is 0, where nobody renews.
3. No second rollout is alive.
4. The reason is in the output and was told, or the guard has it and told it.
5. Rolling back again changes nothing.
"""

from dataclasses import dataclass
from typing import Any, Final

from ops.faults.appconfig import NOT_YET
from ops.faults.cases import Case
from ops.faults.functions import POLL_SECONDS
from ops.faults.machine import Execution
from ops.faults.scenarios import ROLLOUT
from ops.faults.world import GUARD, World
from rollout.domain.flag import NO_LEASE_END
from rollout.domain.messages import UNKNOWN

KILLED: Final = "a person kills"
WENT_ON: Final = ("LAUNCHED", "RAMPED", "COMPLETED")
# Enough for every warm reader to have asked twice.
SPREAD_SECONDS: Final = 2 * POLL_SECONDS + 1


@dataclass(frozen=True)
class Result:
    """A case's problems, none when safe; how its rollout ended; whether every fault struck."""

    case: Case
    problems: tuple[str, ...]
    ending: str
    struck: bool
    reads: int


def run(case: Case) -> Result:
    """Run a case to its end and judge what it left."""
    world = case.scenario.begin(*case.faults)
    world.agenda.settle()
    struck = all(world.strikes.struck[fault] for fault in case.faults)
    problems, ending = judge(world)
    return Result(case, tuple(problems), ending, struck, world.users.reads)


def judge(world: World) -> tuple[list[str], str]:
    """(what is wrong with what is left, how the rollout ended). Uses the world up."""
    again = [until for until in _unreadable(world) if until < NOT_YET]
    world.agenda.advance(max((world.clock(), *again)) + SPREAD_SECONDS)
    ending = _ending(world)
    found = [*_exposure(world, ending), *_reasons(world), *_second(world)]
    found += _lease(world, ending)
    found += _again(world, ending)
    return [*dict.fromkeys((*world.users.problems, *found))], ending


def _ending(world: World) -> str:
    last, open_still = _last(world), world.account.appconfig.flag(world.clock()).enabled
    if last and last.status == "SUCCEEDED" and last.word in WENT_ON and open_still:
        return "went on"
    if open_still and (world.letters or world.orphaned):
        return "ended by its lease"
    if _unreadable(world) and _exposed(world):
        return "ended by its lease"
    if any(e.status != "SUCCEEDED" for e in world.ended):
        return "rolled back by the guard"
    return "refused" if last is None else "rolled back"


def _unreadable(world: World) -> list[float]:
    """Until when nobody can learn what is deployed, and warm readers keep to what they know."""
    plane, out = world.account.appconfigdata, world.strikes.outages.get("appconfigdata", 0.0)
    frozen = plane.frozen_until if plane.frozen_at < NOT_YET else 0.0
    return [until for until in (out, frozen, plane.garbled_until) if until > world.clock()]


def _last(world: World) -> Execution | None:
    """The execution of the flag's rollout that ended last, but for those that were refused."""
    rollout = world.account.appconfig.flag(world.clock()).rollout_id or ROLLOUT
    ours = [e for e in world.ended if e.given["rollout_id"] == rollout and e.word != "REFUSED"]
    return ours[-1] if ours else None


def _exposed(world: World) -> int:
    """The most that anybody is exposed to now, by the data plane or a warm reader."""
    now = world.clock()
    flags = [world.account.appconfigdata.flag(), *world.users.flags()]
    return max(flag.exposure_at(now) for flag in flags)


def _exposure(world: World, ending: str) -> list[str]:
    exposed, last = _exposed(world), _last(world)
    if not exposed or ending == "ended by its lease":
        return []
    own = 10_000 if last and last.word == "COMPLETED" else _phase_bps(last)
    if ending == "went on" and exposed == own:
        return []
    return [f"{exposed} bps are exposed after the end"]


def _phase_bps(execution: Execution | None) -> int:
    document = execution.document if execution else {}
    return int(document.get("exposure", {}).get("exposure_bps", 0))


def _second(world: World) -> list[str]:
    running = [e.name for e in world.executions if e.status == "RUNNING"]
    found = [f"{name} is still running" for name in running]
    holder = world.account.appconfig.flag(world.clock()).holder
    for name, (_, document) in list(world.account.scheduler.pending.items()):
        if document["rollout_id"] == holder:
            continue
        reachable = "scheduler" not in world.strikes.outages and not _struck_scheduler(world)
        # A kill touches the flag alone; what it leaves must only start in vain.
        if reachable and not any(fault.kind == KILLED for fault in world.strikes.faults):
            found.append(f"schedule {name} was left behind")
        found += _fires_in_vain(world, name, document)
    return found


def _struck_scheduler(world: World) -> bool:
    return any(fault.action.startswith("scheduler:") for fault in world.strikes.faults)


def _fires_in_vain(world: World, name: str, document: dict[str, Any]) -> list[str]:
    del world.account.scheduler.pending[name]
    world.strikes.heal()  # so whatever asks what struck has asked before
    execution = world.start(f"{name}-late", document)
    world.agenda.settle()
    if execution.word != "REFUSED":
        return [f"{name} started again: {execution.word}"]
    return _reason(world, execution)


def _reasons(world: World) -> list[str]:
    if world.orphaned:
        return []  # there is nobody who could tell
    return [problem for execution in world.ended for problem in _reason(world, execution)]


def _reason(world: World, execution: Execution) -> list[str]:
    name, told = execution.name, "\n".join(world.account.sns.told)
    if execution.status == "SUCCEEDED":
        reason = _reason_in(execution.document["outcome"])
        if reason in ("", UNKNOWN):
            return [f"{name} ended {execution.word} without a reason"]
        silent = _struck(world, "Notify")
        return [] if silent or reason in told else [f"nobody was told: {reason[:80]}"]
    if not any(name in str(item) for item in (*world.guarded, *world.letters)):
        return [f"{name} ended {execution.status}, and the guard has no reason"]
    # Who aborts an execution knows it; of what was undone everybody is told.
    undone = any(item.get("changed") and name in item["reason"] for item in world.guarded)
    silent = _struck(world, GUARD) or (execution.status == "ABORTED" and not undone)
    return [] if silent or name in told else [f"nobody was told of {name}"]


def _reason_in(outcome: dict[str, Any]) -> str:
    found = outcome.get("reason") or outcome.get("sentence")
    return str(found or "; ".join(outcome.get("reasons", ())))


def _struck(world: World, state: str) -> bool:
    """Whether telling itself was struck, in that state."""
    faults = world.strikes.faults
    return "sns" in world.strikes.outages or any(
        fault.state == state or fault.action == "sns:publish" for fault in faults
    )


def _lease(world: World, ending: str) -> list[str]:
    flag = world.account.appconfig.flag(world.clock())
    if flag.lease_until == NO_LEASE_END:
        last = _last(world)
        done = last is not None and last.word == "COMPLETED"
        meant = done and (ending == "went on" or world.orphaned)
        return [] if meant else ["full exposure without a lease was left behind"]
    world.schedules_fire = False
    known = world.users.flags()
    ends = max(f.lease_until for f in [flag, world.account.appconfigdata.flag(), *known])
    world.agenda.advance(max(world.clock(), ends) + 1)
    exposed = _exposed(world)
    return [f"{exposed} bps are exposed after the lease"] if exposed else []


def _again(world: World, ending: str) -> list[str]:
    """Once everything works again, the operator's command, twice."""
    world.strikes.heal()
    found = []
    told = any("actions may still be off" in text for text in world.account.sns.told)
    if not (world.account.cloudwatch.actions_enabled or told or ending == "ended by its lease"):
        found.append("the alarm was left without its actions")
    for again in (False, True):
        made = len(world.account.appconfig.deployments)
        changed = world.roll_back()["changed"]
        more = len(world.account.appconfig.deployments) - made
        closed = again or ending.startswith("rolled back")
        if closed and (changed or more):
            found.append(f"rolling back {'twice' if again else 'again'} made {more} deployments")
    return found
