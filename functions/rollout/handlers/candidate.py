"""The candidate read (huntaze-prisma-read): one user from PostgreSQL.

A failure of the database is an answer, `{"user": null, "error": class}`: the caller decides what
it means, and the sandbox and its connection live on.
"""

import json
import time
from functools import cache
from typing import Any

from rollout.adapters import tracing, users_candidate
from rollout.adapters.observed import told
from rollout.adapters.users_candidate import UsersCandidate
from rollout.domain.errors import InvalidInputError
from rollout.domain.request import user_id_of
from rollout.settings import settings


def candidate(event: Any, users: UsersCandidate) -> dict[str, Any]:
    """Read one user.

    Event: {"userId": str}. Returns {"user": dict or None, "error": "" or the failure's class},
    and with a failure "message": codes, no text that could repeat an id or a row.
    """
    try:
        user_id = user_id_of(event)
    except InvalidInputError as error:
        return {"user": None, "error": type(error).__name__, "message": told(error)}
    started = time.monotonic()
    answer: dict[str, Any] = {"user": None, "error": ""}
    try:
        answer["user"] = users.user(user_id)
    except Exception as error:  # the caller charges the arm; nobody's read may fail
        answer["error"] = type(error).__name__
        answer["message"] = told(error)
    _tell(answer, (time.monotonic() - started) * 1000)
    return answer


def _tell(answer: dict[str, Any], duration_ms: float) -> None:
    line = {
        "event": "candidate.failed" if answer["error"] else "candidate.read",
        "error_type": answer["error"],
        "error_message": answer.get("message", ""),
        "query_ms": round(duration_ms, 3),
    }
    print(json.dumps(line, separators=(",", ":")))


def handler(event: Any, _context: object) -> dict[str, Any]:
    """The Lambda entry point."""
    return candidate(event, _users())


@cache
def _users() -> UsersCandidate:
    users, recorder = users_candidate.connect(), tracing.recorder(settings())
    return users if recorder is None else tracing.traced(users, recorder, user="query")
