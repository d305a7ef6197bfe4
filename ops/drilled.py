"""What the drill of the rollback has shown, of a rollout that was launched."""

from typing import Any

from ops.deployed import Stack
from ops.executions import executions, newest_document
from rollout.domain.step import LAUNCH


def drill_of(stack: Stack, rollout_id: str) -> dict[str, Any]:
    """The launch's drill: {"word", "reason", "set_seconds", "seconds"}; {} while there is none."""
    launches = [item for item in executions(stack, rollout_id) if item["action"] == LAUNCH]
    if not launches:
        return {}
    document = launches[0]["document"] or newest_document(stack, rollout_id)
    found = document.get("drill")
    return found if isinstance(found, dict) else {}
