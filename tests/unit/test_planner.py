"""The planner: its promises about time are those of the certificate and of simulation."""

import math
import random
from dataclasses import replace

import pytest

from rollout.domain.bets import Rates, ladder
from rollout.domain.errors import InvalidInputError
from rollout.domain.forecast import Forecast
from rollout.domain.harm import Absolute, When
from rollout.domain.plan import Plan
from rollout.domain.planner import Outlook, outlook, requests_to_detect, suggestions
from rollout.domain.promises import promises_of

DAY = 86400
BUSY = Forecast.constant(144_000)  # 100 a minute


def phases(
    plan: Plan, forecast: Forecast = BUSY, users: int = 50, listed: int = 0
) -> list[Outlook]:
    return list(outlook(plan, forecast, users, listed))


def test_a_canary_certifies_with_8_clean_requests(plan: Plan) -> None:
    canary = phases(plan)[1]
    # Half of the users come next: 2 % / 50 % is 4 %, which takes 91.
    assert canary.certify == 91
    assert canary.certify_seconds == pytest.approx(91 * 60, rel=0.01)


def test_requests_in_the_bake_are_those_of_the_judged_arm(plan: Plan) -> None:
    assert [round(phase.requests) for phase in phases(plan)] == [100, 1, 83, 167]


def test_fifty_users_at_one_percent_are_likely_nobody(plan: Plan) -> None:
    canary = phases(plan)[1]
    assert canary.nobody == pytest.approx(0.605, abs=0.001)
    assert "with a chance of 61% nobody is in the cohort" in suggestions([canary])[-1]


def test_an_allow_list_is_somebody(plan: Plan) -> None:
    assert phases(plan, listed=1)[1].nobody == 0


def test_a_candidate_that_is_hardly_asked_would_be_judged_by_its_cold_sandboxes(plan: Plan) -> None:
    quiet = Forecast.constant(1000)
    alone = replace(plan, phases=tuple(replace(phase, shadow_bps=0) for phase in plan.phases))
    mirrored = replace(
        plan, phases=tuple(replace(phase, shadow_bps=10_000) for phase in plan.phases)
    )
    assert [phase.cold for phase in phases(alone, quiet)] == [False, True, False, False]
    assert "canary: the candidate is asked less than once in 5 minutes" in " ".join(
        suggestions(phases(alone, quiet))
    )
    assert not any(phase.cold for phase in [*phases(mirrored, quiet), *phases(alone)[2:]])


def test_a_phase_that_cannot_certify_in_time_is_named_with_both_times(plan: Plan) -> None:
    canary = phases(plan, Forecast.constant(1000))[1]
    assert canary.problem == "certifying takes 786240 s, the longest bake is 600 s"
    assert suggestions([canary])[0].startswith("canary: certifying takes")


def test_a_ceiling_on_the_shadow_leaves_it_fewer_requests_and_takes_longer(plan: Plan) -> None:
    free, *_ = phases(plan)
    held, canary, *_ = phases(replace(plan, most_compared_per_second=0.5))
    assert held.requests == pytest.approx(30)  # of 100 a minute
    assert held.certify == free.certify
    assert held.certify_seconds == pytest.approx(free.certify_seconds * 100 / 30, rel=0.01)
    assert canary == phases(plan)[1]


def test_without_traffic_nothing_is_ever_certified(plan: Plan) -> None:
    found = phases(plan, Forecast.constant(0))
    assert all(math.isinf(phase.certify_seconds) for phase in found)
    assert found[0].problem == "there is no traffic to certify with"


@pytest.mark.parametrize("counts", [(), (-1.0,), (5.0, -0.1)])
def test_a_forecast_that_is_none_is_refused(counts: tuple[float, ...]) -> None:
    with pytest.raises(InvalidInputError) as caught:
        Forecast(counts, 300)
    assert caught.value.field == "forecast"


def test_a_forecast_repeats_itself() -> None:
    forecast = Forecast((10, 30), 100)
    assert forecast.requests(0, 200) == 40
    assert forecast.requests(50, 100) == 20
    assert forecast.requests(950, 200) == 35 + 5


def test_waiting_for_requests_is_the_inverse_of_counting_them() -> None:
    forecast = Forecast((10, 0, 0, 50), 100)
    seconds = forecast.seconds_for(30, 100, 0.5)
    assert 0.5 * forecast.requests(100, seconds) == pytest.approx(30, abs=0.3)


@pytest.mark.parametrize("name", ["soak", "canary", "full"])
def test_what_detection_takes_is_what_simulation_takes(plan: Plan, name: str) -> None:
    promises, phase = promises_of(plan, 10), plan.phase(name)
    planned = requests_to_detect(promises, phase)
    rail = promises.rails["shadow_failures" if name == "soak" else "errors"]
    full = name == "full"
    null, share = (rail.full, rail.full_share) if full else (rail.tolerated, rail.share)
    chance = random.Random(2)
    taken = sorted(
        simulated(chance, 2 * rail.limit, null, share, name == "canary") for _ in range(60)
    )
    nine_of_ten = taken[53]
    assert 0.6 < nine_of_ten / planned < 1.6


def simulated(
    chance: random.Random, rate: float, null: float, share: float, fractional: bool
) -> int:
    """Requests, ten a minute, until the evidence alone rolls back."""
    test = Absolute(Rates(ladder(null, fractional=fractional)), 1000)
    requests = 0
    while share * test.wealth.value < 100:
        counts = (sum(chance.random() < rate for _ in range(10)), 10)
        test.see(counts, null, When(0, requests, 0.0002))
        requests += 10
    return requests
