"""Field paths: where a value stands in an answer, as segments and as text.

"address.lines[1]" is a field of a field, and a position in a list. A name with other characters
than letters, digits, "_", "-", "$" and "@" is quoted: tags["a.b"]. In a rule, "*" stands for any
one name, "[*]" for any position and "**" for any number of names and positions, none included.
"" is the whole answer.
"""

import json
import re
from collections.abc import Iterable, Iterator
from enum import Enum
from functools import lru_cache
from typing import Final, TypeAlias

from rollout.domain.errors import InvalidInputError


class Wild(Enum):
    """A segment of a rule's path that stands for others."""

    NAME = "*"
    POSITION = "[*]"
    DEEP = "**"


Segment: TypeAlias = str | int | Wild

# Paths up to this length come again and again, and are put together once.
SHORT: Final = 16
PLAIN: Final = re.compile(r"[\w$@-]+")
TOKEN: Final = re.compile(
    r'\[(?P<index>\*|\d{1,9})\]|\[(?P<quoted>"(?:[^"\\]|\\.)*")\]|(?P<wild>\*\*?)|(?P<name>[\w$@-]+)'
)
# A name like this is data, say an id or an address, and not the name of a field.
DATA: Final = re.compile(r"(?=.*\d.*\d.*\d)|.{41}|[^A-Za-z_$]|.*[^A-Za-z0-9_$-]", re.DOTALL)
EXPECTED: Final = 'a field path such as tags[*], address.city, **.updated_at or ["a.b"]'


def show(segments: Iterable[Segment]) -> str:
    """The path as text; `parse` gives the segments back."""
    known = tuple(segments)
    return _shown(known) if len(known) <= SHORT else "".join(_pieces(known))


@lru_cache(maxsize=4096)
def _shown(segments: tuple[Segment, ...]) -> str:
    return "".join(_pieces(segments))


def _pieces(segments: Iterable[Segment]) -> Iterator[str]:
    for number, segment in enumerate(segments):
        if segment is Wild.POSITION:
            yield "[*]"
        elif isinstance(segment, int):
            yield f"[{segment}]"
        elif isinstance(segment, str) and not PLAIN.fullmatch(segment):
            yield f"[{json.dumps(segment)}]"
        else:
            name = segment.value if isinstance(segment, Wild) else segment
            yield f".{name}" if number else name


def parse(text: str, field: str = "path") -> tuple[Segment, ...]:
    """The segments of a path. Raises InvalidInputError naming `field`."""
    segments: list[Segment] = []
    at = 0
    while at < len(text):
        dotted = text[at] == "."
        found = TOKEN.match(text, at + dotted)
        # A name follows a dot, except the first one; brackets follow none.
        if not found or dotted != (bool(segments) and text[at + dotted] != "["):
            raise InvalidInputError(field=field, value=text, expected=EXPECTED)
        segments.append(_segment(found, text, field))
        at = found.end()
    return tuple(segments)


def _segment(found: re.Match[str], text: str, field: str) -> Segment:
    if found["index"]:
        return Wild.POSITION if found["index"] == "*" else int(found["index"])
    if found["wild"]:
        return Wild(found["wild"])
    if found["name"]:
        return found["name"]
    try:
        return str(json.loads(found["quoted"]))
    except ValueError:
        raise InvalidInputError(field=field, value=text, expected=EXPECTED) from None


def general(segments: Iterable[Segment]) -> str:
    """The field a path belongs to: any position is [*], and a name that looks like data is *.

    So answers of different users are counted together, and nobody's id gets into a log.
    """
    return show(_general(segment) for segment in segments)


def _general(segment: Segment) -> Segment:
    if isinstance(segment, int):
        return Wild.POSITION
    if isinstance(segment, str) and (not segment or DATA.match(segment)):
        return Wild.NAME
    return segment
