"""One whole rollout through the real handlers and the real definition, and everything it did.

The account is the one in memory of `make faults`, with the template's times: AppConfig bakes five
minutes, readers poll every 45 s. The clock is moved by waits alone.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from benchmarks.scale.counted import Counted
from benchmarks.scale.resumed import Memory, resumed
from benchmarks.scale.traffic import DAY, LAUNCH_AT, PLANS, Level
from ops.costs.usage import EVALUATING, EXPOSING, NO_TASK, Deployment, Usage
from ops.faults.functions import POLL_SECONDS
from ops.faults.machine import Execution
from ops.faults.services import Account
from ops.faults.world import World

ROLLOUT: Final = "scale-1"
# 2027-01-15, a day like any other.
MIDNIGHT: Final = 1_800_000_000 // DAY * DAY
HERE: Final = Deployment(poll_seconds=POLL_SECONDS)


class Nobody:
    """No readers: they are simulated by themselves."""

    problems: tuple[str, ...] = ()

    def read(self) -> None: ...
    def certify(self, _rollout: str, _phase: str) -> None: ...


@dataclass
class Visit:
    """One state entered: when, in seconds after the launch, and the calls made in it."""

    execution: int
    state: str
    at: float
    calls: list[str] = field(default_factory=list)
    points: int = 0


@dataclass
class Trace:
    """A rollout that was driven. words: how its executions ended."""

    level: str
    visits: list[Visit]
    words: list[str]
    seconds: float
    queries: int
    messages: int
    received: int

    @property
    def calls(self) -> Counter[str]:
        """How often each action of a service was called."""
        return Counter(call for visit in self.visits for call in visit.calls)

    @property
    def used(self) -> Usage:
        """The same as ops/costs would count it; reads are not counted here."""
        states = [visit.state for visit in self.visits]
        return Usage(
            executions=len(self.words),
            states=len(states),
            tasks=sum(state not in NO_TASK for state in states),
            evaluations=sum(state in EVALUATING for state in states),
            metrics_asked=self.queries,
            exposures=sum(state in EXPOSING for state in states),
            received=self.received,
            messages=self.messages,
        )


class Driven(World):
    """A world that notes every state, and every call of a function, and has no readers."""

    def __init__(self, level: Level, seed: int, memory: Memory) -> None:
        account = Account()
        account.clock.now = float(MIDNIGHT + LAUNCH_AT)
        account.appconfig.bake_seconds = 60.0 * HERE.bake_minutes
        self.counted = Counted(account.appconfig, level=level, seed=seed)
        account.cloudwatch = self.counted
        self.memory = memory
        self.visits: list[Visit] = []
        self.launched_at = account.clock.now
        super().__init__(account, schedules_fire=True)
        self.users = Nobody()  # type: ignore[assignment]
        self._known = 0
        self._answer, account.answer = account.answer, self._noted  # type: ignore[method-assign]

    def entered(self, execution: Execution) -> None:
        """Note the state."""
        number = self.executions.index(execution)
        after = self.clock() - self.launched_at
        self.visits.append(Visit(number, execution.path[-1], after))
        super().entered(execution)

    def _noted(self, service: str, operation: str, given: dict[str, Any]) -> dict[str, Any]:
        answer = self._answer(service, operation, given)
        if self.strikes.where:
            # Executions do not overlap in one rollout, so the last state entered is who calls.
            self.visits[-1].calls.append(f"{service}:{operation}")
            self.visits[-1].points += self._points() - self._known
            self._known = self._points()
        return answer

    def _points(self) -> int:
        return self.counted.points + self.memory.spared


def drive(level: Level, seed: int, *, document: dict[str, Any] | None = None) -> Trace:
    """Launch at nine in the morning, and go on until nothing is due."""
    plan = document or _document(level)
    with resumed() as memory:
        world = Driven(level, seed, memory)
        world.start(ROLLOUT, {"action": "launch", "rollout_id": ROLLOUT, "plan": plan})
        world.agenda.settle()
    return Trace(
        level.name,
        world.visits,
        [execution.word for execution in world.executions],
        world.clock() - world.launched_at,
        world.counted.queries,
        len(world.account.sns.told),
        _received(world.visits),
    )


def rollback(level: Level, seed: int) -> Visit:
    """What Roll Back calls, a while after the launch."""
    with resumed() as memory:
        world = Driven(level, seed, memory)
        document = {"action": "launch", "rollout_id": ROLLOUT, "plan": _document(level)}
        world.start(ROLLOUT, document)
        world.agenda.advance(world.clock() + 3 * 600)
        world.visits.append(Visit(0, "Roll Back", world.clock() - world.launched_at))
        world.strikes.invoke("Roll Back", lambda: world.roll_back(ROLLOUT))
    return world.visits[-1]


def _received(visits: list[Visit]) -> int:
    """Documents: each session is new, so that its first answer is one."""
    return sum(visit.calls.count("appconfigdata:get_latest_configuration") for visit in visits)


def _document(level: Level) -> dict[str, Any]:
    text = (PLANS / f"{level.plan_name}.json").read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    return document
