"""The kinds of rollout: what the weather is like, and what the candidate does."""

from dataclasses import dataclass, replace
from typing import Final

from benchmarks.decision.world import Weather

HEALTHY, TOLERABLE, HARMFUL = "healthy", "tolerable", "harmful"
SILENT, TROUBLED, STRESS = "silent", "troubled", "stress"


@dataclass(frozen=True)
class Onset:
    """When the candidate's change is there.

    weight: from this exposure on. late: begins at a random moment while users are exposed.
    ramp: minutes (at 60-minute stages) over which it grows. every: in one minute out of so many.
    lasts: minutes, 0 for ever. steps: only in the first minute after each step of the ramp.
    in_shadow: mirrored requests show it as well. in_storms: only while a storm hits both arms.
    """

    weight: float = 0.0
    late: bool = False
    ramp: int = 0
    every: int = 1
    lasts: int = 0
    steps: bool = False
    in_shadow: bool = False
    in_storms: bool = False


@dataclass(frozen=True)
class Change:
    """What differs from the control while it is there.

    error: a rate; times: a multiple of the control's rate. scale: of all times. tail: further
    share of the requests in the tail. mismatch: share of answers that differ.
    tenant: (which, its error rate). silent: answers nothing. cold: starts after idle minutes.
    """

    error: float | None = None
    times: float = 1.0
    scale: float = 1.0
    tail: float = 0.0
    mismatch: float = 0.0
    tenant: tuple[int, float] | None = None
    silent: bool = False
    cold: bool = False


CALM: Final = Weather()
USUAL: Final = Weather(storms=0.5)


@dataclass(frozen=True)
class Scenario:
    """One kind of rollout."""

    name: str
    kind: str
    change: Change = Change()
    onset: Onset = Onset()
    weather: Weather = USUAL


SHADOW: Final = Onset(in_shadow=True)

_HEALTHY: Final = {
    "clean": CALM,
    "diurnal": Weather(swing=0.9, load_slows=0.3),
    "bursty": Weather(bursty=True, load_slows=0.1),
    "storms": Weather(storms=5),
    "clumped": Weather(errors=(0.001, 0.005), clump=0.005),
    "incident": Weather(incidents=2),
    "dirty-control": Weather(errors=(0.01, 0.03), clump=0.004),
    "late-telemetry": Weather(late=True, storms=1),
    "gaps": Weather(gaps=0.15, storms=1),
}

_TOLERABLE: Final = {
    "error-1%": (Change(error=0.01), SHADOW),
    "error-x1.5": (Change(times=1.5), SHADOW),
    "p95+10%": (Change(scale=1.10), SHADOW),
    "p95+15%": (Change(scale=1.15), SHADOW),
    "mismatch-0.3%": (Change(mismatch=0.003), SHADOW),
    "mismatch-0.5%": (Change(mismatch=0.005), SHADOW),
}

_HARMFUL: Final = {
    "error-2.5%": (Change(error=0.025), Onset()),
    "error-4%": (Change(error=0.04), Onset()),
    "error-10%": (Change(error=0.10), Onset()),
    "error-50%": (Change(error=0.50), Onset()),
    "shadow-error-2.5%": (Change(error=0.025), SHADOW),
    "shadow-error-4%": (Change(error=0.04), SHADOW),
    "shadow-error-10%": (Change(error=0.10), SHADOW),
    "ramp-slow-10%": (Change(error=0.10), Onset(ramp=240)),
    "ramp-fast-10%": (Change(error=0.10), Onset(ramp=45)),
    "intermittent-30%": (Change(error=0.30), Onset(every=10)),
    "late-4%": (Change(error=0.04), Onset(late=True)),
    "late-10%": (Change(error=0.10), Onset(late=True)),
    "load25-10%": (Change(error=0.10), Onset(weight=0.25)),
    "load50-10%": (Change(error=0.10), Onset(weight=0.50)),
    "full-10%": (Change(error=0.10), Onset(weight=1.0)),
    "full-slow-x2": (Change(scale=2.0), Onset(weight=1.0)),
    "tenant-15%-of-traffic": (Change(tenant=(2, 0.40)), Onset()),
    "tenant-5%-of-traffic": (Change(tenant=(5, 0.60)), Onset()),
    "slow-x1.35": (Change(scale=1.35), Onset()),
    "slow-x1.6": (Change(scale=1.6), Onset()),
    "slow-x3": (Change(scale=3.0), Onset()),
    "slow-tail": (Change(tail=0.06), Onset()),
    "late-slow-x1.6": (Change(scale=1.6), Onset(late=True)),
    "mismatch-1.5%": (Change(mismatch=0.015), SHADOW),
    "mismatch-5%": (Change(mismatch=0.05), SHADOW),
    "live-mismatch-5%": (Change(mismatch=0.05), Onset()),
}

_SILENT: Final = {
    "silent-always": (Change(silent=True), SHADOW),
    "silent-to-users": (Change(silent=True), Onset()),
    "silent-later": (Change(silent=True), Onset(late=True)),
}

_TROUBLED: Final = {
    "errors-x8-in-storms": (Change(times=8), Onset(in_storms=True), Weather(storms=5)),
}

_STRESS: Final = {
    "clumped-6x": (Change(), Onset(), Weather(errors=(0.001, 0.005), clump=0.03)),
    "clumped-6x-1%": (Change(error=0.01), SHADOW, Weather(errors=(0.005, 0.01), clump=0.03)),
    "cold-starts": (Change(cold=True), Onset(), CALM),
    "candidate-blip": (Change(error=0.20), Onset(late=True, lasts=5), CALM),
    "slow-minute": (Change(scale=2.0), Onset(late=True, lasts=1), CALM),
    "cold-steps": (Change(tail=0.10), Onset(steps=True), CALM),
    "warm-up-steps": (Change(scale=1.5), Onset(steps=True), CALM),
    "error-1.5%": (Change(error=0.015), SHADOW, CALM),
    "storm-at-full": (Change(), Onset(), Weather(storms=5, unwatched=True)),
    "p95+22%": (Change(scale=1.22), Onset(), Weather(storms=1)),
}


def _catalogue() -> dict[str, Scenario]:
    usual = Scenario("", HARMFUL)
    found = [Scenario(name, HEALTHY, weather=weather) for name, weather in _HEALTHY.items()]
    for kind, family in ((TOLERABLE, _TOLERABLE), (HARMFUL, _HARMFUL), (SILENT, _SILENT)):
        for name, (change, onset) in family.items():
            found.append(replace(usual, name=name, kind=kind, change=change, onset=onset))
    for kind, rough in ((TROUBLED, _TROUBLED), (STRESS, _STRESS)):
        for name, (change, onset, weather) in rough.items():
            found.append(Scenario(name, kind, change, onset, weather))
    return {scenario.name: scenario for scenario in found}


SCENARIOS: Final = _catalogue()
