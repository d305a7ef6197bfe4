"""Tables: drawn for people at a terminal, stable lines for everything else."""

from collections.abc import Iterable, Sequence
from typing import Any

import click
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

BETWEEN = "  "


def show_table(table: Table) -> None:
    """On a terminal the table; elsewhere a line for its headings and one for each row.

    The cells of a line are parted by tabs and never wrapped, so that `cut` and `awk` can read them
    however long they are.
    """
    console = Console(highlight=False)
    if console.is_terminal:
        console.print(table)
    else:
        rows = zip(*(column.cells for column in table.columns), strict=True)
        _lines([[column.header for column in table.columns], *rows])


def show_entries(
    headings: Sequence[str], rows: Sequence[Sequence[str]], shown: Sequence[str]
) -> None:
    """Rows whose last cell is a sentence, which no column of a terminal has room for.

    On a terminal the cells under the headings in `shown`, and the sentence beneath them; elsewhere
    all of it as `show_table` does.
    """
    console = Console(highlight=False)
    if not console.is_terminal:
        _lines([headings, *rows])
        return
    places = [headings.index(heading) for heading in shown]
    widths = [max((len(row[place]) for row in rows), default=0) for place in places]
    for row in rows:
        cells = (row[place].ljust(width) for place, width in zip(places, widths, strict=True))
        console.print(BETWEEN.join(cells).rstrip(), markup=False, soft_wrap=True)
        if row[-1]:
            console.print(Padding(Text(row[-1]), (0, 0, 0, len(BETWEEN))))


def _lines(rows: Iterable[Sequence[Any]]) -> None:
    for row in rows:
        click.echo("\t".join(_plain(cell) for cell in row))


def _plain(cell: Any) -> str:
    """A cell in one line, as text; a word that a heading breaks is whole again."""
    text = cell if isinstance(cell, str) else cell.plain
    return " ".join(text.replace("-\n", "").split())
