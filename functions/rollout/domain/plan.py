"""The plan: every number of a rollout (plan_reading makes one of a document)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from rollout.domain.errors import InvalidInputError
from rollout.domain.flag import FULL_BPS

CALLS: Final = ("PROMOTE", "HOLD", "INVESTIGATE", "ROLL_BACK")
METRICS: Final = ("errors", "slow", "mismatches", "shadow_failures")
SHADOW, CANARY, RAMP = "shadow", "canary", "ramp"
ROLL_BACK, STEP_DOWN = "roll_back", "step_down"


@dataclass(frozen=True)
class Phase:
    """One stretch of a rollout at constant exposure.

    exposure_bps, shadow_bps: basis points 0..10000. Times are seconds; starts_after_seconds counts
    from the launch and is 0 for the phases of the launch itself. certify: metric -> rate that
    must be certified to leave the phase, where the plan asks for more than the guardrail does.
    """

    name: str
    kind: str
    exposure_bps: int
    shadow_bps: int
    starts_after_seconds: int
    bake_seconds: int
    maximum_bake_seconds: int
    certify: Mapping[str, float]


@dataclass(frozen=True)
class Band:
    """Rates from (inclusive) .. to (exclusive, 1 inclusive) call for one of CALLS."""

    call: str
    start: float
    end: float


@dataclass(frozen=True)
class Guardrail:
    """A metric, its bands from rate 0 to 1, and two promises.

    tolerated: at or below this rate the candidate is not acted against. certify: the rate that is
    proven before full exposure.
    """

    metric: str
    tolerated: float
    certify: float
    bands: tuple[Band, ...]

    @property
    def worst(self) -> Band:
        """The last band: the gravest call, and the limit it begins at."""
        return self.bands[-1]


@dataclass(frozen=True)
class Slowness:
    """Slow is above `tolerance` times the control's p95 and above `absolute_ms`."""

    tolerance: float
    absolute_ms: float
    reference_seconds: int


@dataclass(frozen=True)
class Judge:
    """alpha: chance of rolling back a tolerable candidate; beta: of passing an intolerable one.

    clumping: correlation 0..1 of errors within a minute, until the control has shown its own.
    """

    alpha: float
    beta: float
    clumping: float = 0.005


@dataclass(frozen=True)
class NoData:
    """What a candidate calls for that owes expected_requests and is silent for after_seconds."""

    call: str
    expected_requests: int
    after_seconds: int


@dataclass(frozen=True)
class Evaluation:
    """Look every `every_seconds` at metrics of `period_seconds`, `settle_seconds` old."""

    every_seconds: int
    settle_seconds: int
    period_seconds: int


@dataclass(frozen=True)
class Plan:
    """A whole plan.

    lease_grace_seconds: how long the exposure outlives its orchestrator. cleaning_rules: as text.
    allow_list: as marks (see cohort), whatever the document has.
    noise_bps: basis points of comparisons for which the control is asked twice; 0 for none at all.
    most_compared_per_second: the ceiling on the shadow, None for none.
    time_zone: in which people are shown its dates; nothing is decided by it.
    """

    name: str
    phases: tuple[Phase, ...]
    cleanup_after_seconds: int
    guardrails: tuple[Guardrail, ...]
    slowness: Slowness
    judge: Judge
    no_data: NoData
    evaluation: Evaluation
    lease_grace_seconds: int
    approval_seconds: int
    cleaning_rules: tuple[str, ...]
    noise_bps: int
    salt: str
    allow_list: tuple[str, ...]
    tenants: tuple[str, ...] = ()
    approval_people: int = 1
    most_compared_per_second: float | None = None
    response: str = ROLL_BACK
    time_zone: str = "UTC"

    def phase(self, name: str) -> Phase:
        """The phase of that name; raises InvalidInputError naming those there are."""
        for phase in self.phases:
            if phase.name == name:
                return phase
        known = ", ".join(phase.name for phase in self.phases)
        raise InvalidInputError(field="phase", value=name, expected=f"one of {known}")

    def first(self, kind: str) -> Phase:
        """The first phase of that kind (a linted plan has one of each)."""
        return next(phase for phase in self.phases if phase.kind == kind)

    def after(self, name: str) -> Phase | None:
        """The phase that follows, or None after the last."""
        index = self.phases.index(self.phase(name)) + 1
        return self.phases[index] if index < len(self.phases) else None

    def before(self, name: str) -> Phase:
        """The phase before; the first one for itself."""
        return self.phases[max(0, self.phases.index(self.phase(name)) - 1)]

    def next_exposure_bps(self, name: str) -> int:
        """What leaving the phase risks: the exposure of the next one (full after the last)."""
        following = self.after(name)
        return following.exposure_bps if following else FULL_BPS

    def lease_seconds(self, name: str, since_launch: int) -> int:
        """How long the phase's exposure may stand, from now, `since_launch` seconds after launch.

        Long enough for the longest bake and a person's answer, or until the next step starts,
        whichever is later, and the grace on top.
        """
        phase = self.phase(name)
        following = self.after(name)
        starts = following.starts_after_seconds if following else self.cleanup_after_seconds
        judged = phase.maximum_bake_seconds + self.approval_seconds
        return max(judged, starts - since_launch) + self.lease_grace_seconds
