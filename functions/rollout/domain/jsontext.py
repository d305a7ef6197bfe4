"""JSON text from outside -> values, or a clear refusal: one reader for every document.

Stricter than `json`: the numbers that JSON does not have, and a name that stands twice in one
object, are refused, because whoever wrote them meant something else than would be read.
"""

import json
import math
from collections.abc import Sequence
from typing import Any, Final, NoReturn

from rollout.domain.errors import InvalidInputError

SHOWN: Final = 160


def read(content: str | bytes, field: str, expected: str = "JSON") -> Any:
    """The value of a JSON text, in UTF-8 when it is bytes; a byte order mark is passed over.

    Raises InvalidInputError naming `field` and what is wrong, and never anything else.
    """
    try:
        text = content.decode("utf-8-sig") if isinstance(content, bytes) else content
        return json.loads(
            text.removeprefix("\ufeff"),
            parse_constant=_no_number,
            parse_float=_finite,
            object_pairs_hook=_once,
        )
    except UnicodeDecodeError:
        raise _refused(content, field, expected, "it is not UTF-8") from None
    except RecursionError:
        raise _refused(content, field, expected, "it is nested too deeply") from None
    except ValueError as error:
        raise _refused(content, field, expected, str(error)) from None


def _refused(content: str | bytes, field: str, expected: str, why: str) -> InvalidInputError:
    return InvalidInputError(field=field, value=content, expected=f"{expected} ({why[:SHOWN]})")


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"the number {text[:20]} is too large")
    return value


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{ascii(twice)[:40]} stands twice in one object")
    return found


def finite(value: Any, field: str) -> None:
    """Raise InvalidInputError when a number in these JSON values is infinite or none at all."""
    pending = [(value, field)]
    while pending:
        one, name = pending.pop()
        if isinstance(one, float) and not math.isfinite(one):
            raise InvalidInputError(field=name, value=one, expected="a finite number")
        if isinstance(one, dict):
            pending += [(item, f"{name}.{key}") for key, item in one.items()]
        elif isinstance(one, list | tuple):
            pending += [(item, f"{name}[{number}]") for number, item in enumerate(one)]
