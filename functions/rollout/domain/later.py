"""Work that is put off until somebody asks for what comes of it."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any, Final

# So that memory has a bound: with one look a minute, a day.
MOST: Final = 1440


class Later:
    """Calls of `do` that wait. Arguments must not change meanwhile."""

    def __init__(self, do: Callable[..., None]) -> None:
        self._do = do
        self._waiting: list[tuple[Any, ...]] = []

    def put_off(self, *arguments: Any) -> None:
        """One call more; all are made when there are too many."""
        self._waiting.append(arguments)
        if len(self._waiting) >= MOST:
            self.catch_up()

    def catch_up(self) -> None:
        """Make the calls that wait, in order."""
        waiting, self._waiting = self._waiting, []
        for arguments in waiting:
            self._do(*arguments)

    def __deepcopy__(self, memo: dict[int, Any]) -> "Later":
        """What waits is shared, since it never changes."""
        copied = Later(deepcopy(self._do, memo))
        copied._waiting = self._waiting.copy()
        return copied
