"""How many users a rollout touched, counted from the log lines of the read path.

A line has no user, but a keyed hash, which is the same in every line of one user.
"""

import os
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from ops import refusals
from ops.deployed import Stack
from rollout.adapters.clients import client
from rollout.adapters.shadow_log import parsed

# A read of the cohort that was slow, or for which the control had to stand in.
QUERY: Final = (
    'filter event = "read.served" and is_candidate = 1 and rollout_id = "{rollout}" '
    "and (failed = 1 or Slow = 1) "
    "| stats count_distinct(user_hash) as users, count(*) as requests"
)
# A local stack has no Insights; its filter takes words that the line must have.
WORDS: Final = '"read.served" "is_candidate":1 {rollout}'
# Readers obey the flag a poll later than it was closed, and lines take a while to arrive.
AFTER_SECONDS: Final = 60
PATIENCE_SECONDS: Final = 60.0
PAUSE_SECONDS: Final = 0.5
COMPLETE: Final = "Complete"
UNFINISHED: Final = ("Scheduled", "Running", "Unknown")


class QueryError(RuntimeError):
    """Logs Insights gave no answer; the message says what it did instead."""


def touched(stack: Stack, record: Mapping[str, Any]) -> dict[str, Any]:
    """{"users": with a request that was slow or fell back, "requests": how many those were} in
    the candidate's arm, from a rollout's launch to its end; {"unavailable": why} where the lines
    cannot be read.
    """
    start = int(record["launched_at"])
    end = int(record["ended_at"] or record["read_at"]) + AFTER_SECONDS
    count = filtered if os.environ.get("AWS_ENDPOINT_URL") else asked
    try:
        return count(client("logs"), stack.log_group("Read"), record["rollout"], (start, end))
    except ClientError as error:
        return {"unavailable": refusals.refused(error)}
    except BotoCoreError as error:
        return {"unavailable": refusals.not_asked(error)}
    except QueryError as error:
        return {"unavailable": str(error)}


def asked(
    api: Any,
    group: str,
    rollout: str,
    span: tuple[int, int],
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, int]:
    """By Logs Insights, which charges by what it scans. span: epoch seconds.

    Raises QueryError, and what boto3 raises. Source: CloudWatch Logs user guide, "stats": of very
    many different values count_distinct is an approximation.
    """
    number = api.start_query(
        logGroupName=group,
        startTime=span[0],
        endTime=span[1],
        queryString=QUERY.format(rollout=rollout),
    )["queryId"]
    waited = 0.0
    while (answer := api.get_query_results(queryId=number))["status"] in UNFINISHED:
        if waited >= PATIENCE_SECONDS:
            api.stop_query(queryId=number)
            raise QueryError(f"Logs Insights had no answer within {PATIENCE_SECONDS:.0f} s")
        sleep(PAUSE_SECONDS)
        waited += PAUSE_SECONDS
    if answer["status"] != COMPLETE:
        raise QueryError(f"Logs Insights ended the query as {answer['status']}")
    # Without a line to count there is no row.
    row = {cell["field"]: cell["value"] for cell in next(iter(answer["results"]), [])}
    return {name: int(float(row.get(name, 0))) for name in ("users", "requests")}


def filtered(api: Any, group: str, rollout: str, span: tuple[int, int]) -> dict[str, int]:
    """By reading every line of the cohort."""
    pages = api.get_paginator("filter_log_events").paginate(
        logGroupName=group,
        startTime=1000 * span[0],
        endTime=1000 * span[1],
        filterPattern=WORDS.format(rollout=rollout),
    )
    lines = (parsed(event["message"]) for page in pages for event in page["events"])
    hashes = [line["user_hash"] for line in lines if _bad(line, rollout)]
    return {"users": len(set(hashes)), "requests": len(hashes)}


def _bad(line: Mapping[str, Any], rollout: str) -> bool:
    """What QUERY asks for."""
    ours = line.get("event") == "read.served" and line.get("rollout_id") == rollout
    return ours and line.get("is_candidate") == 1 and 1 in (line.get("failed"), line.get("Slow"))
