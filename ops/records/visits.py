"""The history of an execution as visits: one state, from entering to leaving, with what it said."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

# The details that say how an attempt failed, by the type of event that has them.
FAILURES: Final = (
    "lambdaFunctionFailedEventDetails",
    "lambdaFunctionTimedOutEventDetails",
    "taskFailedEventDetails",
    "taskTimedOutEventDetails",
    "executionFailedEventDetails",
    "executionAbortedEventDetails",
    "executionTimedOutEventDetails",
)
ENTERED, LEFT = "stateEnteredEventDetails", "stateExitedEventDetails"


@dataclass
class Visit:
    """One stay in a state.

    entered_at, left_at: epoch seconds; left_at None while it lasts. input, output: JSON values,
    output None until it is left. failures: each failed attempt as {"error", "cause"}.
    """

    state: str
    entered_at: float
    input: Any = None
    left_at: float | None = None
    output: Any = None
    failures: list[dict[str, str]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """The visit as JSON values, with its seconds."""
        lasted = None if self.left_at is None else round(self.left_at - self.entered_at, 3)
        return {**vars(self), "seconds": lasted}


def visits(events: Iterable[dict[str, Any]]) -> list[Visit]:
    """The visits of an execution's events, oldest first, as GetExecutionHistory gives them.

    The playbook has no parallel states, so an event belongs to the state entered last.
    """
    found: list[Visit] = []
    for event in events:
        at = event["timestamp"].timestamp()
        if ENTERED in event:
            details = event[ENTERED]
            found.append(Visit(details["name"], at, _value(details.get("input"))))
        elif LEFT in event and found:
            found[-1].left_at, found[-1].output = at, _value(event[LEFT].get("output"))
        for name in FAILURES:
            if name in event and found:
                details = event[name]
                failure = {key: str(details.get(key, "")) for key in ("error", "cause")}
                found[-1].failures.append(failure)
    return found


def _value(text: str | None) -> Any:
    """What Step Functions kept as text; a text that it cut is shown as it is."""
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text
