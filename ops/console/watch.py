"""What the page knows of a rollout: the last record that AWS gave, its age, and what went wrong."""

import asyncio
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from ops import holding, mismatching, refusals, rollouts
from ops.deployed import Stack
from ops.executions import executions
from ops.records.record import record as read_record
from rollout.adapters.clients import client

# The comparator's log is read this seldom: Logs charges by what it scans, and takes its time.
DIFFERENCES_SECONDS: Final = 15.0
# A page does not wait longer than this for AWS when there is something to show.
PATIENCE_SECONDS: Final = 2.0
FIRST_PATIENCE_SECONDS: Final = 20.0
# Errors of these packages are sentences for people.
OURS: Final = ("ops", "rollout")
HERE: Final = Path(__file__).parents[2] / "statemachines" / "playbook.asl.json"


@dataclass
class Seen:
    """What is known of one rollout.

    record: None until it was read once. version: rises with each change. error: why the last
    reading failed, "" when it did not; failed_at: epoch second. missing: no such rollout.
    """

    record: dict[str, Any] | None = None
    definition: dict[str, Any] = field(default_factory=dict)
    differences: dict[str, Any] = field(default_factory=dict)
    differences_error: str = ""
    version: int = 0
    error: str = ""
    failed_at: float = 0.0
    missing: bool = False

    @property
    def age_seconds(self) -> float:
        """How old the record is."""
        return max(time.time() - self.record["read_at"], 0.0) if self.record else 0.0


@dataclass
class Source:
    """Where records come from: AWS, as `ops` reads it. known: what need not be asked twice."""

    stack: Stack
    known: dict[str, Any] = field(default_factory=dict)

    def record(self, rollout_id: str) -> dict[str, Any]:
        """As `ops.records`, and "held": {} or {"until", "reason"}. Raises RolloutError for a
        rollout nobody knows.
        """
        found = read_record(self.stack, rollout_id, self.known)
        held = holding.shown(self.stack) if found["ended_at"] is None else {}
        return {**found, "held": held}

    def definition(self) -> dict[str, Any]:
        """The deployed machine's; the file's of this checkout for those who may not ask."""
        try:
            api = client("stepfunctions")
            answer = api.describe_state_machine(stateMachineArn=self.stack.machine_arn)
        except ClientError:
            if not HERE.exists():
                raise
            return dict(json.loads(HERE.read_text(encoding="utf-8")))
        return dict(json.loads(answer["definition"]))

    def differences(self, rollout_id: str) -> dict[str, Any]:
        """In which fields answers differ, as `ops.mismatching`."""
        return mismatching.mismatches(self.stack, rollout_id)

    def rollouts(self) -> list[str]:
        """Ids of the rollouts that are known, newest first."""
        listed = executions(self.stack, "", self.known)
        return list(dict.fromkeys(item["rollout"] for item in listed))


class Watch:
    """One rollout, read again when somebody looks and the last reading is old enough.

    rollout_id "" is the one that holds the flag, or the last.
    """

    def __init__(self, source: Source, rollout_id: str, every_seconds: float) -> None:
        self.source, self.rollout_id, self.every_seconds = source, rollout_id, every_seconds
        self.seen = Seen()
        self._reading: asyncio.Task[None] | None = None
        self._read_at = self._differences_at = float("-inf")

    async def look(self) -> Seen:
        """The newest there is; an older state when AWS takes longer than a page should wait."""
        await self._wait(PATIENCE_SECONDS if self.seen.record else FIRST_PATIENCE_SECONDS)
        return self.seen

    async def again(self) -> Seen:
        """As `look`, after whatever is known now has been forgotten: somebody has acted."""
        self._read_at = float("-inf")
        return await self.look()

    async def _wait(self, seconds: float) -> None:
        if self._reading is None or self._reading.done():
            if time.monotonic() - self._read_at < self.every_seconds:
                return
            self._reading = asyncio.create_task(self._read())
        await asyncio.wait({self._reading}, timeout=seconds)

    async def _read(self) -> None:
        found = await asyncio.to_thread(self._gather)
        self._read_at = time.monotonic()
        before = self.seen
        found.version = before.version + (_told(found) != _told(before))
        self.seen = found

    def _gather(self) -> Seen:
        """One reading; what fails leaves the last good part in its place, and says so."""
        last = self.seen
        found = Seen(last.record, last.definition, last.differences, last.differences_error)
        try:
            newest = self.source.record(self.rollout_id)
            if _unknown_states(newest, found.definition):
                found.definition = self.source.definition()
            found.record = newest
        except rollouts.RolloutError as error:
            found.missing, found.error = last.record is None, str(error)
        except Exception as error:  # whatever it is, the page shows it beside the last state
            found.error = explained(error)
        if found.error:
            found.failed_at = time.time()
        if found.record and time.monotonic() - self._differences_at > DIFFERENCES_SECONDS:
            self._differences_at = time.monotonic()
            self._compare(found, found.record["rollout"])
        return found

    def _compare(self, found: Seen, rollout_id: str) -> None:
        try:
            found.differences = self.source.differences(rollout_id)
            found.differences_error = ""
        except Exception as error:
            found.differences_error = explained(error)


def _unknown_states(record: dict[str, Any], definition: dict[str, Any]) -> bool:
    """Whether the machine has to be read (again): another one was deployed since."""
    states = definition.get("States", {})
    return not states or any(
        visit["state"] not in states for item in record["executions"] for visit in item["visits"]
    )


def _told(seen: Seen) -> tuple[Any, ...]:
    """What a change of is told to the page; the clock alone is no change."""
    known = {key: value for key, value in (seen.record or {}).items() if key != "read_at"}
    return (
        json.dumps(known, sort_keys=True, default=str),
        json.dumps(seen.differences.get("reasons", []), default=str),
        *(seen.error, seen.missing, seen.differences_error),
    )


def explained(error: Exception) -> str:
    """What went wrong, in one line."""
    if isinstance(error, ClientError):
        return refusals.refused(error)
    if isinstance(error, BotoCoreError):
        return refusals.not_asked(error)
    if type(error).__module__.split(".")[0] in OURS:
        return str(error)
    return f"{type(error).__name__}: {error}"
