"""Following a rollout to its end: a screen, plain lines, or JSON lines."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import click
from rich.console import Console
from rich.live import Live

from ops.watching import words
from ops.watching.screen import screen
from ops.watching.view import view

Read = Callable[[], dict[str, Any]]
GOOD: Final = ("COMPLETED", "LAUNCHED", "RAMPED", "RUNNING")
# A schedule that has just fired is gone, and its execution may not be listed yet.
BETWEEN: Final = ("LAUNCHED", "RAMPED")
BETWEEN_SECONDS: Final = 30.0
# What is no change worth a line: clocks, counts and what is computed from them.
MOVING: Final = ("at", "bake", "guardrails", "against", "otherwise", "log", "lease_until")


@dataclass
class Follower:
    """Reads until the rollout has ended.

    every: seconds between two looks. until_launched: the launch's own end is enough.
    """

    read: Read
    every: float
    until_launched: bool = False
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    _ended: float | None = field(default=None, init=False)

    def looks(self) -> Iterator[dict[str, Any]]:
        """Views, one after the other; the last one is of a rollout that has ended."""
        while True:
            began = self.clock()
            record = self.read()
            yield view(record)
            if self._over(record):
                return
            # A week of minutes takes a while to be judged: rest at least as long.
            took = self.clock() - began
            self.sleep(max(self.every - took, took))

    def _over(self, record: dict[str, Any]) -> bool:
        if self.until_launched and _launched(record):
            return True
        if record["ended_at"] is None:
            self._ended = None
            return False
        if record["outcome"]["word"] not in BETWEEN:
            return True
        self._ended = self._ended if self._ended is not None else self.clock()
        return self.clock() - self._ended >= BETWEEN_SECONDS


def _launched(record: dict[str, Any]) -> bool:
    return record["executions"][0]["status"] not in ("", "RUNNING")


def code(shown: dict[str, Any]) -> int:
    """0 when it completed, launched or still goes on; 1 when it ended in any other way."""
    return 0 if shown["word"] in GOOD else 1


def on_terminal(looks: Iterator[dict[str, Any]], console: Console) -> dict[str, Any]:
    """A screen that is drawn again at each look, and stays at the end. Returns the last view."""
    last: dict[str, Any] = {}
    with Live(console=console, auto_refresh=False, vertical_overflow="visible") as live:
        for shown in looks:
            live.update(screen(shown), refresh=True)
            last = shown
    return last


def as_screens(looks: Iterator[dict[str, Any]], console: Console) -> dict[str, Any]:
    """The screen, once for each look, without drawing over. Returns the last view."""
    last: dict[str, Any] = {}
    for shown in looks:
        console.print(screen(shown))
        last = shown
    return last


def as_lines(looks: Iterator[dict[str, Any]]) -> dict[str, Any]:
    """One plain line for each thing that has happened. Returns the last view."""
    last: dict[str, Any] = {}
    told: set[tuple[float, str]] = set()
    for shown in looks:
        for item in shown["log"]:
            known = (item["at"], item["text"])
            if known not in told:
                click.echo(f"{words.moment(item['at'])} {shown['rollout']} {item['text']}")
                told.add(known)
        if _still(shown) != _still(last):
            click.echo(f"{words.moment(shown['at'])} {shown['rollout']} {_now(shown)}")
        last = shown
    return last


def _still(shown: dict[str, Any]) -> tuple[Any, ...]:
    if not shown:
        return ()
    step = shown["scheduled"][0]["name"] if shown["scheduled"] else ""
    return shown["word"], shown["phase"], step, bool(shown["question"])


def _now(shown: dict[str, Any]) -> str:
    parts = [f"{shown['word']}: {words.phase(shown)}", words.exposure(shown), words.left(shown)]
    next_step = words.coming(shown)
    parts += [f"next {next_step}" if next_step else "", *words.asks(shown)]
    return "; ".join(part for part in parts if part)


def as_json(looks: Iterator[dict[str, Any]]) -> dict[str, Any]:
    """One JSON line whenever more has changed than clocks and counts. Returns the last view."""
    last: dict[str, Any] = {}
    before = ""
    for shown in looks:
        now = json.dumps({key: shown[key] for key in shown if key not in MOVING})
        if now != before:
            click.echo(json.dumps(shown))
        before, last = now, shown
    return last
