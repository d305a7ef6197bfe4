"""The candidate read (huntaze-prisma-read): one user from the source that CANDIDATE_READ names.

A failure of that source is an answer, `{"user": null, "error": class}`: the caller decides what
it means, and the sandbox and its connection live on.
"""

import json
import time
from functools import cache
from typing import Any, Final

from rollout.adapters import sources, tracing
from rollout.adapters.observed import told
from rollout.adapters.sources import Source
from rollout.domain.errors import InvalidInputError
from rollout.domain.request import user_id_of
from rollout.settings import Settings, settings

# At import, while Lambda starts the sandbox. Not by settings(): they are read at first use.
CONNECT: Final = sources.candidate(Settings.from_environ())


def candidate(event: Any, source: Source) -> dict[str, Any]:
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
        answer["user"] = source.read(user_id)
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
    return candidate(event, _source())


@cache
def _source() -> Source:
    source, recorder = CONNECT(), tracing.recorder(settings())
    return source if recorder is None else tracing.traced(source, recorder, read="query")
