"""The parts of a message with counts, checked: what JSON says, in the judge's types."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rollout.domain import fields
from rollout.domain.errors import InvalidInputError
from rollout.domain.histogram import NO_LATENCIES, Latencies, latencies
from rollout.domain.window import Shadow


@dataclass(frozen=True)
class Answers:
    """One arm's minute."""

    requests: int
    errors: int
    latencies: Latencies


def answers(value: Any, field: str, buckets: int) -> Answers:
    """{"n", "err", "lat": [[bucket, count], …]}. Raises InvalidInputError."""
    arm = fields.mapping(value, field)
    requests = fields.whole(arm.get("n"), f"{field}.n")
    errors = fields.whole(arm.get("err"), f"{field}.err", most=requests)
    pairs = fields.array(arm.get("lat", ()), f"{field}.lat")
    found = _plain(pairs, buckets, requests) or _careful(pairs, f"{field}.lat", buckets, requests)
    return Answers(requests, errors, found)


def _plain(pairs: Sequence[Any], buckets: int, requests: int) -> Latencies | None:
    """The latencies, where there is nothing to say against them; None where there may be.

    Most of a message is pairs, so they are looked at all at once.
    """
    if not pairs:
        return NO_LATENCIES
    if set(map(type, pairs)) != {list}:
        return None
    try:
        indices, numbers = zip(*pairs, strict=True)
    except ValueError:  # not all of them have two
        return None
    if set(map(type, indices + numbers)) != {int}:
        return None
    found = latencies(indices, numbers)
    inside = found.buckets[0] >= 0 and found.buckets[-1] < buckets and min(numbers) >= 0
    return found if inside and found.total <= requests else None


def _careful(pairs: Sequence[Any], field: str, buckets: int, requests: int) -> Latencies:
    """The latencies. Raises InvalidInputError for what is wrong with them."""
    found = [_pair(pair, f"{field}[{index}]", buckets) for index, pair in enumerate(pairs)]
    timed = sum(count for _, count in found)
    if timed > requests:
        raise InvalidInputError(
            field=field, value=timed, expected=f"counts that add up to at most {requests}"
        )
    return latencies(*zip(*found, strict=True))


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
    if all(map(_plain_tenant, rows)):
        return tuple(map(tuple, rows))
    return tuple(_tenant(row, f"tenants[{index}]") for index, row in enumerate(rows))


def _plain_tenant(row: Any) -> bool:
    """Whether there is nothing to say against the row."""
    if type(row) is not list or len(row) != 4 or set(map(type, row)) != {int}:
        return False
    requests, errors, asked, failed = row
    most = fields.MOST_COUNT
    return bool(0 <= errors <= requests <= most and 0 <= failed <= asked <= most)


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
