"""What is shown of a rollout now: from its record, as JSON values. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from ops.records.happenings import happenings
from rollout.domain.arrivals import Wait, wait

Record = Mapping[str, Any]
# Which counts a guardrail's evidence comes from: (part of a minute, the counts that add up).
SOURCES: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "errors": ("candidate", ("requests",)),
    "slow": ("candidate", ("requests",)),
    "mismatches": ("shadow", ("compared",)),
    "shadow_failures": ("shadow", ("compared", "failed")),
}
LOGGED: Final = 8


def view(record: Record) -> dict[str, Any]:
    """{"rollout", "stack", "at", "word", "reason", "phase", "state", "exposure_bps", "shadow_bps",
    "lease_until", "bake", "guardrails", "against", "decides", "sentence", "otherwise", "question",
    "scheduled", "unavailable", "log"}.

    bake is None when nothing bakes, else {"baked", "seconds", "longest": seconds, "left": seconds
    until it can pass as {"likely", "soonest", "latest"} or None when unknown, "asks_in"}.
    """
    phase, state = _place(record)
    look = _look(record, phase)
    verdict = record["verdicts"][-1] if record["verdicts"] else {}
    running = record["ended_at"] is None
    rails = [_rail(record, phase, standing) for standing in look.get("standings", ())]
    return {
        "rollout": record["rollout"],
        "stack": record["stack"],
        "at": record["read_at"],
        "word": record["outcome"]["word"],
        "reason": record["outcome"]["reason"],
        "phase": phase if running else "",
        "state": state,
        **record["served"],
        "bake": _bake(record, phase, rails) if running and state else None,
        "guardrails": rails,
        "against": look.get("against"),
        "decides": look.get("decides"),
        "sentence": verdict.get("sentence", ""),
        "otherwise": verdict.get("otherwise", ""),
        "question": record["question"],
        "scheduled": record["scheduled"],
        "unavailable": record["unavailable"],
        "log": happenings(record)[-LOGGED:],
    }


def _place(record: Record) -> tuple[str, str]:
    """(phase that is served, state the running execution is in); "" for what there is not."""
    phases = [step["phase"] for step in record["exposure"]]
    running = [item for item in record["executions"] if item["status"] == "RUNNING"]
    visits = running[-1]["visits"] if running else []
    return (phases[-1] if phases else ""), (visits[-1]["state"] if visits else "")


def _look(record: Record, phase: str) -> Mapping[str, Any]:
    """The newest look; that of a phase before says nothing of the one that has just begun."""
    looks = record["looks"]
    newest = looks[-1] if looks else {}
    return newest if not phase or newest.get("phase") == phase else {}


def _began(record: Record) -> float:
    return float(record["exposure"][-1]["at"])


def _rail(record: Record, phase: str, standing: Mapping[str, Any]) -> dict[str, Any]:
    """The standing with its rate and the seconds until it is certified."""
    events, requests = standing["events"], standing["requests"]
    period = record["period_seconds"]
    found = wait(standing["needed"], _counts(record, phase, standing["metric"]), period)
    return {
        **standing,
        "rate": events / requests if requests else None,
        "left": _seconds(found),
    }


def _counts(record: Record, phase: str, metric: str) -> list[int]:
    """The counts per period of this phase, also of the periods without any."""
    part, names = SOURCES[metric]
    mine = [minute for minute in record["minutes"] if minute["phase"] == phase]
    if not mine:
        return []
    began = mine[0]["at"]
    length = 1 + round((mine[-1]["at"] - began) / record["period_seconds"])
    counts = [0] * length
    for minute in mine:
        place = round((minute["at"] - began) / record["period_seconds"])
        counts[place] += sum(minute[part][name] for name in names) if minute[part] else 0
    return counts


def _seconds(found: Wait | None) -> dict[str, float] | None:
    return vars(found).copy() if found else None


def _bake(record: Record, phase: str, rails: list[dict[str, Any]]) -> dict[str, Any] | None:
    """How far the bake is, and when the phase can pass: bake over and everything certified.

    What the counts are short of the clock (`settle_seconds`) has to pass as well.
    """
    plan = record["plan"]
    planned = next((one for one in plan.get("phases", ()) if one["name"] == phase), None)
    if planned is None or not record["exposure"]:
        return None
    settle = plan["evaluation"]["settle_seconds"]
    baked = max(0.0, record["read_at"] - _began(record))
    rest = max(0.0, planned["bake_seconds"] + settle - baked)
    left = None
    if rails and all(rail["left"] for rail in rails):
        left = {
            key: max(rest, *(rail["left"][key] + settle * (rail["needed"] > 0) for rail in rails))
            for key in ("likely", "soonest", "latest")
        }
    return {
        "baked": baked,
        "seconds": planned["bake_seconds"],
        "longest": planned["maximum_bake_seconds"],
        "left": left,
        "asks_in": max(0.0, planned["maximum_bake_seconds"] + settle - baked),
    }


def next_step(shown: Mapping[str, Any]) -> dict[str, Any] | None:
    """The next schedule: {"name", "at": ISO 8601, "in": seconds, not negative}."""
    if not shown["scheduled"]:
        return None
    first = min(shown["scheduled"], key=lambda item: str(item["at"]))
    at = datetime.fromisoformat(first["at"].replace("Z", "+00:00")).timestamp()
    return {"name": first["name"], "at": first["at"], "in": max(0.0, at - shown["at"])}
