"""Looks that go on from the look before, instead of beginning anew.

Evaluate keeps no memory: at every look it asks for all minutes of a rollout and feeds a new judge
with them. Over a week that is some six million minutes. Here what an earlier look has read, placed
and weighed is passed over; calls, points and answers are the same, and a test compares them.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from rollout.adapters.metrics import WANTED, CloudWatchMetrics, kept_period
from rollout.domain import verdict
from rollout.domain.judge import Judge
from rollout.domain.minute import Minute, Row, minutes_of
from rollout.domain.plan import Plan
from rollout.domain.promises import Promises
from rollout.domain.step import History
from rollout.handlers import evaluate


class Resumed(Judge):
    """Passes over the minutes that it knows; begins anew when they are others."""

    def __init__(self, promises: Promises) -> None:
        super().__init__(promises)
        self.known: list[Minute] = []
        self.position = 0

    def see(self, minute: Minute) -> None:
        """Take one minute in, unless it has been."""
        if self.position < len(self.known):
            if self.known[self.position] is minute:
                self.position += 1
                return
            before = self.known[: self.position]
            Resumed.__init__(self, self.promises)
            for one in before:
                self.see(one)
        super().see(minute)
        self.known.append(minute)
        self.position += 1


@dataclass
class Memory:
    """Of one rollout. spared: points of series that were known already."""

    key: tuple[float, int] = (0.0, 0)
    rows: list[Row] = field(default_factory=list)
    minutes: tuple[Minute, ...] = ()
    judge: Resumed | None = None
    spared: int = 0

    def read(
        self, metrics: CloudWatchMetrics, start: float, end: float, period: int
    ) -> tuple[list[Row], int]:
        """As CloudWatchMetrics.rows; only what follows the last known period is asked for."""
        key = start, kept_period(period, start, end)
        if self.key != key:
            self.key, self.rows, self.minutes = key, [], ()
        since = self.rows[-1].at + key[1] if self.rows else start
        self.spared += len(WANTED) * len(self.rows)
        more, _ = ROWS(metrics, since, end, key[1])
        self.rows += more
        return self.rows, key[1]

    def place(self, rows: Iterable[Row], history: History, plan: Plan) -> tuple[Minute, ...]:
        """As minutes_of; rows that an earlier look has placed stay where they are."""
        assert rows is self.rows
        # A row before the first exposure is in no minute, so minutes are counted from the end.
        new = list(reversed_until(self.rows, self.minutes))
        self.minutes += minutes_of(reversed(new), history, plan)
        return self.minutes

    def judging(self, promises: Promises) -> Judge:
        """The judge of the look before."""
        if self.judge is None:
            self.judge = Resumed(promises)
        assert not self.judge.accused, "an accusation counts with a judge of its own"
        self.judge.position = 0
        return self.judge


ROWS = CloudWatchMetrics.rows


def reversed_until(rows: Sequence[Row], minutes: Sequence[Minute]) -> Iterator[Row]:
    """The rows after the last minute, newest first."""
    last = minutes[-1].at if minutes else float("-inf")
    for row in reversed(rows):
        if row.at <= last:
            return
        yield row


@contextmanager
def resumed() -> Iterator[Memory]:
    """Looks go on from the look before. For one rollout in which nothing is accused."""
    memory = Memory()

    def rows(self: CloudWatchMetrics, *given: Any) -> tuple[list[Row], int]:
        start, end, period, *tenants = given
        assert not tenants or not tenants[0], "tenants are not remembered"
        return memory.read(self, start, end, period)

    patched: Any = [(CloudWatchMetrics, "rows", rows), (evaluate, "minutes_of", memory.place)]
    patched.append((verdict, "Judge", memory.judging))
    before = [(where, name, getattr(where, name)) for where, name, _ in patched]
    for where, name, value in patched:
        setattr(where, name, value)
    try:
        yield memory
    finally:
        for where, name, value in before:
            setattr(where, name, value)
