"""Reading a comparator's log line that has something to report; finding.py makes them.

What a log holds need not be ours, so whatever has another kind than it should is passed over.
"""

from collections.abc import Mapping
from typing import Any, Final

# The last moment that a date can tell.
LATEST_MS: Final = 253_402_300_799_000


def counted(line: Mapping[str, Any]) -> list[str]:
    """ "field:kind" of what counted against the candidate."""
    paths = line.get("diff_paths", "")
    return [reason for reason in paths.split(",") if reason] if _is_text(paths) else []


def excused(line: Mapping[str, Any]) -> list[str]:
    """ "field:kind" of what differed and was noise."""
    return texts(line, "noise_paths")


def field_of(reason: str) -> str:
    """The field of "field:kind"."""
    return reason.rpartition(":")[0]


def kind_of(reason: str) -> str:
    """The kind of "field:kind"."""
    return reason.rpartition(":")[2]


def seconds(line: Mapping[str, Any]) -> float:
    """When the line was written, epoch seconds; 0 where it does not say."""
    header = line.get("_aws")
    stamp = header.get("Timestamp") if isinstance(header, Mapping) else 0
    if not isinstance(stamp, int | float) or not 0 <= stamp < LATEST_MS:
        return 0.0
    return stamp / 1000


def texts(line: Mapping[str, Any], name: str) -> list[str]:
    """The texts in a list of a line; none where there is no list."""
    found = line.get(name)
    return list(filter(_is_text, found)) if isinstance(found, list | tuple) else []


def _is_text(value: Any) -> bool:
    return isinstance(value, str)
