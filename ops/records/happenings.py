"""A rollout told as a log: what happened, when, in one line each. Pure: from a record."""

from collections.abc import Iterator, Mapping
from typing import Any

from ops.executions import outcome
from rollout.domain.notice import percent

Record = Mapping[str, Any]


def happenings(record: Record) -> list[dict[str, Any]]:
    """[{"at": epoch second, "what": a word for programs, "text"}], oldest first.

    A verdict is told when its word or its phase has changed, not at every look.
    """
    parts = (_executions(record), _exposure(record), _verdicts(record), _approvals(record))
    found = [item for part in parts for item in part]
    return sorted(found, key=lambda item: float(item["at"]))


def _said(at: float, what: str, text: str) -> dict[str, Any]:
    return {"at": at, "what": what, "text": text}


def _executions(record: Record) -> Iterator[dict[str, Any]]:
    for item in record["executions"]:
        step = item["action"] + (f" {item['phase']}" if item["phase"] else "")
        yield _said(item["started_at"], "execution", f"{step}: execution {item['name']} started")
        for visit in item["visits"]:
            for failure in visit["failures"]:
                at = visit["left_at"] or record["read_at"]
                yield _said(at, "failure", f"{visit['state']} failed: {failure['error']}")
        if item["stopped_at"] is not None:
            word, reason = outcome_of(item)
            told = f"{step}: {word}" + (f": {reason}" if reason else "")
            yield _said(item["stopped_at"], "outcome", told)


def outcome_of(item: Mapping[str, Any]) -> tuple[str, str]:
    """(word, reason) of an ended execution of a record."""
    outputs = [visit["output"] for visit in item["visits"] if isinstance(visit["output"], dict)]
    return outcome({**item, "document": outputs[-1] if outputs else {}})


def _exposure(record: Record) -> Iterator[dict[str, Any]]:
    for step in record["exposure"]:
        shadow = f", shadow {percent(step['shadow_bps'])}" if step["shadow_bps"] else ""
        served = f"{percent(step['exposure_bps'])} of users by the candidate"
        phase = f"{step['phase']}: " if step["phase"] else ""
        yield _said(step["at"], "exposure", f"{phase}{served}{shadow}")


def _verdicts(record: Record) -> Iterator[dict[str, Any]]:
    before = ("", "")
    for verdict in record["verdicts"]:
        now = (verdict["word"], verdict["phase"])
        if now != before:
            yield _said(verdict["at"], "verdict", f"{verdict['phase']}: {verdict['sentence']}")
        before = now


def _approvals(record: Record) -> Iterator[dict[str, Any]]:
    for approval in record["approvals"]:
        word = str(approval.get("word", "answered")).lower()
        said = f"{word} by {approval.get('by', 'somebody')}: {approval.get('why', '')}"
        yield _said(approval["at"], "approval", said)
