"""What a record says of each state: how often it was visited, for how long, and what happened."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

RUNNING: Final = "RUNNING"
ROLLS_BACK: Final = ("Roll Back", "Rolled Back", "Control Not Confirmed")
ASKS: Final = "Ask a Person"


@dataclass
class Passing:
    """One state's visits: how many, seconds in all, whether one lasts now, whether one failed."""

    visits: int = 0
    seconds: float = 0.0
    running: bool = False
    failed: bool = False


@dataclass
class Passings:
    """states: by name. moves: (from, to) of every transition made."""

    states: dict[str, Passing] = field(default_factory=dict)
    moves: set[tuple[str, str]] = field(default_factory=set)

    @property
    def running(self) -> list[str]:
        """The states that an execution is in now."""
        return [name for name, state in self.states.items() if state.running]


def chosen(record: Mapping[str, Any], execution: str = "") -> Iterator[Mapping[str, Any]]:
    """The executions of a record, or the one of that name."""
    for item in record["executions"]:
        if execution in ("", item["name"]):
            yield item


def passings(record: Mapping[str, Any], execution: str = "") -> Passings:
    """What happened in every state, in one execution or in all."""
    found = Passings()
    for item in chosen(record, execution):
        before = ""
        for number, visit in enumerate(item["visits"]):
            name = visit["state"]
            state = found.states.setdefault(name, Passing())
            state.visits += 1
            state.seconds += seconds_of(visit, item, record["read_at"])
            state.failed = state.failed or bool(visit["failures"])
            state.running = state.running or lasts(item, number)
            if before:
                found.moves.add((before, name))
            before = name
    return found


def lasts(item: Mapping[str, Any], number: int) -> bool:
    """Whether that visit of an execution goes on."""
    last = number == len(item["visits"]) - 1
    return bool(last and item["status"] == RUNNING and item["visits"][number]["left_at"] is None)


def seconds_of(visit: Mapping[str, Any], item: Mapping[str, Any], now: float) -> float:
    """How long a visit lasted; one that was cut off lasted until its execution stopped."""
    left = visit["left_at"] or item["stopped_at"] or now
    return max(float(left - visit["entered_at"]), 0.0)
