"""The cases: every Task state of every scenario x every fault that can strike there."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ops.faults.faults import CALL, INVOCATION, Fault
from ops.faults.happenings import DEATHS, WORLD
from ops.faults.scenarios import SCENARIOS, Scenario
from ops.faults.world import GUARD

ONCE: Final = 1
# What may pass when it is tried again; the others are struck for good.
PASSING: Final = ("raises", "is throttled", "runs out of memory", "works, its answer is lost")
PASSING_CALLS: Final = (
    "is throttled",
    "works, every answer is lost",
    "works, then the sandbox dies",
)
OVERTAKEN: Final = "is overtaken by another deployment"
# What needs a deployment that is made in the state, or what the state schedules.
DEPLOYING: Final = ("the deployment is rolled back", "the deployment never completes")
FIRING: Final = "the schedules fire"


@dataclass(frozen=True)
class Case:
    """A scenario and the faults that strike in it."""

    scenario: Scenario
    faults: tuple[Fault, ...]

    @property
    def name(self) -> str:
        """As it is given to --case."""
        return f"{self.scenario.name}: " + "; ".join(_told(fault) for fault in self.faults)


def _told(fault: Fault) -> str:
    call = f" {fault.action}" if fault.action else ""
    return f"{fault.state}{call} {'' if fault.on_entry else _often(fault)}{fault.kind}".replace(
        "  ", " "
    )


def _often(fault: Fault) -> str:
    return "once " if fault.times == ONCE else ""


def faults_of(scenario: Scenario) -> Iterator[Fault]:
    """Every fault that can strike in a scenario's states."""
    trace = scenario.trace()
    starts = {state for state, action in trace if action == "appconfig:start_deployment"}
    for state, action in trace:
        if action:
            yield from _calls(state, action)
        else:
            yield from _invocations(state)
            yield from _happenings(state, state in starts)
    for state in scenario.passed():
        yield from (Fault(kind, state, times=ONCE) for kind in DEATHS)


def _invocations(state: str) -> Iterator[Fault]:
    for kind in INVOCATION:
        if state == GUARD and kind.startswith(("returns", "works, and the execution")):
            continue  # nobody reads what the guard returns
        yield Fault(kind, state)
        if kind in PASSING:
            yield Fault(kind, state, times=ONCE)


def _calls(state: str, action: str) -> Iterator[Fault]:
    for kind in CALL:
        if kind == OVERTAKEN and action != "appconfig:start_deployment":
            continue
        yield Fault(kind, state, action, ONCE if kind == OVERTAKEN else Fault(kind, state).times)
        if kind in PASSING_CALLS:
            yield Fault(kind, state, action, ONCE)


def _happenings(state: str, deploys: bool) -> Iterator[Fault]:
    for kind in WORLD:
        fits = kind not in DEPLOYING or deploys
        if kind.startswith(FIRING):
            fits = state.startswith("Schedule")
        if fits and state != GUARD:
            yield Fault(kind, state, times=ONCE)


def every_case() -> list[Case]:
    """The whole matrix."""
    return [Case(scenario, (fault,)) for scenario in SCENARIOS for fault in faults_of(scenario)]


def pairs(count: int, seed: int) -> list[Case]:
    """So many pairs of faults on the launch path, the same for the same seed."""
    launch = SCENARIOS[0]
    faults, chance = list(faults_of(launch)), random.Random(seed)
    return [Case(launch, tuple(chance.sample(faults, 2))) for _ in range(count)]
