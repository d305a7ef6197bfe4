"""What was served to everyone, and from when, out of what the executions said."""

from types import SimpleNamespace
from typing import Any

import pytest

from ops.deployed import Stack
from ops.records import exposures
from ops.records.exposures import carried_shadows, exposure_steps
from ops.records.visits import Visit
from rollout.adapters.flags import FlagMissingError
from tests.fakes import FakeFlags, exposed


def confirmed(at: float, word: str, phase: str, bps: int) -> Visit:
    said = {"word": word, "phase": phase, "served_at": at, "exposure_bps": bps, "deployment": 7}
    return Visit("Confirm Exposure", at - 1, {}, at, {"exposure": said})


PLAN: dict[str, Any] = {"phases": [{"name": "ramp-25", "shadow_bps": 300}]}


def steps(*visits: Visit) -> list[tuple[float, str, int]]:
    found = exposure_steps([{"visits": list(visits)}], PLAN)
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


@pytest.mark.parametrize(("carried", "shown"), [(40, 40), (0, 0), (None, 300)])
def test_the_shadow_is_what_the_deployment_carried_or_the_plan_where_that_is_gone(
    carried: int | None, shown: int
) -> None:
    visit, asked = confirmed(10, "SERVED_LIVE", "ramp-25", 2500), []

    def shadow(number: int) -> int | None:
        asked.append(number)
        return carried

    (step,) = exposure_steps([{"visits": [visit]}], PLAN, shadow)
    assert (step["shadow_bps"], asked) == (shown, [7])


# A ceiling in the plan

STACK = Stack("stack", {})


@pytest.fixture
def flags(monkeypatch: pytest.MonkeyPatch) -> FakeFlags:
    """Deployment 2 carried a share of 40 bps."""
    found = FakeFlags()
    found.deploy(found.current(), exposed(2500, shadow_bps=40), "beta-1", urgent=False)
    monkeypatch.setattr(Stack, "settings", lambda stack: None)
    monkeypatch.setattr(exposures, "AppConfigFlags", SimpleNamespace(connect=lambda known: found))
    return found


def test_a_lowered_share_is_read_from_the_flag_once(flags: FakeFlags) -> None:
    ceiling, known = {"comparison": {"most_per_second": 5}}, {}
    assert carried_shadows(STACK, ceiling, known)(2) == 40
    flags.known.clear()
    assert carried_shadows(STACK, ceiling, known)(2) == 40


def test_without_a_ceiling_nobody_is_asked(flags: FakeFlags) -> None:
    assert carried_shadows(STACK, {"comparison": {}}, {})(2) is None
    assert carried_shadows(STACK, {}, {})(2) is None


def test_a_flag_that_is_gone_is_not_known(
    flags: FakeFlags, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(number: int) -> Any:
        raise FlagMissingError(f"deployment {number} is not listed any more")

    monkeypatch.setattr(flags, "carried", gone)
    assert carried_shadows(STACK, {"comparison": {"most_per_second": 5}}, {})(2) is None
