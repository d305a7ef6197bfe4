"""What one arm returned for one request."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Observation:
    """Value or error, and how long it took.

    value: the user as JSON values, or None when there is no such user. error: the class of the
    failure, "" when there was none. duration_ms: monotonic, milliseconds.
    """

    value: Any = None
    error: str = ""
    duration_ms: float = 0

    @property
    def failed(self) -> bool:
        """Whether the arm has no answer at all (no such user is an answer)."""
        return bool(self.error)
