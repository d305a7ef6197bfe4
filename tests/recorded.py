"""A rollout's record as `ops.records` gives it, small enough to reason about.

It was launched at LAUNCHED, soaked, exposed 1 %, and a day later 5 %, where it runs now.
"""

import json
from typing import Any, Final

from tests.fakes import ROOT

LAUNCHED: Final = 1_795_539_738.0
DAY: Final = 86_400.0
DECIDES: Final = 100.0
MACHINE: Final[dict[str, Any]] = json.loads(
    (ROOT / "statemachines" / "playbook.asl.json").read_text(encoding="utf-8")
)

LAUNCH_PATH: Final = (
    *("Preflight", "Fit to Start?", "Drill Rollback", "Rollback Proven?", "Start Shadow"),
    *("Confirm Exposure", "Exposure Served?", "Shadow Soak", "Evaluate Shadow", "Shadow Sound?"),
    *("Shadow Soak", "Evaluate Shadow", "Shadow Sound?", "Enable Canary", "Confirm Exposure"),
    *("Exposure Served?", "Bake", "Evaluate Metrics", "Go / No-Go?", "What Comes Next?"),
    *("Schedule Ramp", "Notify", "How Did It End?", "Launched"),
)
RAMP_PATH: Final = (
    *("Preflight", "Fit to Start?", "Raise Exposure", "Confirm Exposure", "Exposure Served?"),
    *("Bake", "Evaluate Metrics", "Go / No-Go?", "Bake"),
)


def visit(state: str, at: float, seconds: float | None, **more: Any) -> dict[str, Any]:
    """One visit as JSON values; seconds None while it lasts."""
    left = None if seconds is None else at + seconds
    found = {"state": state, "entered_at": at, "input": {"before": state}, "left_at": left}
    output = None if seconds is None else {"after": state}
    return {**found, "output": output, "failures": [], "seconds": seconds, **more}


def visits(path: tuple[str, ...], at: float, *, running: bool = False) -> list[dict[str, Any]]:
    """Each state for two seconds, one after the other."""
    last = len(path) - 1
    return [
        visit(state, at + 2 * number, None if running and number == last else 2.0)
        for number, state in enumerate(path)
    ]


def execution(
    name: str, action: str, phase: str, found: list[dict[str, Any]], status: str = "SUCCEEDED"
) -> dict[str, Any]:
    """One execution that lasted as long as its visits."""
    stopped = None if status == "RUNNING" else found[-1]["left_at"]
    return {
        **{"name": name, "arn": f"arn:aws:states:eu-west-1:1:execution:playbook:{name}"},
        **{"action": action, "phase": phase, "status": status, "error": ""},
        **{"started_at": found[0]["entered_at"], "stopped_at": stopped, "visits": found},
    }


def standing(metric: str, events: int, requests: int, evidence: float) -> dict[str, Any]:
    """A guardrail's standing with the limits of the small plan."""
    counts = {"metric": metric, "events": events, "requests": requests}
    bounds = {"low": 0.0, "high": 0.5, "limit": 0.02, "to_certify": 0.02, "needed": 55}
    return {**counts, **bounds, "evidence": evidence}


def look(at: float, phase: str, against: float, *standings: dict[str, Any]) -> dict[str, Any]:
    """One look at the evidence."""
    known = {"at": at, "phase": phase, "against": against, "decides": DECIDES, "ready": False}
    return {**known, "standings": list(standings)}


def minute(at: float, phase: str, control: int, candidate: int) -> dict[str, Any]:
    """One minute of counts without an error."""
    return {
        **{"at": at, "phase": phase},
        "control": {"requests": control, "errors": 0, "slow": 0},
        "candidate": {"requests": candidate, "errors": 0, "slow": 0},
        "shadow": {"compared": control // 2, "mismatched": 0, "failed": 0},
    }


def record(**changes: Any) -> dict[str, Any]:
    """The record; changes replace its parts."""
    launch = execution("beta-1", "launch", "", visits(LAUNCH_PATH, LAUNCHED))
    ramped = visits(RAMP_PATH, LAUNCHED + DAY, running=True)
    ramp = execution("beta-1-ramp-5", "ramp", "ramp-5", ramped, "RUNNING")
    served = (("soak", 12.0, 0, 6000), ("canary", 30.0, 100, 3000), ("ramp-5", DAY + 8, 500, 3000))
    exposure = [
        {"at": LAUNCHED + after, "phase": name, "exposure_bps": bps, "shadow_bps": shadow}
        for name, after, bps, shadow in served
    ]
    seconds = range(30, 36)
    looks = [
        look(
            LAUNCHED + second,
            "canary",
            0.5 + second / 10,
            standing("errors", second - 30, 10 * (second - 29), second / 10),
            standing("slow", 0, 10 * (second - 29), 0.3),
            standing("mismatches", 1, 100, 0.1),
            standing("shadow_failures", 0, 100, 0.1),
        )
        for second in seconds
    ]
    word = {"at": LAUNCHED + 36, "execution": "beta-1", "state": "Evaluate Metrics"}
    verdict = {**word, "word": "HOLD", "phase": "canary", "next": "RAMP", "otherwise": ""}
    verdict |= {"sentence": "HOLD: errors 0 of 36 (0.00%), to certify 4.00%.", "guardrails": []}
    found = {
        **{"stack": "a-stack", "rollout": "beta-1", "read_at": LAUNCHED + DAY + 20},
        **{"outcome": {"word": "RUNNING", "reason": "so far"}, "plan": {"name": "beta"}},
        **{"launched_at": LAUNCHED, "ended_at": None, "executions": [launch, ramp]},
        **{"exposure": exposure, "verdicts": [verdict], "approvals": [], "period_seconds": 1},
        "minutes": [minute(LAUNCHED + second, "canary", 50, 3) for second in seconds],
        **{"looks": looks, "unavailable": "", "question": None, "scheduled": []},
        "served": {"exposure_bps": 500, "shadow_bps": 3000, "lease_until": "2026-11-26T10:00:00"},
    }
    return {**found, **changes}
