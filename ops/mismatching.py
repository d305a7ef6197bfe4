"""Why the shadow's answers differ, from the comparator's log lines of a rollout."""

import re
import time
from typing import Any, Final

from rich.console import Console

from ops import rollouts
from ops.deployed import Stack
from ops.executions import executions
from rollout.adapters.clients import client
from rollout.adapters.metrics import CloudWatchMetrics
from rollout.adapters.shadow_log import ShadowLog
from rollout.domain.errors import InvalidInputError
from rollout.domain.mismatches import Report, Totals, report
from rollout.domain.moments import iso

UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
SINCE: Final = re.compile(r"(\d{1,6})([smhd])")
PERIOD_SECONDS: Final = 60


def seconds_of(since: str) -> int:
    """The seconds of "90s", "30m", "2h" or "3d". Raises InvalidInputError."""
    found = SINCE.fullmatch(since.strip())
    if not found or not int(found[1]):
        raise InvalidInputError(
            field="--since", value=since, expected="a length of time such as 30m, 2h or 3d"
        )
    return int(found[1]) * UNITS[found[2]]


def mismatches(stack: Stack, rollout_id: str = "", since: str = "") -> dict[str, Any]:
    """The mismatch report of a rollout (default: the one that holds the flag, or the last).

    Returns {"rollout", "since", "until", "compared", "mismatched", "failed", "recount", "pairs",
    "reasons", "unused_rules"}, as Report has them; moments are ISO 8601. Raises InvalidInputError
    or RolloutError.
    """
    age = seconds_of(since) if since else 0
    end = time.time()
    rollout_id, began = _rollout(stack, rollout_id)
    start = end - age if age else began
    found = read(stack, rollout_id, start, end)
    plain = found.to_json()
    for item in plain["reasons"]:
        item.update({key: iso(item[key]) for key in ("first_seen", "last_seen")})
    return {"rollout": rollout_id, "since": iso(start), "until": iso(end), **plain}


def read(stack: Stack, rollout_id: str, start: float, end: float) -> Report:
    """The report over [start, end), epoch seconds."""
    lines = ShadowLog(client("logs"), stack.log_group("Compare")).noted(start, end, rollout_id)
    # Whole minutes: that is how CloudWatch keeps the counts.
    since, until = start // PERIOD_SECONDS * PERIOD_SECONDS, end + PERIOD_SECONDS
    metrics = CloudWatchMetrics.connect(stack.settings())
    rows, _ = metrics.rows(since, until, PERIOD_SECONDS)
    shadows = [row.shadow for row in rows if row.shadow]
    totals = Totals(
        sum(shadow.compared for shadow in shadows),
        sum(shadow.mismatched for shadow in shadows),
        sum(shadow.failed for shadow in shadows),
    )
    return report(lines, totals)


def _rollout(stack: Stack, rollout_id: str) -> tuple[str, float]:
    """(id, epoch second in which it was launched)."""
    wanted = rollout_id or rollouts.served(stack).holder
    listed = executions(stack, wanted)
    if not listed:
        named = f"rollout {wanted}" if wanted else "any rollout"
        raise rollouts.RolloutError(f"no execution of {named} is known; see `rollout status`")
    newest = listed[0]["rollout"]
    return newest, min(item["started_at"] for item in listed if item["rollout"] == newest)


def recounted(found: dict[str, Any]) -> list[str]:
    """Both counts in words; none where nothing differed."""
    if not found["live"] and not found["pooled"]:
        return []
    noise = f"; noise: {', '.join(found['excused'])}" if found["excused"] else ""
    return [
        f"mismatches in the log: {found['live']} as counted live, "
        f"{found['pooled']} with what all comparators learnt of the noise{noise}"
    ]


def show(result: dict[str, Any]) -> None:
    """The totals, each reason with examples, and rules nobody needed."""
    console = Console(highlight=False, soft_wrap=True)
    console.print(
        f"{result['rollout']}: {result['mismatched']} of {result['compared']} answers differ, "
        f"{result['failed']} shadow reads failed, since {result['since']}; "
        f"the control was asked twice {result['pairs']} times at random",
        markup=False,
    )
    for text in recounted(result["recount"]):
        console.print(f"  {text}", markup=False)
    for item in result["reasons"]:
        console.print(f"  {item['sentence']}; first at {item['first_seen']}", markup=False)
        for one in item["examples"]:
            said = f", {one['hint']}" if one["hint"] else ""
            who = one["user_hash"]
            console.print(
                f"    {one['control']} -> {one['candidate']}{said} (user {who})", markup=False
            )
    for rule in result["unused_rules"]:
        console.print(f"  no difference has needed the rule {rule}", markup=False)
