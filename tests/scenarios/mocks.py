"""The same scenarios as Step Functions Local and the emulator read them: a file of mocks.

`python -m tests.scenarios.mocks` writes it anew.
Source: Step Functions developer guide, "Using mocked service integrations".
"""

import json
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from tests.scenarios import SCENARIOS
from tests.scenarios.visits import STATES, Call, Failed
from tests.scenarios.visits import Path as Way

FILE: Final = Path(__file__).parents[1] / "local" / "step_functions_local.json"
MACHINE: Final = "playbook"


def calls_of(way: Way) -> dict[str, list[Call]]:
    """What the calls of each task get, over all its visits."""
    found: dict[str, list[Call]] = {}
    for visit in way:
        if visit.calls:
            found.setdefault(visit.state, []).extend(visit.calls)
    return found


def result(state: str, returned: dict[str, Any]) -> dict[str, Any]:
    """What the task gets from outside: of a function its payload, of a person the answer."""
    if STATES[state]["Resource"].endswith(".waitForTaskToken"):
        return returned
    return {"StatusCode": 200, "Payload": returned}


def document() -> dict[str, Any]:
    """The file's content. Equal calls share a mock, which is named after them."""
    cases: dict[str, dict[str, str]] = {}
    responses: dict[str, dict[str, Any]] = {}
    for name, way in SCENARIOS.items():
        cases[name] = {}
        for state, calls in calls_of(way).items():
            label, mock = _mocked(state, calls)
            if responses.setdefault(label, mock) != mock:
                raise ValueError(f"two mocks are called {label!r}: name their answers apart")
            cases[name][state] = label
    return {"StateMachines": {MACHINE: {"TestCases": cases}}, "MockedResponses": responses}


def _mocked(state: str, calls: list[Call]) -> tuple[str, dict[str, Any]]:
    """(name, answers by the numbers of the calls), equal calls in a row together."""
    label, mock, first = "".join(state.split()), {}, 0
    for call, group in groupby(calls):
        times = len(list(group))
        last = first + times - 1
        label += f"-{times}x{call.label}" if times > 1 else f"-{call.label}"
        mock[f"{first}-{last}" if times > 1 else str(first)] = _answer(state, call)
        first += times
    return label, mock


def _answer(state: str, call: Call) -> dict[str, Any]:
    if isinstance(call, Failed):
        return {"Throw": {"Error": call.error, "Cause": call.cause}}
    return {"Return": result(state, call.returned)}


def text() -> str:
    """The document with a line for each case and each answer."""
    found = document()
    cases = found["StateMachines"][MACHINE]["TestCases"]
    responses = found["MockedResponses"]
    listed = ",\n".join(f"        {_line(name, case)}" for name, case in cases.items())
    mocks = ",\n".join(f"    {_line(name, mock)}" for name, mock in responses.items())
    return (
        f'{{\n  "StateMachines": {{\n    "{MACHINE}": {{\n      "TestCases": {{\n{listed}\n'
        f'      }}\n    }}\n  }},\n  "MockedResponses": {{\n{mocks}\n  }}\n}}\n'
    )


def _line(name: str, value: Any) -> str:
    return f"{json.dumps(name)}: {json.dumps(value)}"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
