"""PostgreSQL's values as JSON, whatever the type of a column: a value must not fail a read."""

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from pg8000 import converters

DEEPEST: Final = 100
LONGEST: Final = 1_000_000


MOMENTS: Final = frozenset(
    (
        *(converters.DATE, converters.DATE_ARRAY, converters.TIMESTAMP),
        *(converters.TIMESTAMP_ARRAY, converters.TIMESTAMPTZ, converters.TIMESTAMPTZ_ARRAY),
    )
)


def reads_anything(connection: Any) -> Any:
    """The connection, which now gives the server's text for a value that the driver cannot read.

    pg8000 1.31.6 raises for 24:00, for arrays that do not begin at 1, for JSON that is deep or has
    numbers of thousands of digits, and takes some moments before Christ for moments after.
    """
    for oid, read in converters.PG_TYPES.items():
        connection.register_in_adapter(oid, _lenient(read, oid in MOMENTS))
    return connection


def _lenient(read: Callable[[str], Any], moments: bool) -> Callable[[str], Any]:
    def lenient(text: str) -> Any:
        if moments and " BC" in text:
            return text
        try:
            return read(text)
        except Exception:  # whatever it is: the text is right as well
            return text

    return lenient


def json_like(value: Any, depth: int = 0) -> Any:
    """The value as JSON has it.

    Numbers of arbitrary precision are text, so is what JSON has no number for; moments are ISO
    8601 in UTC (without a zone they are taken for UTC); bytes are hexadecimal, as PostgreSQL
    writes them. Anything else is its text.
    """
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, datetime):
        return _moment(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return f"\\x{bytes(value).hex()}"
    if depth < DEEPEST and isinstance(value, Mapping):
        return {str(key): json_like(item, depth + 1) for key, item in value.items()}
    if depth < DEEPEST and isinstance(value, list | tuple):
        return [json_like(item, depth + 1) for item in value]
    return _text(value)


def _moment(value: datetime) -> str:
    try:
        known = value if value.tzinfo else value.replace(tzinfo=UTC)
        found = known.astimezone(UTC)
    except OverflowError:  # on the first or the last day that Python knows
        return _text(value)
    # Not strftime, which writes years before 1000 with fewer digits.
    return f"{found.replace(tzinfo=None).isoformat(timespec='auto')}Z"


def _text(value: Any) -> str:
    try:
        return str(value)[:LONGEST]
    except Exception:  # nested too deeply
        return type(value).__name__
