"""The ports, implemented once in memory. They keep the rules of the real ones."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rollout.adapters.flags import Deployed, Deployment, FlagConflictError
from rollout.adapters.metrics import MetricsUnavailableError
from rollout.adapters.request_log import RequestLog
from rollout.adapters.shadow import Shadow as Comparison
from rollout.domain.flag import CLOSED, Flag
from rollout.domain.minute import Row
from rollout.domain.notice import Notice
from rollout.domain.observation import Observation
from rollout.domain.question import Question
from rollout.domain.step import schedule_name

ROOT = Path(__file__).parents[1]
NOW = 1_800_000_000.0


def event(name: str) -> Any:
    """A sample input from events/."""
    return json.loads((ROOT / "events" / f"{name}.json").read_text(encoding="utf-8"))


@dataclass
class FakeFlags:
    """A control plane: versions in order, one deployment at a time, an optimistic lock.

    refusals: how many of the next deployments another writer spoils.
    """

    flag: Flag = CLOSED
    number: int = 1
    state: str = "COMPLETE"
    ended_by: str = ""
    refusals: int = 0
    undone: int = 0
    notes: list[str] = field(default_factory=list)
    urgent: list[bool] = field(default_factory=list)
    stopped: list[int] = field(default_factory=list)
    known: dict[int, Flag] = field(default_factory=dict)

    def current(self, *, ours: bool = False) -> Deployed:
        found = Deployed(self.flag, {"values": {}}, self.number, self.number, self.state)
        note = self.notes[-1] if self.notes else ""
        return replace(found, version=f"{self.number}", note=note)

    def deploy(self, before: Deployed, flag: Flag, note: str, *, urgent: bool) -> int:
        if self.refusals or before.latest_deployment != self.number or self.running():
            self.refusals = max(0, self.refusals - 1)
            raise FlagConflictError("another deployment of the flag is running")
        self.number += 1
        self.notes.append(note)
        self.urgent.append(urgent)
        if self.undone:
            self.undone, self.state = self.undone - 1, "ROLLED_BACK"
        else:
            self.flag, self.state = flag, "COMPLETE"
            self.known[self.number] = flag
        return self.number

    def edit(self, **changes: Any) -> None:
        """Somebody changes the flag by hand."""
        self.known.setdefault(self.number, self.flag)
        self.deploy(self.current(), replace(self.flag, **changes), "by hand", urgent=True)

    def deployment(self, number: int) -> Deployment:
        return Deployment(number, self.state, self.ended_by)

    def carried(self, number: int) -> Flag:
        return self.known.get(number, self.flag)

    def first_note(self, flag: Flag) -> str:
        note = ""
        for number in range(self.number, 1, -1):
            if self.known.get(number) != flag:
                break
            note = self.notes[number - self.number - 1]
        return note

    def running(self) -> Deployment | None:
        busy = self.state in ("DEPLOYING", "BAKING")
        return Deployment(self.number, self.state) if busy else None

    def stop(self, number: int) -> None:
        self.stopped.append(number)
        self.state = "ROLLED_BACK"


@dataclass
class FakeServed:
    """A data plane that serves what the control plane has, or something older for a while."""

    flags: FakeFlags
    old: list[Flag] = field(default_factory=list)

    def flag(self) -> Flag:
        return self.old.pop(0) if self.old else self.flags.flag


@dataclass
class FakeMetrics:
    """Rows of counts, or the reason why there are none."""

    known: list[Row] = field(default_factory=list)
    p95_ms: float | None = 20.0
    unavailable: str = ""

    def rows(
        self, start: float, end: float, period: int, tenants: Sequence[str] = ()
    ) -> tuple[list[Row], int]:
        self._answer()
        return [row for row in self.known if start <= row.at < end], period

    def control_p95_ms(self, start: float, end: float, period: int) -> float | None:
        self._answer()
        return self.p95_ms

    def _answer(self) -> None:
        if self.unavailable:
            raise MetricsUnavailableError(self.unavailable)


@dataclass
class FakeAlarms:
    """Alarms in the states given; silencing is recorded."""

    known: dict[str, str] = field(default_factory=lambda: {"error-rate": "OK"})
    silences: list[str] = field(default_factory=list)

    def states(self) -> dict[str, str]:
        return dict(self.known)

    def silence(self) -> None:
        self.silences.append("off")

    def restore(self) -> None:
        if self.silences[-1:] == ["off"]:
            self.silences.append("on")


@dataclass
class FakeSchedules:
    """One-time schedules by name; a second of the same name changes nothing."""

    pending: dict[str, tuple[float, str, dict[str, Any]]] = field(default_factory=dict)

    def create(self, name: str, at: float, machine_arn: str, document: dict[str, Any]) -> None:
        self.pending.setdefault(name, (at, machine_arn, document))

    def names(self, prefix: str) -> list[str]:
        return [name for name in self.pending if name.startswith(prefix)]

    def delete(self, prefix: str) -> list[str]:
        names = self.names(prefix)
        for name in names:
            del self.pending[name]
        return names


@dataclass
class FakeNotifications:
    """What people were told; `broken` raises instead."""

    broken: bool = False
    notices: list[Notice] = field(default_factory=list)
    sent: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)

    def send(self, notice: Notice, facts: dict[str, Any]) -> None:
        if self.broken:
            raise ConnectionError("no route to the topic")
        self.notices.append(notice)
        self.sent.append((notice.subject, notice.text(), facts))

    @property
    def events(self) -> list[str]:
        """The kind of each message, in order."""
        return [notice.event for notice in self.notices]


@dataclass
class FakeApprovals:
    """The pending question of each rollout, and all that were asked."""

    pending: dict[str, Question] = field(default_factory=dict)
    asked: list[Question] = field(default_factory=list)

    def keep(self, rollout_id: str, question: Question) -> None:
        self.pending[rollout_id] = question
        self.asked.append(question)

    def forget(self, rollout_id: str) -> None:
        self.pending.pop(rollout_id, None)


@dataclass
class FakeAliases:
    """The aliases that split traffic."""

    splitting: tuple[str, ...] = ()

    def weighted(self) -> tuple[str, ...]:
        return self.splitting


@dataclass
class FakeCandidate:
    """A candidate with these users, or with this failure."""

    users: dict[str, dict[str, Any]] = field(default_factory=dict)
    error: str = ""
    duration_ms: float = 5.0
    asked: list[str] = field(default_factory=list)

    def read(self, user_id: str) -> Observation:
        self.asked.append(user_id)
        if self.error:
            return Observation(None, self.error, self.duration_ms)
        return Observation(self.users.get(user_id), "", self.duration_ms)


@dataclass
class FakeTee:
    """Keeps what was sent; `failure` is answered instead."""

    failure: str = ""
    sent: list[Comparison] = field(default_factory=list)

    def send(self, shadow: Comparison) -> str:
        if not self.failure:
            self.sent.append(shadow)
        return self.failure


@dataclass
class FakeFlagSource:
    """The read path's flag."""

    value: Flag = CLOSED
    version: str = "v1"
    stale: int = 0

    def flag(self) -> Flag:
        return self.value


def scheduled(phase: str = "", rollout_id: str = "beta-1") -> str:
    """The name of the schedule of a ramp phase, or of the cleanup."""
    return schedule_name({"rollout_id": rollout_id, "phase": phase})


def request_log() -> RequestLog:
    """The real one: it only writes to standard output, which tests read back."""
    return RequestLog("Test/ReadPath", "read", 60, b"key")


def exposed(bps: int, **changes: Any) -> Flag:
    """A flag that rollout beta-1 holds, leased for an hour from NOW."""
    flag = Flag(
        enabled=True,
        candidate_bps=bps,
        shadow_bps=10_000,
        salt="salt-1",
        lease_until=int(NOW) + 3600,
        rollout_id="beta-1",
        phase="canary",
        control_slow_ms=20.0,
        candidate_slow_ms=500.0,
    )
    return replace(flag, **changes)
