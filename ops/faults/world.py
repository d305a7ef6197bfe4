"""One account with its executions, schedules, guard and users, on a clock that only waits move."""

import copy
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from ops.faults import functions, wire
from ops.faults.agenda import Agenda
from ops.faults.faults import AbortedError
from ops.faults.happenings import happens
from ops.faults.machine import Execution, TaskError, Waiting
from ops.faults.services import Account
from ops.faults.strikes import Strikes
from ops.faults.users import Users
from rollout.handlers import roll_back

GUARD: Final = "Guard"
WATCHDOG: Final = "Watchdog"
# Lambda tries an event twice more, after one minute and after two.
GUARD_ATTEMPTS: Final = 3
DELIVERY_SECONDS: Final = 1.0
REDRIVE_SECONDS: Final = 600.0


@dataclass(eq=False)
class Turn:
    """An execution's next turn; once another is made, this one does not come."""

    steps: Waiting


@dataclass
class World:
    """Everything that happens.

    schedules_fire, fire_twice, late_by: whether the steps that are scheduled start, and how.
    redriven: the next execution that ends badly is redriven. says: what a person answers.
    orphaned: nobody is left to act: no event reaches the guard, and the watchdog does not look.
    meanwhile: what happens, once, when a state of that name is entered.
    ended: executions in the order in which they ended. guarded: what the guard answered; letters:
    the events that it gave up.
    """

    account: Account = field(default_factory=Account)
    certified: dict[str, int] = field(default_factory=dict)
    schedules_fire: bool = False
    fire_twice: bool = False
    late_by: float = 0.0
    redriven: bool = False
    says: dict[str, Any] | None = None
    orphaned: bool = False
    meanwhile: dict[str, Callable[[], object]] = field(default_factory=dict)
    executions: list[Execution] = field(default_factory=list)
    ended: list[Execution] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)
    guarded: list[dict[str, Any]] = field(default_factory=list)
    letters: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = self.account.clock
        self.strikes = Strikes(self.account)
        wire.connect(self.strikes.call)
        self.users = Users(self.clock, self.certified)
        self.agenda = Agenda(self.clock, self.read)
        self.running: dict[str, Turn] = {}
        self.planned: set[tuple[str, float]] = set()
        self.functions = functions.functions(self.clock, self.sleep)
        self.guard = functions.guarding(self.clock, self.sleep)
        self.watchdog = functions.watching(self.clock, self.sleep)
        self.read()

    def copy(self) -> "World":
        """The same account later on, and how executions have ended so far."""
        account, certified = copy.deepcopy(self.account), dict(self.certified)
        return World(account, certified, ended=list(self.ended))

    def sleep(self, seconds: float) -> None:
        """A function pauses."""
        self.clock.now += seconds
        self.read()

    def read(self) -> None:
        """Users read; no fault that strikes a function strikes them."""
        self.strikes.where, before = "", self.strikes.where
        self.users.read()
        self.strikes.where = before

    # Executions

    def start(self, name: str, document: dict[str, Any]) -> Execution:
        """Start an execution of the playbook."""
        execution = Execution(name, document, self)
        self.executions.append(execution)
        self._go(execution, execution.run())
        return execution

    def redrive(self, execution: Execution) -> None:
        """Start it again from the state in which it ended."""
        if execution.status in ("FAILED", "ABORTED"):
            self._go(execution, execution.run(execution.path[-1]))

    def stop(self, execution: Execution, status: str = "ABORTED") -> None:
        """A person or a quota ends it from outside."""
        if self.running.pop(execution.name, None):
            execution.status = status
            self._ended(execution)

    def _go(self, execution: Execution, steps: Waiting) -> None:
        execution.status = "RUNNING"
        self._wait(execution, steps, 0)

    def _wait(self, execution: Execution, steps: Waiting, seconds: float) -> None:
        turn = self.running[execution.name] = Turn(steps)
        self.agenda.at(self.clock() + seconds, lambda: self._resume(execution, turn))

    def _resume(self, execution: Execution, turn: Turn) -> None:
        if self.running.get(execution.name) is not turn:
            return  # it was stopped meanwhile, or has gone on because of an answer
        try:
            wait = next(turn.steps)
        except StopIteration:
            del self.running[execution.name]
            self._ended(execution)
        except AbortedError as ending:
            self.stop(execution, ending.status)
        else:
            self._wait(execution, turn.steps, wait)

    def _ended(self, execution: Execution) -> None:
        self.ended.append(execution)
        self.watch_schedules()
        if execution.status == "SUCCEEDED":
            return
        self.deliver(ended_badly(execution))
        if self.redriven:
            self.redriven = False
            self.agenda.at(self.clock() + REDRIVE_SECONDS, lambda: self.redrive(execution))

    def watch_schedules(self) -> None:
        """Put what is scheduled on the agenda, if schedules fire."""
        for name, (when, document) in self.account.scheduler.pending.items():
            if self.schedules_fire and (name, when) not in self.planned:
                self.planned.add((name, when))
                for number in range(2 if self.fire_twice else 1):
                    event = self._firing(name, number, document)
                    self.agenda.at(max(self.clock(), when + self.late_by), event)

    def _firing(self, name: str, number: int, document: dict[str, Any]) -> Callable[[], None]:
        def fire() -> None:
            # A second firing does not know that the first has deleted the schedule.
            if self.account.scheduler.pending.pop(name, None) or number:
                self.start(f"{name}-{number}", json.loads(json.dumps(document)))

        return fire

    # What an execution meets

    def entered(self, execution: Execution) -> None:
        """Faults that come with a state, and what else happens."""
        self.meanwhile.pop(execution.path[-1], lambda: None)()
        for fault in self.strikes.faults:
            fits = fault.on_entry and fault.state == execution.path[-1]
            if fits and not self.strikes.struck[fault]:
                self.strikes.struck[fault] += 1
                happens(fault, self, execution)

    def invoke(self, function: str, payload: Any, execution: Execution) -> Any:
        """Step Functions invokes a function."""
        handler, state = self.functions[function], execution.path[-1]
        answer = self.strikes.invoke(state, lambda: self._weighed(handler(payload), execution))
        if state == "Ask a Person" and self.says:
            self.answer(execution, self.says)
        return answer

    def _weighed(self, answer: dict[str, Any], execution: Execution) -> dict[str, Any]:
        # As the function says it, whatever then becomes of its answer.
        if answer.get("word") == "PROMOTE":
            self.users.certify(execution.given["rollout_id"], answer["phase"])
        return answer

    def answer(self, execution: Execution, word: dict[str, Any]) -> None:
        """A person answers the question that the execution waits on."""
        self.answers[execution.token] = word
        if word["word"] == "APPROVED":
            phase = execution.document["verdict"]["phase"]
            self.users.certify(execution.given["rollout_id"], phase)
        turn = self.running.get(execution.name)
        if turn:
            self._wait(execution, turn.steps, 1)

    # The guard and the operator

    def deliver(self, event: dict[str, Any], attempt: int = 1) -> None:
        """EventBridge invokes the guard; Lambda repeats what fails."""
        if self.orphaned:
            return
        wait = DELIVERY_SECONDS if attempt == 1 else 60.0 * (attempt - 1)
        self.agenda.at(self.clock() + wait, lambda: self._guard(event, attempt))

    def _guard(self, event: dict[str, Any], attempt: int) -> None:
        try:
            self.guarded.append(self.strikes.invoke(GUARD, lambda: self.guard(event)))
        except TaskError as error:
            if attempt < GUARD_ATTEMPTS:
                self.deliver(event, attempt + 1)
            else:
                self.letters.append({**event, "error": error.name, "cause": error.cause})

    def watch(self) -> None:
        """The watchdog looks; when that fails it looks again at its next turn."""
        if self.orphaned:
            return
        running = {e.name: e.given for e in self.executions if e.name in self.running}
        self.account.stepfunctions.running = running
        with suppress(TaskError):
            self.guarded.append(self.strikes.invoke(WATCHDOG, self.watchdog))

    def ring(self) -> None:
        """The alarm goes to ALARM: AppConfig's monitor and the guard hear it."""
        self.account.cloudwatch.ringing = True
        running = self.account.appconfig.running()
        if running and self.account.cloudwatch.actions_enabled:
            self.account.appconfig.end(running, "CLOUDWATCH_ALARM")
        detail = {"alarmName": "error-rate", "state": {"value": "ALARM"}}
        self.deliver({"source": "aws.cloudwatch", "detail": detail})

    def roll_back(self, rollout_id: str = "", why: str = "a person") -> dict[str, Any]:
        """The operator's command, without the stopping of executions."""
        ports = functions.rolling_back(self.clock, self.sleep)
        return roll_back.roll_back(rollout_id, why, ports)


def ended_badly(execution: Execution) -> dict[str, Any]:
    """The event of an execution that failed or was aborted."""
    detail = {
        "name": execution.name,
        "status": execution.status,
        "input": json.dumps(execution.given),
        "error": execution.error,
        "cause": execution.cause,
    }
    return {"source": "aws.states", "detail": detail}
