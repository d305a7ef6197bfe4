"""What an interpreter makes of a scenario, and the interpreter of the fault matrix."""

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from ops.faults.machine import Execution, TaskError
from tests.scenarios import SCENARIOS
from tests.scenarios.mocks import calls_of
from tests.scenarios.visits import DEFINITION, STATES, Failed
from tests.scenarios.visits import Path as Way

INPUT: Final[dict[str, Any]] = {"action": "ramp", "plan": {}}
FUNCTIONS: Final = "arn:aws:lambda:us-east-1:123456789012:function:"


@dataclass(frozen=True)
class Run:
    """status: as Step Functions has it; path: the states entered; failed: calls that failed."""

    status: str
    path: tuple[str, ...]
    failed: int


def expected(name: str) -> Run:
    """What the table says."""
    way = SCENARIOS[name]
    succeeds = STATES[way[-1].state]["Type"] == "Succeed"
    return Run(
        "SUCCEEDED" if succeeds else "FAILED",
        tuple(visit.state for visit in way),
        sum(isinstance(call, Failed) for visit in way for call in visit.calls),
    )


def definition() -> str:
    """The playbook, as deployed but for the functions: each task has one, named after its state."""
    machine = json.loads(DEFINITION)
    for name, state in machine["States"].items():
        if state["Type"] == "Task":
            state["Parameters"]["FunctionName"] = FUNCTIONS + "".join(name.split())
    return json.dumps(machine)


class Mocked:
    """The world of an execution in memory, in which each call gets what the table says."""

    def __init__(self, way: Way) -> None:
        self.calls = calls_of(way)
        self.made: Counter[str] = Counter()
        self.answers: dict[str, Any] = {}
        self.waited: list[float] = []
        self.failed = 0

    def clock(self) -> float:
        return sum(self.waited)

    def entered(self, _: Execution) -> None: ...

    def invoke(self, _function: str, _payload: Any, execution: Execution) -> Any:
        state = execution.path[-1]
        call = self.calls[state][self.made[state]]
        self.made[state] += 1
        if isinstance(call, Failed):
            self.failed += 1
            raise TaskError(call.error, call.cause)
        self.answers[execution.token] = call.returned
        return call.returned


def in_memory(name: str) -> Run:
    """By the interpreter of the fault matrix; AssertionError when it leaves a call out."""
    world = Mocked(SCENARIOS[name])
    execution = Execution(name, INPUT, world)
    world.waited += execution.run()
    assert world.made == {state: len(calls) for state, calls in world.calls.items()}
    return Run(execution.status, tuple(execution.path), world.failed)


def of_history(status: str, events: list[dict[str, Any]]) -> Run:
    """From an execution's history, oldest event first."""
    entered = (event.get("stateEnteredEventDetails") for event in events)
    failed = sum(event["type"] in ("TaskFailed", "TaskTimedOut") for event in events)
    return Run(status, tuple(details["name"] for details in entered if details), failed)
