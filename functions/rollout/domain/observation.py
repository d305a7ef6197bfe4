"""What one arm returned for one request."""

from dataclasses import dataclass
from typing import Any, Final

LONGEST_MESSAGE: Final = 200


@dataclass(frozen=True)
class Observation:
    """Value or error, and how long it took.

    value: the user as JSON values, or None when there is no such user. error: the class of the
    failure, "" when there was none. duration_ms: monotonic, milliseconds. message: what the
    failure said in codes, for logs only, and not without `redacted`.
    """

    value: Any = None
    error: str = ""
    duration_ms: float = 0
    message: str = ""

    @property
    def failed(self) -> bool:
        """Whether the arm has no answer at all (no such user is an answer)."""
        return bool(self.error)

    def redacted(self, user_id: str, stand_in: str) -> str:
        """The message, cut, with a stand-in for every mention of the user."""
        return self.message.replace(user_id, stand_in)[:LONGEST_MESSAGE]
