"""Whether two answers are equal, at about the cost of `==`.

`==` alone says that true is 1. JSON says they are of two kinds, while 1 and 1.0 are one.
"""

import marshal
from collections.abc import Mapping
from typing import Any, Final

# This version writes what a document shares with itself only once, which is fast. Equal bytes are
# equal values; equal values may have other bytes, and then are looked at again.
MARSHAL: Final = 4
TEXTS: Final = frozenset((str,))
NUMBERS: Final = frozenset((int, float))
SCALARS: Final = frozenset((str, int, float, bool, type(None)))
CONTAINERS: Final = frozenset((dict, list))


def same_bytes(left: Any, right: Any) -> bool:
    """Whether the values are equal, with fields in the same order; False also when in doubt."""
    try:
        return marshal.dumps(left, MARSHAL) == marshal.dumps(right, MARSHAL)
    except ValueError:  # too deep, or no JSON
        return False


def surely_equal(left: Any, right: Any) -> bool:
    """Whether the values are equal beyond doubt; when False they have to be looked at closely.

    Never raises: what cannot be decided quickly (too deep, no JSON, NaN) is in doubt.
    """
    try:
        if left != right:
            return False
        return same_bytes(left, right) or _same_kinds(left, right)
    except Exception:  # whatever `==` of some value does: look closely
        return False


def _same_kinds(left: Any, right: Any) -> bool:
    """Whether two values that are equal by `==` are also of equal kinds throughout."""
    pending: list[Any] = [((left,), (right,), False)]
    while pending:
        one, other, hopeful = pending.pop()
        for mine, its in zip(one, other, strict=True):
            kind = type(mine)
            if kind is not type(its):
                if not NUMBERS.issuperset((kind, type(its))):
                    return False
            elif kind in CONTAINERS:
                # Where one object has its fields in another order, so have those beside and in it.
                hopeful = hopeful and same_bytes(mine, its)
                if not hopeful:
                    pending.append((*_inside(mine, its), mine is left))
            elif kind not in SCALARS:
                return False
    return True


def _inside(one: Any, other: Any) -> Any:
    """The values of two equal dicts, or lists, side by side."""
    if isinstance(one, list):
        return one, other
    # A key of true is found under 1.
    if not TEXTS.issuperset(map(type, one)):
        raise TypeError("keys that are no text")
    return one.values(), map(other.__getitem__, one)


def kind_of(value: Any) -> str:
    """The JSON kind: object, list, text, number, boolean or null; a class's name for anything else.

    1 and 1.0 are of one kind; true and 1 are of two.
    """
    return KINDS.get(type(value)) or _unusual_kind(value)


KINDS: Final[Mapping[type, str]] = {
    dict: "object",
    list: "list",
    str: "text",
    int: "number",
    float: "number",
    bool: "boolean",
    type(None): "null",
}


def _unusual_kind(value: Any) -> str:
    """The kind of what `json` does not make itself, but code may."""
    for classes, kind in (((str,), "text"), ((int, float), "number"), ((list, tuple), "list")):
        if isinstance(value, classes):
            return kind
    return "object" if isinstance(value, Mapping) else type(value).__name__


def same_scalar(left: Any, right: Any) -> bool:
    """Whether two values of one kind are equal; NaN is equal to NaN. Never raises."""
    try:
        return bool(left == right) or bool(left != left and right != right)
    except Exception:
        return False
