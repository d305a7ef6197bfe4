"""Asking an arm that may raise, timing it, and what may be told of its failure."""

import os
import time
from collections.abc import Callable
from typing import Any

from rollout.adapters.local_http import ExtensionError
from rollout.domain.errors import InvalidInputError
from rollout.domain.observation import Observation
from rollout.settings import SettingInvalidError, SettingMissingError


def observed(read: Callable[[str], dict[str, Any] | None], user_id: str) -> Observation:
    """What `read` answers, or why it does not, and how long that took. Never raises."""
    started = time.perf_counter()
    try:
        value = read(user_id)
    except Exception as error:  # whatever it is, it is charged to the arm
        spent_ms = (time.perf_counter() - started) * 1000
        return Observation(None, type(error).__name__, spent_ms, told(error))
    return Observation(value, "", (time.perf_counter() - started) * 1000)


def told(error: BaseException) -> str:
    """What a log may repeat of a failure: the codes of whoever failed, and words of our own.

    "" for anything else: the free text of a database, a library or a user's data may quote the
    id that was asked for, or the row that was read. Never raises.
    """
    try:
        return _database(error) or _service(error) or _ours(error) or _system(error)
    except Exception:  # a strange exception must not hide the one that is told of
        return ""


def _database(error: BaseException) -> str:
    """The SQLSTATE and the server's function; pg8000 gives the server's words as a dict."""
    if not type(error).__module__.startswith("pg8000") or not error.args:
        return ""
    said = error.args[0]
    if isinstance(said, dict):
        return f"SQLSTATE {said.get('C', 'unknown')} in {said.get('R', 'unknown')}"
    # The client's own words, of a connection that could not be made or has ended: no values.
    return str(said)


def _service(error: BaseException) -> str:
    """The code of an AWS service's refusal."""
    answer = getattr(error, "response", None)
    if not isinstance(answer, dict):
        return ""
    return f"{answer['Error']['Code']} of {getattr(error, 'operation_name', 'a call')}"


def _ours(error: BaseException) -> str:
    if isinstance(error, SettingMissingError | SettingInvalidError | ExtensionError):
        return str(error)
    if isinstance(error, InvalidInputError):
        return f"{error.field}: expected {error.expected}"
    return ""


def _system(error: BaseException) -> str:
    """What the operating system calls it; the error's own text may name files and addresses."""
    number = error.errno if isinstance(error, OSError) else None
    return os.strerror(number) if number and number > 0 else ""
