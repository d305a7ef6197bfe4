"""Logs Insights queries, checked against the documented grammar and answered over log lines.

A query is read into its commands; what is not in the subset below is refused, and so is a field
that no line carries or that an earlier `stats` did not put out. Then the same query, as SQL, runs
over the lines in SQLite. The subset holds in the old grammar and in the one of 2026.
Source: CloudWatch Logs user guide, "CloudWatch Logs Insights language query syntax".
"""

import math
import re
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

COMMANDS: Final = ("filter", "fields", "stats", "sort", "limit")
AGGREGATES: Final = (
    *("count", "count_distinct", "sum", "avg", "min", "max", "pct", "earliest", "latest"),
)
FUNCTIONS: Final = (*AGGREGATES, "bin", "ispresent")
UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
# `bin` takes at most so many of each unit: 300s is quietly taken for 60s.
MOST: Final = {"s": 60, "m": 60, "h": 24, "d": 365}
TOKEN: Final = re.compile(
    r'\s*(?:(?P<text>"[^"]*")|(?P<span>\d+[smhd])\b|(?P<number>\d+(?:\.\d+)?)'
    r"|(?P<name>@?[A-Za-z_][A-Za-z0-9_.]*)|(?P<sign><=|>=|!=|[=<>*/+\-(),\[\]]))"
)
WORDS: Final = ("and", "or", "not", "in", "as", "by", "asc", "desc")


class QueryError(ValueError):
    """What is wrong with a query, and where."""


@dataclass(frozen=True)
class Token:
    """kind: text, span, number, name or sign."""

    kind: str
    text: str


@dataclass(frozen=True)
class Query:
    """SQL over the table `lines`, and the columns it gives."""

    sql: str
    columns: tuple[str, ...]


def tokens(text: str) -> list[Token]:
    """The words of one command. Raises QueryError at the first that is none."""
    found, place = [], 0
    while place < len(text.rstrip()):
        match = TOKEN.match(text, place)
        if not match or not match.lastgroup:
            raise QueryError(f"cannot read {text[place:]!r}")
        found.append(Token(match.lastgroup, match[match.lastgroup]))
        place = match.end()
    return found


def query(text: str, fields: Iterable[str]) -> Query:
    """The query over lines that carry `fields`. Raises QueryError naming command and word."""
    known = list(fields)
    where, select, group, order, limit = "", "", "", "", ""
    columns: tuple[str, ...] = ()
    for command in text.split("|"):
        head, _, rest = command.strip().partition(" ")
        if head not in COMMANDS:
            raise QueryError(f"{head!r} is no command of {', '.join(COMMANDS)}")
        words = tokens(rest)
        if head == "filter":
            where = f" WHERE {_sql(words, known)}"
        elif head == "fields":
            named = [word for word in words if word.text != ","]
            columns = tuple(word.text for word in named)
            select = ", ".join(_column(word, known) for word in named)
        elif head == "stats":
            select, group, columns = _stats(words, known)
            known = list(columns)  # afterwards only what it put out is there
        elif head == "sort":
            order = f" ORDER BY {_sql(words, known)}"
        else:
            limit = f" LIMIT {int(words[0].text)}"
    return Query(f"SELECT {select} FROM lines{where}{group}{order}{limit}", columns)


def _stats(words: Sequence[Token], known: Sequence[str]) -> tuple[str, str, tuple[str, ...]]:
    """(what is selected, how it is grouped, the columns)."""
    texts = [word.text for word in words]
    split = texts.index("by") if "by" in texts else len(words)
    values = [_named(item) for item in _items(words[:split])]
    keys = [_named(item) for item in _items(words[split + 1 :])]
    for expression, name in values:
        if not any(word.text in AGGREGATES for word in expression):
            raise QueryError(f"stats {name}: none of {', '.join(AGGREGATES)}")
    parts = [f'{_sql(expression, known)} AS "{name}"' for expression, name in (*keys, *values)]
    grouped = [f'"{name}"' for _, name in keys]
    group = f" GROUP BY {', '.join(grouped)}" if grouped else ""
    return ", ".join(parts), group, tuple(name for _, name in (*keys, *values))


