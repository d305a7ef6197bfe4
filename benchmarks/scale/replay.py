"""Many rollouts in one account: each replays what one did, and all share the quotas.

What a state calls, and how long a rollout waits between states, is the trace of the real handlers.
A refused call is tried again as botocore's standard mode does, a task that fails as the definition
says, and then the rollout rolls back. A call takes CALL_SECONDS; a task takes a second besides, a
look three.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from benchmarks.scale import quotas
from benchmarks.scale.account import Account, Waiting
from benchmarks.scale.machine import Visit
from ops.costs.usage import EVALUATING, NO_TASK
from ops.faults.machine import MACHINE, longest_wait, matching
from rollout.adapters.clients import ThrottledError

CALL_SECONDS: Final = 0.05
TASK_SECONDS, LOOK_SECONDS = 1.0, 3.0
# functions/rollout/adapters/clients.py; botocore waits a random part of 1, 2 and 4 seconds.
ATTEMPTS: Final = 4
# functions/rollout/adapters/schedules.py. How Scheduler waits is not documented: doubled each time.
SCHEDULER_ATTEMPTS: Final = 10
# No sandbox is left; a function's call was refused, after its client's own attempts.
NO_SANDBOX, REFUSED = "Lambda.TooManyRequestsException", ThrottledError.__name__
# What a look, or a confirmation, does without when it is refused: it holds, or looks again.
SPARED: Final[tuple[str, ...]] = ("cloudwatch:get_metric_data", "appconfigdata:")
# What a rollback only tells of.
TOLD: Final = ("cloudwatch:", "scheduler:", "ssm:")
# The first of these is entered when the exposure is served.
SOAKED: Final = ("Shadow Soak", "Bake")


@dataclass(frozen=True)
class Outcome:
    """refused: attempts by quota. served: how many came to be; late: seconds that the last of them
    was behind one rollout by itself. rolled_back, unconfirmed, not_started: how many otherwise.
    """

    stacks: int
    over_seconds: float
    refused: dict[str, int]
    served: int
    late: float
    rolled_back: int
    unconfirmed: int
    not_started: int

    @property
    def first(self) -> str:
        """The quota that refused most."""
        return max(self.refused, key=lambda name: self.refused[name]) if self.refused else ""


@dataclass
class Step:
    """One execution. visits: of the trace; back: what Roll Back calls; due: its second."""

    account: Account
    visits: Sequence[Visit]
    back: Visit
    due: float

    def run(self) -> Waiting:
        """From the schedule to the end of the trace, or to a rollback."""
        if not (yield from self._started()):
            self.account.ended["not started"] += 1
            return False
        served = False
        for visit, following in zip(self.visits, [*self.visits[1:], self.visits[-1]], strict=True):
            yield from self._entered()
            if visit.state not in NO_TASK and not (yield from self._task(visit)):
                yield from self._rolled_back()
                return False
            if visit.state in SOAKED and not served:
                served = True
                self._served(visit)
            yield following.at - visit.at
        self.account.ended["done"] += 1
        return True

    def _served(self, visit: Visit) -> None:
        planned = visit.at - self.visits[0].at
        self.account.ended["served"] += 1
        self.account.late = max(self.account.late, self.account.now - self.due - planned)

    def _started(self) -> Waiting:
        wait = 1.0
        for _ in range(SCHEDULER_ATTEMPTS + 1):
            now = self.account.now
            if self.account.firings.take(now) and self.account.starts.take(now):
                return True
            yield wait
            wait *= 2
        return False

    def _entered(self) -> Waiting:
        while not self.account.transitions.take(self.account.now):
            yield 0.1
        return True

    def _rolled_back(self) -> Waiting:
        yield from self._entered()
        done = yield from self._task(self.back)
        self.account.ended["rolled back" if done else "unconfirmed"] += 1
        return done

    def _task(self, visit: Visit) -> Waiting:
        """Whether it succeeded, with the retries of the definition."""
        rules = MACHINE["States"][visit.state]["Retry"]
        tried: Counter[int] = Counter()
        while True:
            account = self.account
            if account.busy >= quotas.SANDBOXES.default:
                account.lambda_refused += 1
                error = NO_SANDBOX
            else:
                account.busy += 1
                done = yield from self._invoked(visit)
                account.busy -= 1
                if done:
                    return True
                error = REFUSED
            wait = _again(rules, error, tried, account.draw)
            if wait is None:
                return False
            yield wait

    def _invoked(self, visit: Visit) -> Waiting:
        yield LOOK_SECONDS if visit.state in EVALUATING else TASK_SECONDS
        points = visit.points
        spared = (*SPARED, *TOLD) if visit.state == self.back.state else SPARED
        for call in visit.calls:
            yield CALL_SECONDS
            many = points if call == "cloudwatch:get_metric_data" else 0
            if not (yield from self._called(call, many)) and not call.startswith(spared):
                return False
        return True

    def _called(self, call: str, points: int) -> Waiting:
        bucket = self.account.calls.get(call)
        for attempt in range(ATTEMPTS):
            now = self.account.now
            if (bucket is None or bucket.take(now)) and (
                not points or self.account.points.take(now, points)
            ):
                return True
            if attempt + 1 < ATTEMPTS:
                yield float(self.account.draw.random()) * 2.0**attempt
        return False


def _again(
    rules: list[dict[str, Any]], error: str, tried: Counter[int], chance: np.random.Generator
) -> float | None:
    """Seconds until the next attempt, None when there is none."""
    number, rule = matching(rules, error)
    if rule is None or tried[number] >= rule["MaxAttempts"]:
        return None
    wait = longest_wait(rule, tried[number])
    tried[number] += 1
    return wait * float(chance.random()) if rule.get("JitterStrategy") == "FULL" else wait


def simulate(
    visits: Sequence[Visit], back: Visit, stacks: int, over_seconds: float, seed: int
) -> Outcome:
    """So many rollouts whose step is due within so many seconds."""
    alone = _run(visits, back, 1, 0.0, seed).late
    account = _run(visits, back, stacks, over_seconds, seed)
    ended = account.ended
    return Outcome(
        stacks,
        over_seconds,
        account.refused(),
        ended["served"],
        round(max(0.0, account.late - alone), 1),
        ended["rolled back"],
        ended["unconfirmed"],
        ended["not started"],
    )


def _run(
    visits: Sequence[Visit], back: Visit, stacks: int, over_seconds: float, seed: int
) -> Account:
    account = Account(seed)
    for due in np.sort(account.draw.uniform(0, over_seconds, stacks)).tolist():
        account.begin(due, Step(account, visits, back, due).run())
    account.run(over_seconds + visits[-1].at - visits[0].at + 4 * 3600)
    return account
