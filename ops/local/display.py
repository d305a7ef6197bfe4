"""What a person sees of a rehearsal: a live bar on a terminal, plain lines elsewhere."""

import time
from types import TracebackType
from typing import Any, Final, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from ops.local.story import Progress as Seen
from ops.tables import show_table

TOP_REASONS: Final = 3


class Display:
    """Shows on standard error, so that standard output stays for results."""

    def __init__(self) -> None:
        self.console = Console(stderr=True, highlight=False, soft_wrap=True)
        self.started = time.monotonic()
        self._bar: Progress | None = None
        self._tasks: dict[str, Any] = {}
        self._last: tuple[str, ...] = ()

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.fields[note]}"),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
                console=self.console,
            )
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar:
            self._bar.stop()

    def say(self, text: str) -> None:
        """One line with the seconds since the start."""
        self.console.print(f"{time.monotonic() - self.started:6.1f} s  {text}", markup=False)

    def show(self, seen: Seen) -> None:
        """The bar moves on a terminal; elsewhere a line whenever something has changed."""
        if self._bar:
            self._move(self._bar, seen)
        else:
            self._line(seen)

    def _move(self, bar: Progress, seen: Seen) -> None:
        if seen.story not in self._tasks:
            self._tasks[seen.story] = bar.add_task(seen.story, total=seen.phases, note="")
        note = (
            f"{seen.phase or '-'} · {seen.exposure_bps / 100:g} % · {seen.state or '-'} · "
            f"{seen.requests} requests · {seen.sentence.split(':')[0] or 'no verdict yet'}"
        )
        bar.update(self._tasks[seen.story], completed=seen.phases_done, note=note)

    def _line(self, seen: Seen) -> None:
        now = (seen.phase, str(seen.exposure_bps), seen.sentence)
        if now == self._last:
            return
        self._last = now
        self.say(
            f"{seen.story}: {seen.phase or 'preflight'}, {seen.exposure_bps / 100:g} % exposed, "
            f"{seen.requests} requests, {seen.sentence or seen.state}"
        )


def table(reports: list[dict[str, Any]]) -> None:
    """The stories side by side, on standard output."""
    shown = Table(box=None, padding=(0, 1, 0, 0))
    columns = {
        "story": "story",
        "outcome": "ended",
        "as_it_should": "as it\nshould",
        "executions": "execu-\ntions",
        "requests": "re-\nquests",
        "by_candidate": "by the\ncandidate",
        "user_errors": "user\nerrors",
        "max_exposure_bps": "at\nmost",
        "final_exposure_bps": "at the\nend",
        "wall_seconds": "sec-\nonds",
    }
    for key, heading in columns.items():
        words = key in ("story", "outcome", "as_it_should")
        shown.add_column(heading, justify="left" if words else "right", no_wrap=words)
    for report in reports:
        shown.add_row(*(_cell(key, report[key]) for key in columns))
    show_table(shown)
    console = Console(highlight=False)
    for report in reports:
        console.print(f"{report['story']}: {report['reason']}", markup=False, soft_wrap=True)
        for reason in report.get("mismatches", ())[:TOP_REASONS]:
            console.print(f"  {reason['sentence']}", markup=False, soft_wrap=True)


def _cell(key: str, value: Any) -> str:
    if key.endswith("_bps"):
        return f"{value / 100:g} %"
    if isinstance(value, bool):
        return "yes" if value else "NO"
    return str(value)
