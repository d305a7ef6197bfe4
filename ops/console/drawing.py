"""The pictures of a page, drawn again only when what they show has changed."""

import json
import time
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote, urlencode

from ops.pictures import charts
from ops.pictures.graph import graph
from ops.pictures.timeline import timeline

# Charts take half a second of a processor together; a look a second does not ask for that.
CHARTS_SECONDS: Final = 4.0
# Between two steps only the clock moves on; charts follow it this coarsely.
CLOCK_SECONDS: Final = 10.0
# What the charts read of a record, but for the clock.
PARTS: Final = (
    *("exposure", "minutes", "looks", "verdicts", "unavailable", "period_seconds"),
    "ended_at",
)


def address(rollout_id: str, *more: str, **query: str) -> str:
    """A path of the console, each part quoted."""
    parts = [quote(part, safe="") for part in ("rollouts", rollout_id, *more)]
    asked = f"?{urlencode(query)}" if query else ""
    return "/" + "/".join(parts) + asked


def graph_of(record: dict[str, Any], definition: dict[str, Any], execution: str) -> str:
    """The graph; a click on a state shows its visits."""
    rollout_id = record["rollout"]

    def link(state: str) -> str:
        return address(rollout_id, "states", state, execution=execution)

    return graph(definition, record, execution=execution, link=link)


def timeline_of(record: dict[str, Any]) -> str:
    """The time line; a click on a visit shows it."""
    rollout_id = record["rollout"]

    def link(execution: str, number: int) -> str:
        return address(rollout_id, "visits", execution, str(number))

    return timeline(record, link=link)


class Charts:
    """The charts of one rollout, not drawn more often than CHARTS_SECONDS while it runs."""

    def __init__(self) -> None:
        self._of = ""
        self._at = float("-inf")
        self._drawn: dict[str, str] = {}

    def drawn(self, record: dict[str, Any]) -> dict[str, str]:
        """Name -> SVG."""
        now = 0 if record["ended_at"] else record["read_at"] // CLOCK_SECONDS * CLOCK_SECONDS
        shown = json.dumps({**{part: record[part] for part in PARTS}, "read_at": now})
        due = record["ended_at"] or time.monotonic() - self._at > CHARTS_SECONDS
        if shown != self._of and (due or not self._drawn):
            self._drawn = _drawn(shown)
            self._of, self._at = shown, time.monotonic()
        return self._drawn


@lru_cache(maxsize=8)
def _drawn(shown: str) -> dict[str, str]:
    """The charts of a record's PARTS, as JSON: the same for two browsers, or after a return."""
    record = json.loads(shown)
    return {name: draw(record) for name, draw in charts.ALL.items()}
