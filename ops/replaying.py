"""Recordings of rollouts, judged again under any plan."""

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from ops import histories
from ops.deployed import Stack
from ops.records import record
from ops.tables import show_table
from rollout.domain import fields, jsontext
from rollout.domain.errors import InvalidInputError
from rollout.domain.flag import FULL_BPS
from rollout.domain.minute import Minute
from rollout.domain.moments import iso
from rollout.domain.plan import Plan
from rollout.domain.replay import Replay, replay
from rollout.domain.window import Arm, Shadow

COUNTS: Final = {
    "control": ("requests", "errors", "slow"),
    "candidate": ("requests", "errors", "slow"),
    "shadow": ("compared", "mismatched", "failed"),
}
COLUMNS: Final = (
    "at",
    "phase",
    *(f"{arm}_{count}" for arm, counts in COUNTS.items() for count in counts),
)


def again(
    plans: list[Plan], counts: Path | None, rollout_id: str | None, stack: Callable[[], Stack]
) -> dict[str, Any]:
    """{"minutes", "replays": one per plan}. Raises InvalidInputError or RolloutError."""
    if (counts is None) == (rollout_id is None):
        raise InvalidInputError(
            field="recording", value=None, expected="either --counts or --rollout"
        )
    if rollout_id is not None:
        found = stack()
        minutes, followed, period = record.minutes(found, histories.named(found, rollout_id))
        return judged(minutes, [followed, *plans], period)
    if counts is None or not plans:
        raise InvalidInputError(field="--plan", value=None, expected="a plan to judge by")
    return judged(from_file(counts, plans[0]), plans, None)


def from_file(path: Path, plan: Plan) -> list[Minute]:
    """The minutes of a CSV with COLUMNS, or of JSON lines with the same names.

    Raises InvalidInputError naming line and field.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise InvalidInputError(
            field="--counts", value=str(path), expected=f"a file in UTF-8 ({error})"
        ) from None
    rows = _json_lines(text) if text.lstrip().startswith("{") else _csv(text)
    try:
        return [_minute(row, f"line {number}", plan) for number, row in rows]
    except csv.Error as error:
        raise InvalidInputError(
            field="--counts", value=str(path), expected=f"CSV ({error})"
        ) from None


def _json_lines(text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            row = jsontext.read(line, f"line {number}", "a JSON object")
            yield number, dict(fields.mapping(row, f"line {number}"))


def _csv(text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    reader = csv.DictReader(text.splitlines())
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise InvalidInputError(
            field="line 1", value=reader.fieldnames, expected=f"the columns {', '.join(COLUMNS)}"
        )
    for row in reader:
        yield reader.line_num, {name: _number(row[name]) for name in COLUMNS}


def _number(text: str | None) -> Any:
    """A cell: a number if it is one, else as it stands; an empty one is missing."""
    try:
        return json.loads(text or "null")
    except (ValueError, RecursionError):
        return text


def _minute(row: dict[str, Any], where: str, plan: Plan) -> Minute:
    names = [phase.name for phase in plan.phases]
    phase = row.get("phase")
    if phase not in names:
        raise InvalidInputError(
            field=f"{where}: phase", value=phase, expected=f"one of {', '.join(names)}"
        )
    at = fields.number(row.get("at"), f"{where}: at", 0, 1e12)
    stage = names.index(phase)
    found = {
        arm: [fields.whole(row.get(f"{arm}_{n}"), f"{where}: {arm}_{n}") for n in counts]
        for arm, counts in COUNTS.items()
    }
    return Minute(
        stage,
        plan.phases[stage].exposure_bps / FULL_BPS,
        Arm(*found["control"]),
        Arm(*found["candidate"]),
        Shadow(*found["shadow"]),
        at=at,
    )


def judged(minutes: Sequence[Minute], plans: list[Plan], period: int | None) -> dict[str, Any]:
    """Every plan over the same minutes."""
    found = [replay(minutes, plan, period or plan.evaluation.period_seconds) for plan in plans]
    return {"minutes": len(minutes), "replays": [_plain(one) for one in found]}


def _plain(one: Replay) -> dict[str, Any]:
    return {
        "plan": one.plan,
        "word": one.word,
        "rolled_back_at": iso(one.ends_at) if one.ends_at else None,
        "served_bad": one.served_bad,
        "recorded_bad": one.recorded_bad,
        "turns": [
            {"at": iso(turn.at), "phase": turn.phase, "word": turn.word, "why": turn.why}
            for turn in one.turns
        ],
    }


def show(result: dict[str, Any]) -> None:
    """Per plan: each change of its word, and the harm until it rolled back."""
    console = Console(highlight=False, soft_wrap=True)
    for one in result["replays"]:
        end = one["rolled_back_at"] or "never rolled back"
        console.print(
            f"{one['plan']}: {one['word']} ({end}); "
            f"{one['served_bad']} of {one['recorded_bad']} bad requests served until then"
        )
        table = Table("at", "phase", "word", "why", box=None, padding=(0, 2, 0, 2))
        for turn in one["turns"]:
            table.add_row(turn["at"], turn["phase"], turn["word"], turn["why"])
        show_table(table)
