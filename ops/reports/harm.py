"""What a rollout cost its users, and what the alarm it stands in for would have let pass. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ops.pictures.svg import lasting
from ops.reports.whole_alarm import BREACHING, LIMIT, OF, Ringing, bad_in, replay
from ops.watching.words import moment
from rollout.domain.notice import percent

Record = Mapping[str, Any]


def harm(record: Record, counted: Mapping[str, Any], users: int | None = None) -> dict[str, Any]:
    """{"requests": answered for exposed users, "slow", "fell_back", "bad", "exposed", "touched",
    "alarm", "avoided"}: counts, and sentences for the last four.

    counted: the users touched, as `ops.touching` counts them. users: how many there are, where
    somebody knows it.
    """
    who = {"exposed": _exposed(record, users), "touched": _touched(record, counted)}
    if record["unavailable"]:
        unknown = f"not known: {record['unavailable']}"
        return {**who, "alarm": unknown, "avoided": unknown}
    candidates = [minute["candidate"] for minute in record["minutes"] if minute["candidate"]]
    found = replay(record["minutes"], record["period_seconds"], _since(record))
    return {
        "requests": sum(arm["requests"] for arm in candidates),
        "slow": sum(arm["slow"] for arm in candidates),
        "fell_back": sum(arm["errors"] for arm in candidates),
        "bad": sum(map(bad_in, record["minutes"])),
        **who,
        "alarm": _alarm(record, found),
        "avoided": _avoided(record, found),
    }


def highest_bps(record: Record) -> int:
    """The highest exposure that was served to everyone."""
    return max((int(step["exposure_bps"]) for step in record["exposure"]), default=0)


def _exposed(record: Record, users: int | None) -> str:
    """How many users the candidate was to answer; from the cohort's share, or honest words."""
    bps = highest_bps(record)
    if not bps:
        return "none: nobody was exposed"
    cohort = f"the cohort is {percent(bps)} of users"
    if users is None:
        return f"{cohort}; how many that are is not counted (--users says how many there are)"
    return f"about {round(users * bps / 10_000)} of {users}: {cohort}, and those who sent a request"


def _touched(record: Record, counted: Mapping[str, Any]) -> str:
    """How many users met harm, as far as the log lines say it."""
    if not highest_bps(record):
        return "none: nobody was exposed"
    if "unavailable" in counted:
        return f"cannot tell: {counted['unavailable']}"
    users, requests, least = counted["users"], counted["requests"], _least(record)
    found = f"{users}, by the hashes in the log lines of {requests} requests"
    if requests < least:
        return f"at least {found}; the metrics count {least} or more, so lines are missing"
    if not users:
        return "none: no exposed user had a request that was slow or fell back"
    most = sum(map(bad_in, record["minutes"]))
    # A rollback takes a poll interval to reach every reader; nobody weighs what they do meanwhile.
    later = record["minutes"] and requests > most
    return f"{found}; counts of requests end with the last verdict" if later else found


def _least(record: Record) -> int:
    """So many requests were bad at least: one that was slow and fell back is in both counts."""
    arms = (minute["candidate"] for minute in record["minutes"] if minute["candidate"])
    return sum(max(int(arm["errors"]), int(arm["slow"])) for arm in arms)


def _since(record: Record) -> float | None:
    """When the harm began that a verdict has named; None when none did."""
    named = [one["since"] for one in record["verdicts"] if one.get("since")]
    return datetime.fromisoformat(named[-1]).timestamp() if named else None


def _alarm(record: Record, found: Ringing) -> str:
    """When the alarm of the whole function would have rung."""
    rule = (
        f"an alarm on the whole function, more than {LIMIT:.0%} errors in {BREACHING} of {OF} "
        f"periods of {lasting(record['period_seconds'])}"
    )
    if found.rang_at is not None:
        return f"{rule}, would have rung at {moment(found.rang_at)}, after {found.bad} bad requests"
    return (
        f"{rule}, would never have rung in the recorded time, with {found.bad} bad requests in it"
    )


def _avoided(record: Record, found: Ringing) -> str:
    """What the end came before, where that can be told."""
    word, ended = record["outcome"]["word"], record["ended_at"]
    if word != "ROLLED_BACK" or ended is None:
        return "nothing to avoid: it was not rolled back"
    if found.rang_at is not None:
        return _against(found.rang_at - _closed_at(record, ended))
    if found.rate is None:
        return "not known: no verdict says since when there was harm"
    if found.more_periods is None:
        return (
            f"the whole function's error rate stayed at {found.rate:.2%} since the harm began: at "
            "this exposure that alarm would never ring, and the harm would last until somebody "
            "notices"
        )
    wait = lasting(found.more_periods * record["period_seconds"])
    return (
        f"had it gone on like that, the alarm would have rung about {wait} later, after about "
        f"{found.more_bad} more bad requests"
    )


def _against(sooner: float) -> str:
    if sooner > 0:
        return f"the rollback came {lasting(sooner)} before that alarm"
    early = f"{lasting(-sooner)} before the rollback"
    return f"none: that alarm, evaluated without delay, would have rung {early}"


def _closed_at(record: Record, ended: float) -> float:
    steps = [step["at"] for step in record["exposure"] if not step["exposure_bps"]]
    return float(steps[-1]) if steps and not record["exposure"][-1]["phase"] else ended
