"""Before the launch: can each phase say yes in time, from the traffic that is to be expected?

Clean requests that certify come from the certificate itself. Requests that detect harm are those
after which the log of the best bet's wealth, a random walk, is above what rolls back in nine of ten
rollouts, by the normal approximation (Wald 1947); tests check it against simulation.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rollout.domain import fields
from rollout.domain.bets import ladder
from rollout.domain.case import ERRORS, SHADOW_FAILURES
from rollout.domain.certificate import clean_requests_needed
from rollout.domain.flag import FULL_BPS
from rollout.domain.forecast import Forecast
from rollout.domain.harm import FIRST, STEP
from rollout.domain.plan import SHADOW, Phase, Plan
from rollout.domain.promises import LIVE, Promises, promises_of
from rollout.domain.sampling import HOUR, LOOK_BACK_SECONDS, shadow_share
from rollout.domain.slowness import IDLE

# 90 % of a normal distribution lie below its mean and so many standard deviations.
NINE_OF_TEN: Final = 1.2816


@dataclass(frozen=True)
class Outlook:
    """What a phase can be expected to see.

    requests: of the arm that is judged, in the planned bake. certify, detect: how many it takes to
    say yes, and to notice twice the limit in nine of ten rollouts, with the seconds each takes.
    users: expected in the cohort. nobody: the chance that there is none. cold: whether the
    candidate is asked so seldom that it meets cold sandboxes where the control does not. problem:
    "" if it fits.
    """

    phase: str
    exposure_bps: int
    requests: float
    certify: int
    certify_seconds: float
    detect: int
    detect_seconds: float
    users: float
    nobody: float
    cold: bool
    problem: str


def outlook(plan: Plan, forecast: Forecast, users: int, listed: int = 0) -> tuple[Outlook, ...]:
    """One outlook per phase; users: how many there are, listed: of them on the allow-list.

    Raises InvalidInputError for a number of users that is none.
    """
    fields.whole(users, "users", least=1)
    promises = promises_of(plan, plan.evaluation.period_seconds)
    start, found = 0.0, []
    for index, phase in enumerate(plan.phases):
        start = max(start, float(phase.starts_after_seconds))
        found.append(_outlook(plan, promises, index, forecast, (start, users, listed)))
        start += phase.bake_seconds
    return tuple(found)


def _outlook(
    plan: Plan,
    promises: Promises,
    index: int,
    forecast: Forecast,
    known: tuple[float, int, int],
) -> Outlook:
    start, users, listed = known
    phase = plan.phases[index]
    exposure = phase.exposure_bps / FULL_BPS
    shadow = shadow_expected(plan, phase, forecast, start)
    certify, seconds = _slowest(phase, promises, index, forecast, (start, shadow))
    detect = requests_to_detect(promises, phase)
    share, reads = exposure or shadow, forecast.requests(start, phase.bake_seconds)
    asked = exposure + (1 - exposure) * shadow
    return Outlook(
        phase.name,
        phase.exposure_bps,
        share * reads,
        certify,
        seconds,
        detect,
        forecast.seconds_for(detect, start, share),
        users * exposure,
        0.0 if listed else (1 - exposure) ** users,
        exposure > 0 and asked < 1 and asked * reads * 60 * IDLE < phase.bake_seconds,
        _problem(phase, seconds),
    )


def shadow_expected(plan: Plan, phase: Phase, forecast: Forecast, start: float) -> float:
    """The share of reads that a phase which begins then will compare, under the plan's ceiling.

    It is decided at the phase's begin, from the busiest hour of the day before; before the launch
    the reads are taken to have been as the forecast goes round.
    """
    hours = range(HOUR, LOOK_BACK_SECONDS + 1, HOUR)
    per_second = max(forecast.requests(start - ago, HOUR) for ago in hours) / HOUR
    return shadow_share(plan, phase, per_second) / FULL_BPS


def _slowest(
    phase: Phase,
    promises: Promises,
    index: int,
    forecast: Forecast,
    known: tuple[float, float],
) -> tuple[int, float]:
    """(clean requests, seconds) of the metric that takes longest to certify in the phase.

    known: its begin, and the share of reads that it compares. Shadow metrics count from the launch
    on, so only the first phase waits for them.
    """
    worst, (start, shadow) = (0, 0.0), known
    exposure = phase.exposure_bps / FULL_BPS
    for metric, bound in promises.stages[index].certify.items():
        live = metric in LIVE
        if not live and phase.kind != SHADOW:
            continue
        share = exposure if live else shadow
        needed = clean_requests_needed(0, 0, bound, promises.beta) if bound < 1 else 0
        seconds = forecast.seconds_for(needed, start, share)
        worst = max(worst, (needed, seconds), key=lambda pair: pair[1])
    return worst


def requests_to_detect(promises: Promises, phase: Phase) -> int:
    """Requests after which a candidate at twice the limit is rolled back in nine of ten rollouts.

    For errors, or shadow failures while nobody is exposed; the harm begins with the phase.
    """
    rail = promises.rails[SHADOW_FAILURES if phase.kind == SHADOW else ERRORS]
    full = phase.exposure_bps == FULL_BPS and rail.full_share > 0
    null, share = (rail.full, rail.full_share) if full else (rail.tolerated, rail.share)
    stake = FIRST if phase.kind != "ramp" or full else STEP
    rate = min(0.95, 2 * rail.limit)
    rates = ladder(null, fractional=not full and phase.kind != SHADOW)
    return min(
        _walk(rate, null, one.effect, promises.alpha, share * stake * one.share) for one in rates
    )


def _walk(rate: float, null: float, bet: float, alpha: float, stake: float) -> int:
    """Requests until a walk with these steps is above ln(1 / (alpha stake)) with 90 % chance."""
    up, down = math.log(bet / null), math.log((1 - bet) / (1 - null))
    drift = rate * up + (1 - rate) * down
    if drift <= 0:
        return 10**9
    spread = math.sqrt(rate * (1 - rate)) * (up - down)
    goal = math.log(1 / (alpha * stake))
    root = (NINE_OF_TEN * spread + math.sqrt((NINE_OF_TEN * spread) ** 2 + 4 * drift * goal)) / (
        2 * drift
    )
    return math.ceil(root * root)


def _problem(phase: Phase, seconds: float) -> str:
    if seconds <= phase.maximum_bake_seconds:
        return ""
    if math.isinf(seconds):
        return "there is no traffic to certify with"
    longest = phase.maximum_bake_seconds
    return f"certifying takes {seconds:.0f} s, the longest bake is {longest} s"


def suggestions(outlooks: Sequence[Outlook]) -> tuple[str, ...]:
    """What a person might do about the phases that do not fit, and about empty cohorts."""
    found = [f"{one.phase}: {one.problem}" for one in outlooks if one.problem]
    found += [
        f"{one.phase}: with a chance of {one.nobody:.0%} nobody is in the cohort; "
        "put users into cohort.allow_list"
        for one in outlooks
        if one.exposure_bps and one.nobody >= 0.05
    ]
    found += [
        f"{one.phase}: the candidate is asked less than once in {IDLE} minutes, so "
        "cold sandboxes make it look slow; keep the shadow on (shadow_bps), or expose more at once"
        for one in outlooks
        if one.cold
    ]
    return tuple(found)
