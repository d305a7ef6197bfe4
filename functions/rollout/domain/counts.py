"""The parts of a message with counts, checked: what JSON says, in the judge's types."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import ge
from typing import Any

from rollout.domain import fields
from rollout.domain.errors import InvalidInputError
from rollout.domain.window import Shadow


@dataclass(frozen=True)
class Answers:
    """One arm's minute: requests, errors, latencies as (bucket, count)."""

    requests: int
    errors: int
    latencies: tuple[tuple[int, int], ...]


def answers(value: Any, field: str, buckets: int) -> Answers:
    """{"n", "err", "lat": [[bucket, count], …]}. Raises InvalidInputError."""
    arm = fields.mapping(value, field)
    requests = fields.whole(arm.get("n"), f"{field}.n")
    errors = fields.whole(arm.get("err"), f"{field}.err", most=requests)
    pairs = fields.array(arm.get("lat", ()), f"{field}.lat")
    found = _plain(pairs, buckets) or tuple(
        _pair(pair, f"{field}.lat[{index}]", buckets) for index, pair in enumerate(pairs)
    )
    timed = sum([count for _, count in found])
    if timed > requests:
        raise InvalidInputError(
            field=f"{field}.lat", value=timed, expected=f"counts that add up to at most {requests}"
        )
    return Answers(requests, errors, found)


def _plain(pairs: Sequence[Any], buckets: int) -> tuple[tuple[int, int], ...]:
    """The pairs, where there is nothing to say against any; () otherwise.

    Most of a message is pairs, so they are looked at all at once.
    """
    if not _are_plain(pairs, 2):
        return ()
    indices, numbers = zip(*pairs, strict=True)
    if min(indices) < 0 or max(indices) >= buckets:
        return ()
    if min(numbers) < 0 or max(numbers) > fields.MOST_COUNT:
        return ()
    return tuple(zip(indices, numbers, strict=True))


def _are_plain(rows: Sequence[Any], width: int) -> bool:
    """Whether there are any, and all are lists of so many whole numbers."""
    return (
        set(map(type, rows)) == {list}
        and set(map(len, rows)) == {width}
        and set(map(type, chain.from_iterable(rows))) == {int}
    )


def _pair(value: Any, field: str, buckets: int) -> tuple[int, int]:
    pair = fields.array(value, field)
    if len(pair) != 2:
        raise InvalidInputError(field=field, value=value, expected="[bucket, count]")
    return (
        fields.whole(pair[0], f"{field}[0]", most=buckets - 1),
        fields.whole(pair[1], f"{field}[1]"),
    )


def shadow(value: Any) -> Shadow | None:
    """{"n", "mismatch", "err"}; None for none. Raises InvalidInputError."""
    if value is None:
        return None
    found = fields.mapping(value, "shadow")
    asked = fields.whole(found.get("n"), "shadow.n")
    mismatched = fields.whole(found.get("mismatch"), "shadow.mismatch", most=asked)
    failed = fields.whole(found.get("err"), "shadow.err", most=asked)
    # A failed answer may be counted as one that differs, or not at all.
    return Shadow(max(asked - failed, mismatched), mismatched, failed)


def tenants(value: Any) -> tuple[tuple[int, int, int, int], ...]:
    """Rows of (control requests, errors, candidate requests, errors); () for none."""
    if value is None:
        return ()
    rows = fields.array(value, "tenants")
    if _are_plain(rows, 4):
        requests, errors, asked, failed = columns = tuple(zip(*rows, strict=True))
        inside = max(map(max, columns)) <= fields.MOST_COUNT and min(map(min, columns)) >= 0
        if inside and all(map(ge, requests, errors)) and all(map(ge, asked, failed)):
            return tuple(zip(*columns, strict=True))
    return tuple(_tenant(row, f"tenants[{index}]") for index, row in enumerate(rows))


def _tenant(value: Any, field: str) -> tuple[int, int, int, int]:
    row = fields.array(value, field)
    if len(row) != 4:
        raise InvalidInputError(
            field=field, value=value, expected="[n, errors of control, n, errors of candidate]"
        )
    control = fields.whole(row[0], f"{field}[0]")
    candidate = fields.whole(row[2], f"{field}[2]")
    return (
        control,
        fields.whole(row[1], f"{field}[1]", most=control),
        candidate,
        fields.whole(row[3], f"{field}[3]", most=candidate),
    )


@dataclass(frozen=True)
class Limits:
    """The seeds' thresholds: rates 0..1, p95 as ratios of the candidate's to the control's."""

    error_go: float
    error_roll_back: float
    p95_go: float
    p95_investigate: float
    mismatch_go: float
    mismatch_investigate: float


def limits(value: Any) -> Limits:
    """The "thresholds" of a start message. Raises InvalidInputError."""
    found = fields.mapping(value, "thresholds")
    error, p95 = _part(found, "error"), _part(found, "p95_ratio")
    mismatch = _part(found, "mismatch")
    return Limits(
        *_rising(error, "thresholds.error", ("go", "rollback"), 1e-6, 0.5),
        *_rising(p95, "thresholds.p95_ratio", ("go", "investigate"), 1.0, 1000.0),
        *_rising(mismatch, "thresholds.mismatch", ("go", "investigate"), 1e-6, 0.5),
    )


def _part(found: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return fields.mapping(found.get(name), f"thresholds.{name}")


def _rising(
    part: Mapping[str, Any], field: str, names: tuple[str, str], least: float, most: float
) -> tuple[float, float]:
    low = fields.number(part.get(names[0]), f"{field}.{names[0]}", least, most)
    return low, fields.number(part.get(names[1]), f"{field}.{names[1]}", low, most)
