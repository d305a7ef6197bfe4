"""The comparator's log lines, read back from CloudWatch Logs."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

NOTED: Final = '"noted"'


@dataclass(frozen=True)
class ShadowLog:
    """The log group of one comparator."""

    api: Any
    group: str

    def noted(self, start: float, end: float, rollout_id: str = "") -> Iterator[dict[str, Any]]:
        """Lines with something to report, written in [start, end), epoch seconds.

        rollout_id: of this rollout only. Raises what boto3 raises; a group that does not exist
        yet has no lines.
        """
        pages = self.api.get_paginator("filter_log_events").paginate(
            logGroupName=self.group,
            startTime=int(start * 1000),
            endTime=int(end * 1000),
            filterPattern=NOTED,
        )
        try:
            for page in pages:
                for event in page["events"]:
                    line = parsed(event["message"])
                    if line.get("noted") and rollout_id in ("", line.get("rollout_id")):
                        yield line
        except self.api.exceptions.ResourceNotFoundException:
            return


def parsed(text: str) -> dict[str, Any]:
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return line if isinstance(line, dict) else {}
