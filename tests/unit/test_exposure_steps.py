"""What was served to everyone, and from when, out of what the executions said."""

from typing import Any

from ops.records.record import exposure_steps
from ops.records.visits import Visit


def confirmed(at: float, word: str, phase: str, bps: int) -> Visit:
    said = {"word": word, "phase": phase, "served_at": at, "exposure_bps": bps}
    return Visit("Confirm Exposure", at - 1, {}, at, {"exposure": said})


def steps(*visits: Visit) -> list[tuple[float, str, int]]:
    given: dict[str, Any] = {"phases": [{"name": "ramp-25", "shadow_bps": 300}]}
    found = exposure_steps([{"visits": list(visits)}], given)
    return [(step["at"], step["phase"], step["exposure_bps"]) for step in found]


def test_a_step_down_is_a_change_of_what_is_served() -> None:
    up, down = (
        confirmed(10, "SERVED_LIVE", "ramp-25", 2500),
        confirmed(20, "SERVED_DOWN", "ramp-5", 500),
    )
    assert steps(up, down) == [(10, "ramp-25", 2500), (20, "ramp-5", 500)]


def test_what_still_spreads_is_not_served_yet() -> None:
    assert steps(confirmed(10, "SPREADING", "ramp-25", 2500)) == []


def test_a_rollback_ends_it() -> None:
    back = Visit("Roll Back", 29, {}, 30, {"outcome": {"word": "ROLLED_BACK"}})
    assert steps(confirmed(10, "SERVED_LIVE", "ramp-25", 2500), back)[-1] == (30, "", 0)
