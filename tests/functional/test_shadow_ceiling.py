"""The ceiling on the shadow, where the flag is set."""

from typing import Any

import pytest

from rollout.domain.flag import CLOSED
from rollout.domain.minute import Row
from rollout.domain.sampling import HOUR, LOOK_BACK_SECONDS
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
    """The seconds that are looked at."""
    return LOOK_BACK_SECONDS


def test_busy_traffic_is_compared_in_part(lately: int) -> None:
    assert shadow_of(busy(1000, lately), most_per_second=10) == 100


def test_a_phase_that_begins_at_night_has_the_share_of_the_busy_hours_to_come(lately: int) -> None:
    day = busy(1000, lately)
    night = [row for row in busy(10, lately).known if row.at >= NOW - 6 * HOUR]
    day.known = [row for row in day.known if row.at < NOW - 6 * HOUR] + night
    assert shadow_of(day, most_per_second=10) == 100


def test_one_busy_minute_does_not_make_an_hour(lately: int) -> None:
    calm = busy(10, lately)
    calm.known[30] = busy(100, lately).known[30]
    assert shadow_of(calm, most_per_second=10) == 10_000 * 10 * 60 // (59 * 10 + 100)


def test_what_is_older_than_a_day_is_not_asked_for(lately: int) -> None:
    old = busy(1000, lately + HOUR)
    old.known = [row for row in old.known if row.at < NOW - lately]
    assert old.known
    assert shadow_of(old, most_per_second=10) == shadow_of(busy(1, lately))


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
