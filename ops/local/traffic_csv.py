"""Reading counts from CSV, and saying exactly what is wrong with a file that has none."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from rollout.domain.errors import InvalidInputError

TIMESTAMP: Final = "timestamp"
VALUE: Final = "value"
WHOLE_NUMBER: Final = re.compile(r"\d{1,12}(\.0*)?", re.ASCII)
REMEDY: Final = "The first line must read timestamp,value; each further line is one interval."


@dataclass(frozen=True)
class Row:
    """One recorded interval: its start in epoch seconds, and its count."""

    time_s: float
    requests: int


def read_rows(path: Path) -> list[Row]:
    """All rows, at least two, their times strictly rising.

    Raises InvalidInputError naming file, line, column and value.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(_rows(path, csv.DictReader(file)))
    except InvalidInputError:
        raise
    except OSError as error:
        raise _error(str(path), error.strerror, "a readable CSV file") from None
    except UnicodeDecodeError:
        raise _error(str(path), "not UTF-8", "a CSV file in UTF-8") from None
    except csv.Error as error:
        raise _error(str(path), str(error), "a CSV file") from None
    except ValueError:  # no file can have such a name
        raise _error(str(path), "no name of a file", "a readable CSV file") from None
    if len(rows) < 2:
        found = "one row" if rows else "no rows"
        raise _error(str(path), found, "at least two rows, so that their spacing is known")
    return rows


def _rows(path: Path, reader: "csv.DictReader[str]") -> Iterator[Row]:
    names = [name.strip() for name in reader.fieldnames or ()]
    for column in (TIMESTAMP, VALUE):
        if column not in names:
            found = ",".join(names) if names else "an empty file"
            raise _error(f"{path}, line 1", found, f"a column {column}")
    reader.fieldnames = names
    last = ""
    last_s = float("-inf")
    for record in reader:
        place = f"{path}, line {reader.line_num}, column"
        time_s = _time(f"{place} {TIMESTAMP}", record[TIMESTAMP])
        if time_s <= last_s:
            raise _error(f"{place} {TIMESTAMP}", record[TIMESTAMP], f"a time after {last}")
        last, last_s = record[TIMESTAMP], time_s
        yield Row(time_s, _requests(f"{place} {VALUE}", record[VALUE]))


def _time(field: str, text: str | None) -> float:
    """Epoch seconds of an ISO 8601 time, UTC when it names no zone."""
    try:
        time = datetime.fromisoformat((text or "").strip())
    except ValueError:
        raise _error(field, text, "a time such as 2024-04-10 00:05:00") from None
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


def _requests(field: str, text: str | None) -> int:
    """A count, which may be written as 94.0."""
    stripped = (text or "").strip()
    if not WHOLE_NUMBER.fullmatch(stripped):
        raise _error(field, text, "a whole number of requests, 0 or more, such as 94 or 94.0")
    return int(stripped.partition(".")[0])


def _error(field: str, value: object, expected: str) -> InvalidInputError:
    return InvalidInputError(field=field, value=value, expected=expected, remedy=REMEDY)
