"""What the playbook is doing when a fault strikes: a launch, a ramp step, a cleanup, a rollback."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final

from ops.faults import plan as plans
from ops.faults.faults import Fault
from ops.faults.machine import MACHINE
from ops.faults.world import GUARD, World

TASKS: Final = {name for name, state in MACHINE["States"].items() if state["Type"] == "Task"}
ROLLOUT: Final = "r-1"
HOLD_SECONDS: Final = 1800
YES: Final = {"word": "APPROVED", "by": "ada", "why": "seen"}


def _nothing(_: World) -> None:
    pass


@dataclass(frozen=True)
class Scenario:
    """One execution to strike. after: how many executions went before it.

    states: those whose faults belong here; None for all that it enters. change: what is different
    in its world from the beginning.
    """

    name: str
    after: int
    states: frozenset[str] | None = None
    change: Callable[[World], None] = _nothing
    faults: tuple[Fault, ...] = ()

    def begin(self, *faults: Fault) -> World:
        """Its world, with the execution started."""
        world = before(self.after).copy()
        world.strikes.faults = (*self.faults, *faults)
        self.change(world)
        start_next(world)
        return world

    def trace(self) -> list[tuple[str, str]]:
        """(state, "" or a call it makes), each once, of a run without a fault."""
        return _trace(self)

    def passed(self) -> list[str]:
        """The states that it enters and that call no function; of an aborted one, none."""
        return [] if self.faults else _passed(self)


def start_next(world: World) -> None:
    """Start the launch, or the step that is scheduled, in its time."""
    if not world.certified:
        world.start(ROLLOUT, plans.launch(ROLLOUT))
        return
    ((name, (at, document)),) = world.account.scheduler.pending.items()
    del world.account.scheduler.pending[name]
    world.agenda.advance(at)
    world.start(name, document)


@cache
def before(executions: int) -> World:
    """The world after so many healthy executions of one rollout."""
    if not executions:
        return World()
    world = before(executions - 1).copy()
    start_next(world)
    world.agenda.settle()
    return world


@cache
def _trace(scenario: Scenario) -> list[tuple[str, str]]:
    world = scenario.begin()
    world.agenda.settle()
    wanted = TASKS if scenario.states is None else scenario.states
    entered = [(state, "") for state in (*world.executions[0].path, GUARD) if state in wanted]
    called = [call for call in world.strikes.calls if call[0] in wanted]
    return list(dict.fromkeys((*entered, *called)))


@cache
def _passed(scenario: Scenario) -> list[str]:
    world = scenario.begin()
    world.agenda.settle()
    return [state for state in dict.fromkeys(world.executions[0].path) if state not in TASKS]


def _failing(world: World) -> None:
    world.account.cloudwatch.failing = 1.0


def _differing(world: World) -> None:
    world.account.cloudwatch.differing, world.says = 0.2, YES


def _stepping_down(world: World) -> None:
    _differing(world)
    for _, document in world.account.scheduler.pending.values():
        document["plan"]["response"] = "step_down"


def _ringing(world: World) -> None:
    world.account.cloudwatch.ringing = True


def _held(world: World) -> None:
    """A person has frozen the exposure until half an hour after the step begins, and forgets it."""
    ((at, _),) = world.account.scheduler.pending.values()
    until = int(at) + HOLD_SECONDS
    world.account.appconfig.edit(held_until=until, lease_until=until)


BACK: Final = frozenset({"Roll Back"})
ABORTED: Final = (Fault("the execution is aborted", "Bake", times=1),)
PASSED_ONLY: Final = frozenset[str]()
SCENARIOS: Final = (
    Scenario("launch", 0),
    Scenario("ramp", 1),
    Scenario("last ramp", 4, frozenset({"Schedule Cleanup"})),
    Scenario("cleanup", 5),
    Scenario("launch in doubt", 0, frozenset({"Ask a Person"}), _differing),
    Scenario("ramp in doubt", 1, frozenset({"Ask a Person"}), _differing),
    Scenario("ramp stepping down", 1, frozenset({"Step Down"}), _stepping_down),
    Scenario("failing launch", 0, BACK, _failing),
    Scenario("failing ramp", 1, BACK, _failing),
    Scenario("cleanup under alarm", 5, BACK, _ringing),
    Scenario("launch under alarm", 0, PASSED_ONLY, _ringing),
    Scenario("ramp that is held", 1, PASSED_ONLY, _held),
    Scenario("aborted launch", 0, frozenset({GUARD}), faults=ABORTED),
    Scenario("aborted ramp", 1, frozenset({GUARD}), faults=ABORTED),
)
