"""Asking an arm that may raise, and timing it."""

import time
from collections.abc import Callable
from typing import Any

from rollout.domain.observation import Observation


def observed(read: Callable[[str], dict[str, Any] | None], user_id: str) -> Observation:
    """What `read` answers, or why it does not, and how long that took. Never raises."""
    started = time.perf_counter()
    try:
        value = read(user_id)
    except Exception as error:  # whatever it is, it is charged to the arm
        spent_ms = (time.perf_counter() - started) * 1000
        return Observation(None, type(error).__name__, spent_ms, str(error))
    return Observation(value, "", (time.perf_counter() - started) * 1000)
