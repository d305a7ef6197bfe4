"""Moments as people and programs read them."""

from datetime import UTC, datetime


def iso(at: float | None) -> str:
    """Epoch seconds as ISO 8601 in UTC, without fractions; "" for a moment that has not come."""
    if at is None:
        return ""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
