"""The scenarios state by state, by the TestState of Step Functions: no machine, no function.

Source: Step Functions API reference, TestState: with a mock neither a role nor the function is
needed, and the context object may be given.
"""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from tests.scenarios import SCENARIOS
from tests.scenarios.mocks import calls_of, result
from tests.scenarios.runs import INPUT, Run, definition
from tests.scenarios.visits import START, STATES, Call, Failed

ARN: Final = "arn:aws:states:us-east-1:123456789012"
CONTEXT: Final = {
    "Execution": {"Id": f"{ARN}:execution:playbook:one", "Name": "one"},
    "StateMachine": {"Id": f"{ARN}:stateMachine:playbook"},
    "Task": {"Token": "token"},
}
# The walk came where the table has no call for it.
ASTRAY: Final = "ASTRAY"


class ByState:
    """One state after the other, each with the document that the one before has left.

    What was asked before is not asked again: most scenarios begin alike.

    Args:
        client: a boto3 client of Step Functions.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._definition = definition()
        self._known: dict[str, dict[str, Any]] = {}

    def run(self, name: str) -> Run:
        """The scenario, for as long as a state names the next."""
        calls = {state: iter(found) for state, found in calls_of(SCENARIOS[name]).items()}
        state, document, path, failed = START, json.dumps(INPUT), [], 0
        answer: dict[str, Any] = {}
        while state:
            path.append(state)
            answer, errors = self._entered(state, document, calls.get(state, iter(())))
            state, document = answer.get("nextState", ""), answer.get("output", "")
            failed += errors
        return Run(answer["status"], tuple(path), failed)

    def _entered(
        self, state: str, document: str, calls: Iterator[Call]
    ) -> tuple[dict[str, Any], int]:
        """(what the state answers in the end, calls that failed)."""
        if STATES[state]["Type"] != "Task":
            return self._ask(stateName=state, input=document), 0
        failed: Counter[str] = Counter()
        for call in calls:
            answer = self._call(state, document, call, failed)
            if answer["status"] != "RETRIABLE":
                return answer, failed.total()
        return {"status": ASTRAY}, failed.total()

    def _call(self, state: str, document: str, call: Call, failed: Counter[str]) -> dict[str, Any]:
        asked = {"stateName": state, "input": document, "context": json.dumps(CONTEXT)}
        if not isinstance(call, Failed):
            # What a function answers is not the API's model of it.
            mock = {
                "result": json.dumps(result(state, call.returned)),
                "fieldValidationMode": "NONE",
            }
            return self._ask(**asked, mock=mock)
        # It asks how often the rule for this error has tried again: each has one name here.
        tried = {"retrierRetryCount": failed[call.error]}
        failed[call.error] += 1
        mock = {"errorOutput": {"error": call.error, "cause": call.cause}}
        return self._ask(**asked, mock=mock, stateConfiguration=tried)

    def _ask(self, **asked: Any) -> dict[str, Any]:
        key = json.dumps(asked, sort_keys=True)
        if key not in self._known:
            self._known[key] = self._client.test_state(definition=self._definition, **asked)
        return self._known[key]
