"""Fields of JSON objects, checked: each function raises InvalidInputError naming the field."""

from collections.abc import Mapping, Sequence
from typing import Any

from rollout.domain.errors import InvalidInputError

# Counts beyond this are no traffic: they would also leave the range of exact floats.
MOST_COUNT = 10**12


def mapping(value: Any, field: str) -> Mapping[str, Any]:
    """A JSON object."""
    # A dict is what JSON has, and found to be one in less time than a Mapping.
    if not isinstance(value, dict) and not isinstance(value, Mapping):
        raise InvalidInputError(field=field, value=value, expected="an object")
    return value


def array(value: Any, field: str) -> Sequence[Any]:
    """A JSON array."""
    if not isinstance(value, (list, tuple)):
        raise InvalidInputError(field=field, value=value, expected="an array")
    return value


def whole(value: Any, field: str, least: int = 0, most: int = MOST_COUNT) -> int:
    """A whole number from least to most; 3.0 is none."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InvalidInputError(
            field=field, value=value, expected=f"a whole number from {least} to {most}"
        )
    return value


def number(value: Any, field: str, least: float = 0, most: float = 1) -> float:
    """A finite number from least to most."""
    known = isinstance(value, int | float) and not isinstance(value, bool)
    if not known or not least <= value <= most:  # NaN is never between
        raise InvalidInputError(
            field=field, value=value, expected=f"a number from {least:g} to {most:g}"
        )
    return float(value)
