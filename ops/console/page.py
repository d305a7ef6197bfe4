"""What the templates show: a record as lines of text, and where each leads."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, select_autoescape
from markupsafe import Markup

from ops.console.drawing import address
from ops.console.payloads import pretty
from ops.pictures.framing import TITLES
from ops.pictures.passing import lasts, passings, seconds_of
from ops.pictures.scale import clock
from ops.pictures.svg import lasting
from rollout.domain.moments import iso

FOLDER: Final = Path(__file__).parent
RUNNING: Final = "RUNNING"
# So many visits stand in the table of all; each state has a page with all of its own.
MOST_ROWS: Final = 400
# word of an outcome -> the class of its badge
LOOKS: Final = {
    "RUNNING": "lit",
    "COMPLETED": "good",
    "ROLLED_BACK": "bad",
    "REFUSED": "warn",
}


def environment() -> Environment:
    """The templates; everything in them is escaped but the pictures."""
    found = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters.update(
        lasting=lasting,
        clock=clock,
        iso=iso,
        percent=percent,
        picture=Markup,  # made by ops.pictures, which escapes what it is given
    )
    found.globals.update(address=address, titles=TITLES)
    return found


def percent(share: float) -> str:
    """A share of one, as "0.12 %"."""
    return f"{100 * share:.2f} %"


def now(record: dict[str, Any]) -> dict[str, Any]:
    """The state in one line.

    Returns {"word", "look": class of its badge, "states": running ones, "since": epoch second the
    newest of them was entered, None when none runs, "phase"}.
    """
    found = passings(record)
    entered = [
        item["visits"][-1]["entered_at"]
        for item in record["executions"]
        if item["visits"] and lasts(item, len(item["visits"]) - 1)
    ]
    word = record["outcome"]["word"]
    return {
        "word": word,
        "look": LOOKS.get(word, "bad"),
        "states": found.running,
        "since": max(entered, default=None),
        "phase": next((s["phase"] for s in reversed(record["exposure"]) if s["phase"]), ""),
    }


def chosen(record: dict[str, Any], wanted: str) -> str:
    """The execution whose way is drawn: the one asked for, "" for all, by default the newest."""
    names = [item["name"] for item in record["executions"]]
    if wanted == "all":
        return ""
    return wanted if wanted in names else names[-1]


def rows(record: dict[str, Any], state: str = "", execution: str = "") -> list[dict[str, Any]]:
    """Visits as lines of a table, newest first: all, or those of one state or execution."""
    found = [
        _row(record, item, number)
        for item in record["executions"]
        if execution in ("", item["name"])
        for number, visit in enumerate(item["visits"])
        if state in ("", visit["state"])
    ]
    return sorted(found, key=lambda row: float(row["entered_at"]), reverse=True)


def _row(record: dict[str, Any], item: dict[str, Any], number: int) -> dict[str, Any]:
    visit = item["visits"][number]
    return {
        "execution": item["name"],
        "number": number,
        "state": visit["state"],
        "entered_at": visit["entered_at"],
        "seconds": seconds_of(visit, item, record["read_at"]),
        "running": lasts(item, number),
        "failures": len(visit["failures"]),
        "href": address(record["rollout"], "visits", item["name"], str(number)),
    }


def visit(record: dict[str, Any], execution: str, number: int) -> dict[str, Any] | None:
    """One visit with its payloads as text, None when there is none."""
    for item in record["executions"]:
        if item["name"] == execution and 0 <= number < len(item["visits"]):
            found = item["visits"][number]
            output = "" if found["output"] is None else pretty(found["output"])
            failures = [pretty(failure) for failure in found["failures"]]
            return {
                **_row(record, item, number),
                "input": pretty(found["input"]),
                "output": output,
                "errors": failures,
            }
    return None


def guardrails(record: dict[str, Any]) -> list[dict[str, Any]]:
    """The last standing of each metric, as the evidence stands now."""
    last: dict[str, dict[str, Any]] = {}
    for look in record["looks"]:
        last.update({one["metric"]: one for one in look["standings"]})
    return [last[name] for name in TITLES if name in last]


def told(record: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Verdicts, newest first; a HOLD that says the same as the one before it only once."""
    before = ""
    for verdict in reversed(record["verdicts"]):
        if verdict["word"] != "HOLD" or verdict["sentence"] != before:
            yield verdict
        before = verdict["sentence"]
