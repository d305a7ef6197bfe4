"""A view on a terminal: fits 80 columns, and says in words what it shows in colour."""

from collections.abc import Mapping
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ops.watching import words

View = Mapping[str, Any]
BAR: Final = 24
COLOURS: Final = {
    "COMPLETED": "green",
    "LAUNCHED": "green",
    "RAMPED": "green",
    "RUNNING": "cyan",
    "REFUSED": "yellow",
}


def screen(view: View) -> RenderableType:
    """Everything at a glance."""
    head = Table.grid(padding=(0, 2))
    head.add_column(style="bold", no_wrap=True)
    head.add_column(overflow="fold")
    for name, text in _head(view):
        head.add_row(name, text)
    parts: list[RenderableType] = [head]
    if view["guardrails"]:
        parts += [Text(""), _rails(view)]
    if view["log"]:
        parts += [Text(""), _log(view)]
    return Group(*parts)


def _head(view: View) -> list[tuple[str, Text]]:
    word = Text(view["word"], COLOURS.get(view["word"], "red"))
    if view["word"] != "RUNNING" and view["reason"]:
        word.append(f"  {view['reason']}", "default")
    found = [
        ("rollout", Text(f"{view['rollout']} on {view['stack']}")),
        ("outcome", word),
        ("phase", Text(words.phase(view))),
        ("served", Text(words.exposure(view))),
        ("time left", Text(words.left(view))),
        ("verdict", Text(view["sentence"])),
        ("otherwise", Text(view["otherwise"])),
        ("no counts", Text(view["unavailable"], "yellow")),
        ("next", Text(words.coming(view))),
        *(("asks", Text(line, "yellow")) for line in words.asks(view)),
    ]
    if view["against"] is not None:
        against = f"{view['against']:.3g} against it, {view['decides']:.3g} rolls back"
        found.insert(5, ("evidence", Text(against)))
    return [(name, text) for name, text in found if text.plain]


def _rails(view: View) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("guardrail", no_wrap=True)
    table.add_column("counts", justify="right", no_wrap=True)
    table.add_column("bounds, limit at |", no_wrap=True, width=BAR)
    table.add_column("at most", justify="right", no_wrap=True)
    table.add_column("limit", justify="right", no_wrap=True)
    table.add_column("to go", justify="right", no_wrap=True)
    for rail in view["guardrails"]:
        table.add_row(
            rail["metric"],
            f"{rail['events']}/{rail['requests']}",
            bar(rail),
            f"{rail['high']:.1%}",
            f"{rail['limit']:.1%}",
            str(rail["needed"] or "-"),
        )
    return table


def bar(rail: Mapping[str, Any], width: int = BAR) -> Text:
    """The bounds of the rate as a bar, from 0 to twice the limit, which is at the middle.

    `=` is where the rate may lie, `o` the rate as counted, `|` the limit, `>` beyond the scale.
    """
    top = 2 * rail["limit"] or 1.0
    cells = ["."] * width

    def place(rate: float) -> int:
        return min(width - 1, int(rate / top * width))

    for at in range(place(rail["low"]), place(rail["high"]) + 1):
        cells[at] = "="
    cells[width // 2] = "|"
    if rail["rate"] is not None:
        cells[place(rail["rate"])] = "o"
    if rail["high"] > top:
        cells[-1] = ">"
    colour = "red" if rail["low"] > rail["limit"] else "yellow" if rail["needed"] else "green"
    return Text("".join(cells), colour)


def _log(view: View) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for item in view["log"]:
        # Cut as a text: of two columns that may not wrap, both would be cut.
        text = Text(item["text"], no_wrap=True, overflow="ellipsis")
        table.add_row(words.moment(item["at"])[11:19], text)
    return table
