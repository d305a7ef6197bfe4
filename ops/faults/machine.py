"""The playbook's definition, interpreted as Step Functions does: by name of error, on any clock.

Knows what the definition uses: Task (also with a token), Wait, Choice on words, Pass, Succeed,
Fail, Parameters, ResultSelector, ResultPath, Retry, Catch, timeouts, and the limit on a state's
document. Source: Amazon States Language; Step Functions developer guide, "Handling errors".
"""

import json
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

FILE: Final = Path(__file__).parents[2] / "statemachines" / "playbook.asl.json"
MACHINE: Final[dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))
MACHINE_ARN: Final = "arn:aws:states:us-east-1:000000000000:stateMachine:playbook"
# Source: Step Functions quotas, input or output of a state.
LARGEST_BYTES: Final = 262_144
TIMEOUT, RUNTIME, TOO_LARGE = "States.Timeout", "States.Runtime", "States.DataLimitExceeded"
# No Catch of States.ALL sees these; they end the execution.
TERMINAL: Final = (RUNTIME, TOO_LARGE)
Waiting = Generator[float, None, Any]


class TaskError(Exception):
    """An error as the interpreter names it, and its cause."""

    def __init__(self, name: str, cause: str = "") -> None:
        super().__init__(name, cause)
        self.name, self.cause = name, cause


class Outside(Protocol):
    """What an execution needs: a clock, the functions, and people's answers by token."""

    answers: dict[str, Any]

    def clock(self) -> float: ...
    def entered(self, execution: "Execution") -> None: ...
    def invoke(self, function: str, payload: Any, execution: "Execution") -> Any: ...


@dataclass
class Execution:
    """One execution. path: the states entered.

    status: RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED.
    """

    name: str
    given: dict[str, Any]
    outside: Outside
    status: str = "RUNNING"
    error: str = ""
    cause: str = ""
    path: list[str] = field(default_factory=list)
    document: Any = None
    token: str = ""

    @property
    def word(self) -> str:
        """The outcome's word, "" while there is none."""
        outcome = self.document.get("outcome") if isinstance(self.document, dict) else None
        return str(outcome.get("word", "")) if isinstance(outcome, dict) else ""

    def run(self, state: str = MACHINE["StartAt"]) -> Waiting:
        """Go from `state` to an end; yields the seconds to wait."""
        self.status = "RUNNING"
        if self.document is None:
            self.document = json.loads(json.dumps(self.given))
        try:
            while state:
                self.path.append(state)
                self.outside.entered(self)
                state = yield from self._step(MACHINE["States"][state])
        except TaskError as failed:
            self.status, self.error, self.cause = "FAILED", failed.name, failed.cause

    def _step(self, state: dict[str, Any]) -> Waiting:
        kind = state["Type"]
        if kind == "Succeed":
            self.status = "SUCCEEDED"
            return ""
        if kind == "Fail":
            raise TaskError(state["Error"], state["Cause"])
        if kind == "Choice":
            return self._chosen(state)
        if kind == "Wait":
            yield float(self._at(state["SecondsPath"]))
        elif kind == "Pass":
            self._put(state["ResultPath"], self._filled(state["Parameters"]))
        else:
            return (yield from self._task(state))
        return state["Next"]

    def _task(self, state: dict[str, Any]) -> Waiting:
        tried = [0] * len(state["Retry"])
        while True:
            try:
                self._put(state["ResultPath"], (yield from self._attempt(state)))
                return state["Next"]
            except TaskError as error:
                number, rule = matching(state["Retry"], error.name)
                if rule and tried[number] < rule["MaxAttempts"]:
                    yield longest_wait(rule, tried[number])
                    tried[number] += 1
                    continue
                _, caught = matching(state["Catch"], error.name)
                if not caught:
                    raise
                self._put(caught["ResultPath"], {"Error": error.name, "Cause": error.cause})
                return caught["Next"]

    def _attempt(self, state: dict[str, Any]) -> Waiting:
        started = self.outside.clock()
        limit = self._limit(state)
        self.token = f"{self.name}/{len(self.path)}/{started}"
        payload = self._filled(state["Parameters"]["Payload"])
        try:
            answer = self.outside.invoke(state["Parameters"]["FunctionName"], payload, self)
        except TaskError as error:
            if error.name == TIMEOUT:
                yield max(0.0, started + limit - self.outside.clock())
            raise
        if self.outside.clock() - started > limit:
            raise TaskError(TIMEOUT, f"no answer in {limit} s")
        if state["Resource"].endswith(".waitForTaskToken"):
            return (yield from self._answered(started + limit))
        _check_size(answer)
        selector = state["ResultSelector"]
        return {k.removesuffix(".$"): _at({"Payload": answer}, p) for k, p in selector.items()}

    def _limit(self, state: dict[str, Any]) -> float:
        path = state.get("TimeoutSecondsPath")
        return float(self._at(path) if path else state["TimeoutSeconds"])

    def _answered(self, until: float) -> Waiting:
        while self.token not in self.outside.answers:
            left = until - self.outside.clock()
            if left <= 0:
                raise TaskError(TIMEOUT, "no answer to the token")
            yield left
        return self.outside.answers[self.token]

    def _chosen(self, state: dict[str, Any]) -> str:
        for rule in state["Choices"]:
            if self._at(rule["Variable"]) == rule["StringEquals"]:
                return str(rule["Next"])
        return str(state["Default"])

    def _at(self, path: str) -> Any:
        return _at(self.document, path)

    def _put(self, path: str, value: Any) -> None:
        _check_size({**self.document, path.removeprefix("$."): value})
        self.document[path.removeprefix("$.")] = value

    def _filled(self, template: dict[str, Any]) -> Any:
        context = {
            "Execution": {"Name": self.name, "Id": f"arn:execution:{self.name}"},
            "StateMachine": {"Id": MACHINE_ARN},
            "Task": {"Token": self.token},
        }
        filled = {}
        for key, value in template.items():
            if key.endswith(".$"):
                root = context if value.startswith("$$") else self.document
                value = _at(root, value.removeprefix("$") if root is context else value)
            filled[key.removesuffix(".$")] = value
        return json.loads(json.dumps(filled))


def longest_wait(rule: dict[str, Any], before: int) -> float:
    """Seconds until a Retry's next attempt after `before` others.

    With JitterStrategy FULL it is any time up to that; here nothing depends on chance.
    """
    wait = float(rule["IntervalSeconds"] * rule["BackoffRate"] ** before)
    return min(wait, float(rule.get("MaxDelaySeconds", wait)))


def matching(rules: list[dict[str, Any]], name: str) -> tuple[int, dict[str, Any] | None]:
    """The first rule for that error, and its number."""
    for number, rule in enumerate(rules):
        if any(_covers(wanted, name) for wanted in rule["ErrorEquals"]):
            return number, rule
    return 0, None


def _covers(wanted: str, name: str) -> bool:
    if wanted == "States.ALL":
        return name not in TERMINAL
    if wanted == "States.TaskFailed":
        return name != TIMEOUT and name not in TERMINAL
    return wanted == name


def _at(document: Any, path: str) -> Any:
    """What a JSONPath of plain names points at; nothing there ends the execution."""
    found = document
    for name in path.split(".")[1:]:
        if not isinstance(found, dict) or name not in found:
            raise TaskError(RUNTIME, f"The JSONPath '{path}' could not be found in the input")
        found = found[name]
    return found


def _check_size(value: Any) -> None:
    if len(json.dumps(value)) > LARGEST_BYTES:
        raise TaskError(TOO_LARGE, "The state returned a result above 262144 bytes")
