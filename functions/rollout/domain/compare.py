"""Two answers -> the differences between them, by field path.

Pure and total: any two JSON-like values can be compared, and comparing never raises.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Difference:
    """One place where the answers disagree.

    path: dotted field path, list positions in brackets ("tags[1]"); "" is the whole answer.
    kind: missing (control only), extra (candidate only), type, size or value.
    """

    path: str
    kind: str


def differences(
    control: Any, candidate: Any, ignore: Collection[str] = ()
) -> tuple[Difference, ...]:
    """Every difference outside the ignored paths, in the control's field order."""
    return tuple(_walk(control, candidate, "", frozenset(ignore)))


def _walk(left: Any, right: Any, path: str, ignore: frozenset[str]) -> Iterator[Difference]:
    if path in ignore:
        return
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        yield from _fields(left, right, path, ignore)
    elif isinstance(left, list) and isinstance(right, list):
        yield from _items(left, right, path, ignore)
    elif _kind(left) != _kind(right):
        yield Difference(path, "type")
    elif left != right:
        yield Difference(path, "value")


def _fields(
    left: Mapping[str, Any], right: Mapping[str, Any], path: str, ignore: frozenset[str]
) -> Iterator[Difference]:
    for key in (*left, *(key for key in right if key not in left)):
        inner = f"{path}.{key}" if path else str(key)
        if inner in ignore:
            continue
        if key not in right:
            yield Difference(inner, "missing")
        elif key not in left:
            yield Difference(inner, "extra")
        else:
            yield from _walk(left[key], right[key], inner, ignore)


def _items(
    left: list[Any], right: list[Any], path: str, ignore: frozenset[str]
) -> Iterator[Difference]:
    if len(left) != len(right):
        yield Difference(path, "size")
    for index, (one, other) in enumerate(zip(left, right, strict=False)):
        yield from _walk(one, other, f"{path}[{index}]", ignore)


def _kind(value: Any) -> str:
    """The JSON kind, so that 1 and 1.0 are one kind and true and 1 are two."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    return type(value).__name__
