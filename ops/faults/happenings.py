"""What can happen around the playbook while a state is entered, by name."""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from ops import holding
from ops.faults import functions
from ops.faults.faults import AbortedError, Fault
from ops.faults.machine import RUNTIME, Execution, TaskError
from ops.faults.plan import launch, plan
from rollout.adapters.closing import KILL, close, needs_closing, note

if TYPE_CHECKING:
    from ops.faults.world import World

FOR_EVER: Final = float("inf")
A_WHILE: Final = 300.0
AN_HOUR: Final = 3600.0
Happening = Callable[["World", Execution], None]


def happens(fault: Fault, world: "World", execution: Execution) -> None:
    """Let it happen."""
    WORLD[fault.kind](world, execution)


def _out(*services: str, seconds: float) -> Happening:
    def happen(world: "World", _: Execution) -> None:
        world.strikes.outages.update(dict.fromkeys(services, world.clock() + seconds))

    return happen


def _frozen(seconds: float) -> Happening:
    def happen(world: "World", _: Execution) -> None:
        world.account.appconfigdata.freeze(seconds)

    return happen


def _garbled(seconds: float) -> Happening:
    def happen(world: "World", _: Execution) -> None:
        world.account.appconfigdata.garbled_until = world.clock() + seconds

    return happen


def _counting(**changes: Any) -> Happening:
    def happen(world: "World", _: Execution) -> None:
        for name, value in changes.items():
            setattr(world.account.cloudwatch, name, value)

    return happen


def _empty(world: "World", _: Execution) -> None:
    world.account.cloudwatch.empty_from = world.clock()


def _undone(world: "World", _: Execution) -> None:
    def undo() -> None:
        running = world.account.appconfig.running()
        if running:
            world.account.appconfig.end(running, "CLOUDWATCH_ALARM")

    world.agenda.at(world.clock() + 10, undo)


def _stuck(world: "World", _: Execution) -> None:
    world.account.appconfig.never_completes = True


def _kill(*_: Any) -> None:
    raise AbortedError


def _killed_and_redriven(world: "World", _: Execution) -> None:
    world.redriven = True
    raise AbortedError


def _killed_and_told_twice(world: "World", execution: Execution) -> None:
    world.deliver(_told_again(execution))
    raise AbortedError


def _commanded(world: "World") -> bool:
    """A person types the command; whether it could be done."""
    try:
        world.roll_back()
    except Exception:  # whatever it is, the person is told, and the rollout goes on
        return False
    return True


def _told_again(execution: Execution) -> dict[str, Any]:
    detail = {"name": execution.name, "status": "ABORTED", "input": json.dumps(execution.given)}
    return {"source": "aws.states", "detail": detail}


def _killed_and_replayed(world: "World", execution: Execution) -> None:
    told = _told_again(execution)
    world.agenda.at(world.clock() + AN_HOUR, lambda: world.deliver(told))
    raise AbortedError


def _timed_out(*_: Any) -> None:
    raise AbortedError("TIMED_OUT")


def _failed(*_: Any) -> None:
    raise TaskError(RUNTIME, "injected")


def _orphaned(world: "World", _: Execution) -> None:
    world.orphaned = True
    world.account.scheduler.pending.clear()
    raise AbortedError


def _rolled_back(world: "World", _: Execution) -> None:
    _commanded(world)


def _rolled_back_and_stopped(world: "World", _: Execution) -> None:
    if _commanded(world):
        raise AbortedError


def _killed(world: "World", _: Execution) -> None:
    """A person presses the kill switch, which closes the flag and touches nothing else."""
    planes = functions.rolling_back(world.clock, world.sleep).planes
    with suppress(Exception):  # whatever it is, the person is told, and the rollout goes on
        before = planes.flags.current(ours=True)
        if needs_closing(before):
            close(before, note(KILL, before.flag.rollout_id, "a person"), planes)


def _held(seconds: float) -> Happening:
    """A person holds the rollout, and resumes it so much later, if that is before the deadline."""

    def happen(world: "World", execution: Execution) -> None:
        course = holding.Course(plan(), execution.document.get("launched_at", world.clock()))
        planes = functions.rolling_back(world.clock, world.sleep).planes

        def change(make: Any) -> None:
            with suppress(Exception):  # the person is told, and the rollout goes on
                before = planes.flags.current()
                holding.carry_out(make(before, course, "ada", "odd", world.clock()), planes)

        change(holding.to_hold)
        if seconds != FOR_EVER:
            world.agenda.at(world.clock() + seconds, lambda: change(holding.to_resume))

    return happen


def _edited(world: "World", _: Execution) -> None:
    world.account.appconfig.edit(allow_list=("nobody",))


def _second(world: "World", _: Execution) -> None:
    world.start("r-2", launch("r-2"))


def _firing(**changes: Any) -> Happening:
    def happen(world: "World", _: Execution) -> None:
        world.schedules_fire = True
        for name, value in changes.items():
            setattr(world, name, value)

    return happen


# The orchestrator dies. These strike every state, also those that do nothing themselves.
DEATHS: Final = (
    "the execution is aborted",
    "the execution is aborted, which is told twice",
    "the execution is aborted, which is told again an hour later",
    "the execution times out",
    "the execution fails by States.Runtime",
    "nobody is left to act",
)
FLAGS = ("appconfig", "appconfigdata")
WORLD: Final[dict[str, Happening]] = {
    "AppConfig is out for a while": _out(*FLAGS, seconds=A_WHILE),
    "AppConfig is out for good": _out(*FLAGS, seconds=FOR_EVER),
    "the data plane is out for a while": _out("appconfigdata", seconds=A_WHILE),
    "the data plane is out for good": _out("appconfigdata", seconds=FOR_EVER),
    "an old document is served for a while": _frozen(A_WHILE),
    "an old document is served for good": _frozen(FOR_EVER),
    "a garbled document is served for a while": _garbled(A_WHILE),
    "a garbled document is served for good": _garbled(FOR_EVER),
    "CloudWatch is out for good": _out("cloudwatch", seconds=FOR_EVER),
    "metrics are partial": _counting(status="PartialData"),
    "metrics are forbidden": _counting(status="Forbidden"),
    "metrics are empty": _empty,
    "metrics are five minutes late": _counting(late_seconds=A_WHILE),
    "the candidate fails": _counting(failing=1.0),
    "the alarm rings": lambda world, _: world.ring(),
    "the deployment is rolled back": _undone,
    "the deployment never completes": _stuck,
    "EventBridge Scheduler is out for good": _out("scheduler", seconds=FOR_EVER),
    "nobody can be told": _out("sns", seconds=FOR_EVER),
    "the execution is aborted": _kill,
    "the execution is aborted, then redriven": _killed_and_redriven,
    "the execution is aborted, which is told twice": _killed_and_told_twice,
    "the execution is aborted, which is told again an hour later": _killed_and_replayed,
    "the execution times out": _timed_out,
    "the execution fails by States.Runtime": _failed,
    "nobody is left to act": _orphaned,
    "a person rolls back": _rolled_back,
    "a person rolls back and stops it": _rolled_back_and_stopped,
    "a person kills": _killed,
    "a person holds, then resumes": _held(A_WHILE),
    "a person holds, and nobody resumes": _held(FOR_EVER),
    "somebody edits the flag by hand": _edited,
    "a second rollout is launched": _second,
    "the schedules fire": _firing(),
    "the schedules fire twice": _firing(fire_twice=True),
    "the schedules fire after the lease": _firing(late_by=86_400.0),
}
