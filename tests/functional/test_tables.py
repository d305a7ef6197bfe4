"""Tables: for people at a terminal, and lines for everything else."""

import re

import pytest
from rich.table import Table
from rich.text import Text

from ops.tables import show_entries, show_table

LONG = "errors 9 of 10 [30 %],\nand " + "more " * 40


def table() -> Table:
    found = Table("rollout", "why\nit ended", box=None)
    found.add_row("beta-1", Text(LONG))
    return found


def entries() -> None:
    rows = [("beta-1", "beta", LONG), ("beta-20", "beta", "")]
    show_entries(("rollout", "plan", "why"), rows, ("rollout",))


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")


def test_where_there_is_no_terminal_a_row_is_a_line_however_long(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show_table(table())
    cells = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert cells == [["rollout", "why it ended"], ["beta-1", " ".join(LONG.split())]]


def test_a_word_that_a_heading_breaks_is_whole_in_a_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show_table(Table("execu-\ntions", "by the\ncandidate"))
    assert capsys.readouterr().out == "executions\tby the candidate\n"


def test_an_entry_is_a_line_too_with_every_cell(capsys: pytest.CaptureFixture[str]) -> None:
    entries()
    cells = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert cells == [
        ["rollout", "plan", "why"],
        ["beta-1", "beta", " ".join(LONG.split())],
        ["beta-20", "beta", ""],
    ]


@pytest.mark.usefixtures("terminal")
def test_on_a_terminal_a_sentence_stands_beneath_its_entry(
    capsys: pytest.CaptureFixture[str],
) -> None:
    entries()
    first, *sentence, last = capsys.readouterr().out.splitlines()
    assert (first, last) == ("beta-1", "beta-20")
    assert all(line.startswith("  ") and len(line) <= 80 for line in sentence)
    assert " ".join(" ".join(sentence).split()) == " ".join(LONG.split())


@pytest.mark.usefixtures("terminal")
def test_on_a_terminal_a_table_is_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    show_table(table())
    out = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)
    assert "\t" not in out
    assert max(map(len, out.splitlines())) <= 80
