"""The playbook run in memory: its real definition and handlers, with fakes around them.

Time passes only while a state waits; every second of it leaves counts, as the read path would.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rollout.domain.minute import Row
from rollout.domain.window import Arm, Shadow
from rollout.handlers import (
    ask_a_person,
    cleanup,
    confirm_exposure,
    evaluate,
    guard,
    notify,
    preflight,
    roll_back,
    schedule_next,
    set_exposure,
)
from tests import fakes
from tests.fakes import NOW, ROOT

MACHINE: dict[str, Any] = json.loads((ROOT / "statemachines" / "playbook.asl.json").read_text())
MACHINE_ARN = "arn:aws:states:us-east-1:000000000000:stateMachine:playbook"
REQUESTS_PER_SECOND = 200
POLL_SECONDS = 1


@dataclass
class Execution:
    """How one ended: SUCCEEDED or FAILED, the states it went through, and its document."""

    name: str
    status: str = ""
    path: list[str] = field(default_factory=list)
    document: Any = None

    @property
    def word(self) -> str:
        return str(self.document.get("outcome", {}).get("word", ""))


class StepError(Exception):
    """An error as the interpreter names it."""


@dataclass
class World:
    """Everything outside the machine. failing: share of the candidate's answers that fail.

    answer: what a person says when asked, None for silence. meanwhile: what happens, once, when
    a state of that name is entered.
    """

    flags: fakes.FakeFlags = field(default_factory=fakes.FakeFlags)
    metrics: fakes.FakeMetrics = field(default_factory=fakes.FakeMetrics)
    alarms: fakes.FakeAlarms = field(default_factory=fakes.FakeAlarms)
    aliases: fakes.FakeAliases = field(default_factory=fakes.FakeAliases)
    schedules: fakes.FakeSchedules = field(default_factory=fakes.FakeSchedules)
    notifications: fakes.FakeNotifications = field(default_factory=fakes.FakeNotifications)
    approvals: fakes.FakeApprovals = field(default_factory=fakes.FakeApprovals)
    candidate: fakes.FakeCandidate = field(default_factory=fakes.FakeCandidate)
    served: Any = None
    failing: Callable[[int], float] = lambda _: 0.0
    differing: float = 0.0
    answer: dict[str, Any] | None = None
    meanwhile: dict[str, Callable[[], object]] = field(default_factory=dict)
    now: float = NOW
    executions: list[Execution] = field(default_factory=list)
    most_bps: int = 0

    def __post_init__(self) -> None:
        self.served = self.served or fakes.FakeServed(self.flags)

    def clock(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        """Let time pass, and reads happen."""
        for _ in range(max(1, round(seconds))):
            self.metrics.known.append(self._counts())
            self.now += 1

    def _counts(self) -> Row:
        flag = self.flags.flag
        exposure = flag.exposure_at(self.now)
        self.most_bps = max(self.most_bps, exposure)
        live = REQUESTS_PER_SECOND * exposure // 10_000
        compared = (REQUESTS_PER_SECOND - live) * flag.shadow_at(self.now) // 10_000
        errors = round(live * self.failing(exposure))
        shadow = Shadow(compared, round(compared * self.differing), 0)
        return Row(self.now, Arm(REQUESTS_PER_SECOND - live), Arm(live, errors), shadow)

    def rollback_ports(self) -> roll_back.Ports:
        return roll_back.Ports(
            self.flags,
            self.served,
            self.alarms,
            self.schedules,
            self.approvals,
            self.clock,
            self.wait,
        )

    def guard(self, event: dict[str, Any]) -> dict[str, Any]:
        return guard.guard(event, guard.Ports(self.rollback_ports(), self.notifications))

    def follow(self, document: dict[str, Any], name: str) -> list[Execution]:
        """Run an execution, and those that the schedules then start, in their time."""
        self.run(document, name)
        while self.schedules.pending:
            following = min(self.schedules.pending, key=lambda key: self.schedules.pending[key][0])
            at, arn, given = self.schedules.pending.pop(following)
            assert arn == MACHINE_ARN
            self.wait(max(0.0, at - self.now))
            self.run(json.loads(json.dumps(given)), following)
        return self.executions

    def run(self, document: dict[str, Any], name: str) -> Execution:
        """One execution, from StartAt to its end."""
        execution = Execution(name, document=document)
        self.executions.append(execution)
        state = MACHINE["StartAt"]
        try:
            while state:
                execution.path.append(state)
                self.meanwhile.pop(state, lambda: None)()
                state = self._step(MACHINE["States"][state], execution)
        except StepError as error:
            execution.status, execution.document = "FAILED", {"error": str(error)}
        return execution

    def _step(self, state: dict[str, Any], execution: Execution) -> str:
        kind, document = state["Type"], execution.document
        if kind in ("Succeed", "Fail"):
            execution.status = "SUCCEEDED" if kind == "Succeed" else "FAILED"
            return ""
        if kind == "Wait":
            self.wait(_at(document, state["SecondsPath"]))
        elif kind == "Choice":
            return _chosen(state, document)
        elif kind == "Pass":
            _put(document, state["ResultPath"], self._fill(state["Parameters"], execution))
        else:
            return self._task(state, execution)
        return str(state["Next"])

    def _task(self, state: dict[str, Any], execution: Execution) -> str:
        try:
            result = self._result(state, execution)
        except StepError:
            raise
        except Exception as error:
            (rule,) = state["Catch"]
            cause = {"Error": type(error).__name__, "Cause": str(error)}
            _put(execution.document, rule["ResultPath"], cause)
            return str(rule["Next"])
        _put(execution.document, state["ResultPath"], result)
        return str(state["Next"])

    def _result(self, state: dict[str, Any], execution: Execution) -> Any:
        handler = self._handlers()[state["Parameters"]["FunctionName"]]
        rules = [rule for rule in state["Retry"] if _repeats_failures(rule)]
        attempts = 1 + max((rule["MaxAttempts"] for rule in rules), default=0)
        for attempt in range(1, attempts + 1):
            try:
                payload = self._fill(state["Parameters"]["Payload"], execution)
                answer = json.loads(json.dumps(handler(payload)))
                break
            except Exception:
                if attempt == attempts:
                    raise
                self.wait(rules[0]["IntervalSeconds"])
        if state["Resource"].endswith(".waitForTaskToken"):
            return self._answered(_at(execution.document, state["TimeoutSecondsPath"]))
        given = {"Payload": answer}
        selector = state["ResultSelector"]
        return {key.removesuffix(".$"): _at(given, path) for key, path in selector.items()}

    def _answered(self, timeout_seconds: float) -> Any:
        self.wait(1 if self.answer else timeout_seconds)
        if not self.answer:
            raise TimeoutError("States.Timeout")
        return self.answer

    def _fill(self, template: dict[str, Any], execution: Execution) -> dict[str, Any]:
        context = {
            "Execution": {"Name": execution.name, "Id": f"arn:execution:{execution.name}"},
            "StateMachine": {"Id": MACHINE_ARN},
            "Task": {"Token": "token-1"},
        }
        filled = {}
        for key, value in template.items():
            if key.endswith(".$"):
                root = context if value.startswith("$$") else execution.document
                filled[key.removesuffix(".$")] = _at(root, value.removeprefix("$"))
            else:
                filled[key] = value
        return dict(json.loads(json.dumps(filled)))

    def _handlers(self) -> dict[str, Callable[[dict[str, Any]], dict[str, Any]]]:
        fit = preflight.Ports(self.flags, self.alarms, self.aliases, self.candidate, self.clock)
        setting = set_exposure.Ports(self.flags, self.metrics, self.clock)
        confirming = confirm_exposure.Ports(
            self.flags, self.served, self.notifications, POLL_SECONDS, self.clock
        )
        weighing = evaluate.Ports(
            self.flags, self.metrics, self.alarms, self.notifications, self.clock
        )
        asking = ask_a_person.Ports(self.approvals, self.notifications, self.clock)
        scheduling = schedule_next.Ports(self.flags, self.schedules, self.clock)
        cleaning = cleanup.Ports(self.flags, self.served, self.schedules, self.wait)
        return {
            "${PreflightFunctionArn}": lambda event: preflight.preflight(event, fit),
            "${SetExposureFunctionArn}": lambda event: set_exposure.set_exposure(event, setting),
            "${ConfirmExposureFunctionArn}": lambda event: confirm_exposure.confirm_exposure(
                event, confirming
            ),
            "${EvaluateFunctionArn}": lambda event: evaluate.evaluate(event, weighing),
            "${AskAPersonFunctionArn}": lambda event: ask_a_person.ask_a_person(event, asking),
            "${ScheduleNextFunctionArn}": lambda event: schedule_next.schedule_next(
                event, scheduling
            ),
            "${CleanupFunctionArn}": lambda event: cleanup.cleanup(event, cleaning),
            "${RollBackFunctionArn}": lambda event: roll_back.answer(event, self.rollback_ports()),
            "${NotifyFunctionArn}": lambda event: notify.notify(event, self.notifications),
        }


def _repeats_failures(rule: dict[str, Any]) -> bool:
    return bool({"States.TaskFailed", "States.ALL"} & set(rule["ErrorEquals"]))


def _at(document: Any, path: str) -> Any:
    """What a JSONPath of plain names points at; nothing there is the interpreter's error."""
    found = document
    for name in path.split(".")[1:]:
        if not isinstance(found, dict) or name not in found:
            raise StepError(f"States.Runtime: nothing at {path}")
        found = found[name]
    return found


def _put(document: dict[str, Any], path: str, value: Any) -> None:
    document[path.removeprefix("$.")] = value


def _chosen(state: dict[str, Any], document: Any) -> str:
    for rule in state["Choices"]:
        if _at(document, rule["Variable"]) == rule["StringEquals"]:
            return str(rule["Next"])
    return str(state["Default"])