def _items(words: Sequence[Token]) -> list[list[Token]]:
    """What commas outside of brackets separate."""
    items: list[list[Token]] = [[]]
    depth = 0
    for word in words:
        depth += (word.text in "([") - (word.text in ")]")
        if word.text == "," and not depth:
            items.append([])
        else:
            items[-1].append(word)
    return [item for item in items if item]


def _named(item: list[Token]) -> tuple[list[Token], str]:
    """An expression and its name; one that is not a field needs a name of its own."""
    if len(item) > 2 and item[-2].text == "as":
        return item[:-2], item[-1].text
    if len(item) == 1 and item[0].kind == "name":
        return item, item[0].text
    raise QueryError(f"{' '.join(word.text for word in item)}: give it a name with `as`")


def _sql(words: Sequence[Token], known: Sequence[str]) -> str:
    """An expression in SQL."""
    found = []
    for place, word in enumerate(words):
        following = words[place + 1].text if place + 1 < len(words) else ""
        if word.kind == "name" and word.text not in WORDS:
            if following == "(":
                if word.text not in FUNCTIONS:
                    raise QueryError(f"{word.text}() is no function of {', '.join(FUNCTIONS)}")
                found.append(word.text)
            else:
                found.append(_column(word, known))
        elif word.kind == "span":
            found.append(str(_seconds(word.text)))
        elif word.kind == "text":
            found.append("'" + word.text[1:-1].replace("'", "''") + "'")
        elif word.kind == "number":
            found.append(f"{float(word.text)}" if following == "*" else word.text)
        else:
            found.append({"[": "(", "]": ")"}.get(word.text, word.text))
    return " ".join(found)


def _column(word: Token, known: Sequence[str]) -> str:
    if word.text not in known:
        raise QueryError(f"no field {word.text!r} here; there are {', '.join(sorted(known))}")
    return f'"{word.text}"'


def _seconds(span: str) -> int:
    count, unit = int(span[:-1]), span[-1]
    if not 1 <= count <= MOST[unit]:
        raise QueryError(f"bin({span}): at most {MOST[unit]}{unit}; take a larger unit")
    return count * UNITS[unit]


class _Percentile:
    """pct(value, percent): the value at that rank, interpolated."""

    def __init__(self) -> None:
        self.values: list[float] = []
        self.percent = 0.0

    def step(self, value: float | None, percent: float) -> None:
        self.percent = percent
        if value is not None:
            self.values.append(value)

    def finalize(self) -> float | None:
        if not self.values:
            return None
        ordered = sorted(self.values)
        place = (len(ordered) - 1) * self.percent / 100
        low = math.floor(place)
        high = min(low + 1, len(ordered) - 1)
        return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def fields_of(lines: Iterable[dict[str, Any]]) -> set[str]:
    """Every field that some line carries with a value that can be counted or compared."""
    return {
        name
        for line in lines
        for name, value in line.items()
        if not isinstance(value, list | dict | None)
    }


def answer(text: str, lines: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the query gives over these lines; `@timestamp` is epoch seconds.

    Raises QueryError for a query that is none, or that asks for what no line carries.
    """
    fields = sorted(fields_of(lines))
    asked = query(text, fields)
    with sqlite3.connect(":memory:") as base:
        base.create_function("ispresent", 1, lambda value: int(value is not None))
        base.create_aggregate("pct", 2, _Percentile)  # type: ignore[arg-type]
        named = ", ".join(f'"{field}"' for field in fields)
        base.execute(f"CREATE TABLE lines ({named})")
        marks = ", ".join("?" * len(fields))
        rows = [tuple(line.get(field) for field in fields) for line in lines]
        base.executemany(f"INSERT INTO lines VALUES ({marks})", rows)
        return [dict(zip(asked.columns, row, strict=True)) for row in base.execute(_run(asked.sql))]


def _run(sql: str) -> str:
    """Insights' functions that SQLite names otherwise."""
    sql = re.sub(r"\bbin \( (\d+) \)", r'(CAST("@timestamp" / \1 AS INT) * \1)', sql)
    sql = re.sub(r"\bcount_distinct \(", "count ( DISTINCT", sql)
    return re.sub(r"\bearliest\b", "min", re.sub(r"\blatest\b", "max", sql))
