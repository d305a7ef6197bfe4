"""What a report says, from a record, as JSON values. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from ops.pictures.svg import lasting
from ops.records.happenings import happenings
from ops.reports.harm import harm, highest_bps
from ops.reports.sections import FURTHER
from ops.watching.words import moment
from rollout.domain.messages import drilled
from rollout.domain.notice import percent

Record = Mapping[str, Any]
# Of what programs read; it grows when a field changes its meaning or goes.
VERSION: Final = 2
ENDINGS: Final = {
    "RUNNING": "goes on",
    "COMPLETED": "completed: the candidate serves everyone",
    "ROLLED_BACK": "was rolled back: the control serves everyone",
    "REFUSED": "was refused: nothing was touched",
}


def content(
    record: Record,
    mismatches: Mapping[str, Any],
    links: Sequence[Mapping[str, str]],
    touched: Mapping[str, Any],
    users: int | None = None,
) -> dict[str, Any]:
    """The report of a rollout.

    mismatches: as `rollout mismatches` gives them, or {"unavailable": why}. links: where to look
    further. touched: as `ops.touching` counts them. users: how many there are, where somebody
    knows. Returns {"version", "rollout", "stack", "outcome", "sentence", "facts": (name, text)
    pairs, "happenings", "verdicts", "approvals", "harm", "mismatches", "links", "sections",
    "unavailable"}.
    """
    return {
        "version": VERSION,
        "rollout": record["rollout"],
        "stack": record["stack"],
        "outcome": record["outcome"]["word"],
        "sentence": _sentence(record),
        "facts": _facts(record),
        "happenings": [{**one, "at": moment(one["at"])} for one in happenings(record)],
        "verdicts": [_verdict(one) for one in record["verdicts"]],
        "approvals": [_approval(one) for one in record["approvals"]],
        "harm": harm(record, touched, users),
        "mismatches": dict(mismatches),
        "links": [dict(link) for link in links],
        "sections": [asdict(section(record)) for section in FURTHER],
        "unavailable": record["unavailable"],
    }


def _sentence(record: Record) -> str:
    """The outcome in one sentence."""
    word, reason = record["outcome"]["word"], record["outcome"]["reason"].rstrip(".")
    ending = ENDINGS.get(word, f"ended {word.replace('_', ' ').lower()}")
    name = f"Rollout {record['rollout']} of plan {record['plan'].get('name', 'unknown')}"
    return f"{name} {ending}{f' ({reason})' if reason else ''}."


def _facts(record: Record) -> list[tuple[str, str]]:
    """(name, text) of what stands at the top."""
    end = record["ended_at"] or record["read_at"]
    plan, drill = record["plan"], drilled(_drill(record))
    phases = ", ".join(
        f"{phase['name']} {percent(phase['exposure_bps'])}" for phase in plan.get("phases", ())
    )
    found = [
        ("plan", f"{plan.get('name', 'unknown')}: {plan.get('description', '')}".rstrip(": ")),
        ("phases", phases),
        ("launched", moment(record["launched_at"])),
        ("ended", moment(record["ended_at"]) if record["ended_at"] else "it goes on"),
        ("lasted", lasting(end - record["launched_at"])),
        ("highest exposure", percent(highest_bps(record))),
        ("served now", f"{percent(record['served']['exposure_bps'])} of users by the candidate"),
        ("way back", drill),
        ("executions", ", ".join(item["name"] for item in record["executions"])),
    ]
    return [(name, text) for name, text in found if text]


def _drill(record: Record) -> Mapping[str, Any]:
    outputs = (visit["output"] for item in record["executions"] for visit in item["visits"])
    found = (
        output["drill"] for output in outputs if isinstance(output, dict) and "drill" in output
    )
    return next(found, {})


def _verdict(verdict: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("phase", "word", "sentence", "reasons", "otherwise", "execution", "since")
    return {"at": moment(verdict["at"]), **{key: verdict.get(key, "") for key in kept}}


def _approval(approval: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("word", "by", "why", "evidence")
    return {"at": moment(approval["at"]), **{key: approval.get(key, "") for key in kept}}
