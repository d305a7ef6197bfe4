"""Stands in for CloudTrail: a line for each call that IAM decides on, and who made it.

Used by the emulator's own process to write, and by a rehearsal to read what was written. A call
that the same role made before, to the same resource and with the same answer, is not written again.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

# What IAM in the emulator takes for another action.
MISTAKEN: Final = {"lambda:ListAliases": "lambda:GetAlias"}


@dataclass(frozen=True, order=True)
class Call:
    """role: its name. action: as policies name it. resource: its ARN, or "*"."""

    role: str
    action: str
    resource: str
    refused: bool


def calls_of(log: Path) -> Path:
    """Where the emulator that writes this log writes its calls: a file beside it."""
    return log.with_name("calls.jsonl")


def read(file: Path) -> list[Call]:
    """What was written so far, in order."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return sorted({Call(**json.loads(line)) for line in lines})


def by_resource(calls: list[Call], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """The calls with their roles' names in the template in place of the deployed ones.

    names: physical id -> logical id; roles that are not in it are left out.
    """
    return [
        {
            "role": names[call.role],
            "action": call.action,
            "resource": call.resource,
            "refused": call.refused,
        }
        for call in calls
        if call.role in names
    ]


def record(file: Path) -> None:
    """In the emulator's process: write each decision of IAM from now on."""
    evaluator: Any = import_module("ministack.core.iam_evaluator")
    sessions: Any = import_module("ministack.services.sts")._sessions
    enforce, seen = evaluator.enforce, set[Call]()

    def enforce_and_write(key: str, action: str, *rest: Any, **more: Any) -> Any:
        denied = enforce(key, action, *rest, **more)
        arn = str((sessions.get(key) or {}).get("Arn", ""))
        if ":assumed-role/" in arn:  # the others are people, and the local stack itself
            role = arn.split("/")[1]
            resource = str(more.get("resource_arn", "*"))
            call = Call(role, MISTAKEN.get(action, action), resource, denied is not None)
            if call not in seen:
                seen.add(call)
                with file.open("a", encoding="utf-8") as lines:
                    lines.write(json.dumps(vars(call)) + "\n")
        return denied

    evaluator.enforce = enforce_and_write
