"""The rollouts that have been: which, from when to when, how far they came, and why they ended."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from ops.deployed import Stack
from ops.executions import RUNNING, WENT_ON, newest_first, outcome, so_far
from ops.rollouts import RolloutError, closed_between, scheduled
from rollout.domain.errors import InvalidInputError
from rollout.domain.exposure import SERVED_LIVE
from rollout.domain.flag import FULL_BPS
from rollout.domain.moments import iso

NAMED: Final = 5


def history(stack: Stack, limit: int) -> list[dict[str, Any]]:
    """The newest rollouts, newest first, at most `limit`.

    Each is {"rollout", "plan", "launched_at", "ended_at" (ISO 8601, "" while it goes on),
    "outcome", "highest_bps", "executions", "why"}.
    """
    return [_line(stack, items) for items in islice(_rollouts(stack), limit)]


def _rollouts(stack: Stack) -> Iterator[list[dict[str, Any]]]:
    """The executions of one rollout after the other, each newest first.

    The launch is the oldest of its rollout and bears its name, so that a rollout is complete with
    it; one whose launch nobody knows any more comes last.
    """
    waiting: dict[str, list[dict[str, Any]]] = {}
    for item in newest_first(stack, None):
        waiting.setdefault(item["rollout"], []).append(item)
        if item["name"] == item["rollout"]:
            yield waiting.pop(item["rollout"])
    yield from waiting.values()


def _line(stack: Stack, items: list[dict[str, Any]]) -> dict[str, Any]:
    newest, launch = items[0], items[-1]
    # One that was stopped, or still runs, has left no document; its last state had one.
    documents = [item["document"] or so_far(item["arn"]) for item in items]
    plans = [document["plan"] for document in documents if "plan" in document]
    word, why = outcome({**newest, "document": documents[0]})
    closed, at = closed_between(stack, newest)
    if closed:
        word, why = "ROLLED_BACK", closed
    # What a kill leaves scheduled will be refused.
    coming = scheduled(stack, newest["rollout"]) if word in WENT_ON else []
    if newest["status"] == RUNNING:
        why = str((documents[0].get("verdict") or {}).get("sentence", ""))
    going_on = newest["status"] == RUNNING or bool(coming)
    return {
        "rollout": newest["rollout"],
        "plan": plans[0]["name"] if plans else "",
        "launched_at": iso(launch["started_at"]),
        "ended_at": "" if going_on else iso(at or newest["stopped_at"]),
        "outcome": RUNNING if going_on else word,
        "highest_bps": max(_served_bps(document) for document in documents),
        "executions": len(items),
        "why": f"next {coming[0]['name']} at {coming[0]['at']}" if coming else why,
    }


def _served_bps(document: dict[str, Any]) -> int:
    """The exposure that an execution has seen served to everyone."""
    if (document.get("outcome") or {}).get("word") == "COMPLETED":
        return FULL_BPS
    exposure = document.get("exposure") or {}
    return int(exposure["exposure_bps"]) if exposure.get("word") == SERVED_LIVE else 0


def named(stack: Stack, text: str) -> str:
    """The rollout that a name, or the beginning of one, means; "" stays "".

    Raises RolloutError when there is none, InvalidInputError when several begin so.
    """
    if not text:
        return ""
    known = list(dict.fromkeys(str(item["rollout"]) for item in newest_first(stack, {})))
    found = [name for name in known if name.startswith(text)]
    if text in found:
        return text
    if not found:
        last = f"; the last ones are {', '.join(known[:NAMED])}" if known else ""
        raise RolloutError(f"no rollout {text} is known{last}; see `rollout history`")
    if len(found) > 1:
        raise InvalidInputError(
            field="ROLLOUT", value=text, expected=f"more of one name: {', '.join(found[:NAMED])}"
        )
    return found[0]


def whole(stack: Stack, text: str) -> str:
    """The name of a rollout that is to be decided on: known, and given in full.

    Raises as `named` does, and InvalidInputError for a beginning.
    """
    found = named(stack, text)
    if found != text:
        raise InvalidInputError(
            field="ROLLOUT", value=text, expected=f"the whole name to decide on, as in {found}"
        )
    return found
