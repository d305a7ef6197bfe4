"""The ceiling on the shadow, where the flag is set."""

from typing import Any

import pytest

from rollout.domain.flag import CLOSED
from rollout.domain.minute import Row
from rollout.domain.window import Arm
from rollout.handlers import set_exposure
from tests import fakes
from tests.fakes import NOW, FakeFlags, FakeMetrics

MINUTE = 60


def shadow_of(metrics: FakeMetrics, **comparison: Any) -> int:
    """The share of control reads that the flag of the soak has compared, in basis points."""
    event = fakes.event("set_exposure.shadow")
    event["plan"]["comparison"] = {**event["plan"].get("comparison", {}), **comparison}
    flags = FakeFlags(CLOSED)
    set_exposure.set_exposure(event, set_exposure.Ports(flags, metrics, lambda: NOW))
    return flags.flag.shadow_bps


def busy(per_second: int, seconds: int) -> FakeMetrics:
    """So many reads a second lately, a tenth of them by the candidate."""
    arms = Arm(per_second * MINUTE * 9 // 10), Arm(per_second * MINUTE // 10)
    return FakeMetrics([Row(NOW - at, *arms) for at in range(MINUTE, seconds + 1, MINUTE)])


@pytest.fixture
def lately() -> int:
    """The seconds that the plan looks back for what is usual."""
    return int(fakes.event("set_exposure.shadow")["plan"]["slowness"]["reference_seconds"])


def test_busy_traffic_is_compared_in_part(lately: int) -> None:
    assert shadow_of(busy(1000, lately), most_per_second=10) == 100


def test_quiet_traffic_is_compared_as_the_plan_says(lately: int) -> None:
    planned = shadow_of(busy(1, lately))
    assert shadow_of(busy(1, lately), most_per_second=10) == planned > 0


def test_unknown_traffic_is_compared_as_the_plan_says() -> None:
    planned = shadow_of(FakeMetrics())
    assert shadow_of(FakeMetrics(unavailable="late"), most_per_second=0.1) == planned


def test_without_a_ceiling_nothing_more_is_asked_of_cloudwatch(
    lately: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeMetrics, "rows", None)
    assert shadow_of(busy(1000, lately)) > 0
