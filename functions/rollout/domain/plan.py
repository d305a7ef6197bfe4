"""The plan: every number of a rollout, parsed and linted once.

The shape (fields, types, ranges) is checked by plan.schema.json; here is what a schema cannot
say: order of exposures, bands without gap or overlap, calls that exist, times that can be met.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from rollout.domain import rules
from rollout.domain.cohort import mark
from rollout.domain.errors import InvalidInputError
from rollout.domain.flag import FULL_BPS

CALLS: Final = ("PROMOTE", "HOLD", "INVESTIGATE", "ROLL_BACK")
METRICS: Final = ("errors", "slow", "mismatches", "shadow_failures")
NOISE_BPS: Final = 500
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


def parse(document: Mapping[str, Any]) -> Plan:
    """A Plan from a document that the schema has accepted.

    Raises InvalidInputError naming the field, its value and what was expected.
    """
    plan = read(document)
    for problem in problems(plan):
        raise problem
    return plan


def read(document: Mapping[str, Any]) -> Plan:
    """The same, whatever makes no sense in it; raises InvalidInputError for cleaning rules only."""
    return Plan(
        name=document["name"],
        phases=tuple(_phase(item, document["evaluation"]) for item in document["phases"]),
        cleanup_after_seconds=document["cleanup"]["starts_after_seconds"],
        guardrails=tuple(
            _guardrail(metric, item) for metric, item in document["guardrails"].items()
        ),
        slowness=Slowness(**document["slowness"]),
        judge=Judge(**document["judge"]),
        no_data=NoData(**document["no_data"]),
        evaluation=Evaluation(**document["evaluation"]),
        lease_grace_seconds=document["lease"]["grace_seconds"],
        approval_seconds=document["approval"]["timeout_seconds"],
        cleaning_rules=_rules(document.get("comparison", {}).get("rules", ())),
        noise_bps=document.get("comparison", {}).get("noise_sample_bps", NOISE_BPS),
        most_compared_per_second=document.get("comparison", {}).get("most_per_second"),
        salt=document["cohort"]["salt"],
        allow_list=_marks(document["cohort"]),
        tenants=tuple(document["cohort"].get("tenants", ())),
        approval_people=document["approval"].get("people", 1),
        response=document.get("response", ROLL_BACK),
        time_zone=document.get("time_zone", "UTC"),
    )


def problems(plan: Plan) -> list[InvalidInputError]:
    """What makes no sense in a plan: the first thing about phases, times, and each guardrail."""
    lints = [
        partial(_lint_phases, plan.phases),
        partial(_lint_times, plan),
        *(partial(_lint_bands, guardrail) for guardrail in plan.guardrails),
    ]
    found = []
    for lint in lints:
        try:
            lint()
        except InvalidInputError as problem:
            found.append(problem)
    return found


def _marks(cohort: Mapping[str, Any]) -> tuple[str, ...]:
    """The users of the allow-list as marks: their ids go into no flag and no execution."""
    return tuple(mark(cohort["salt"], user) for user in cohort.get("allow_list", ()))


def _phase(item: Mapping[str, Any], evaluation: Mapping[str, Any]) -> Phase:
    longest = item.get("maximum_bake_seconds")
    return Phase(
        name=item["name"],
        kind=item["kind"],
        exposure_bps=item["exposure_bps"],
        shadow_bps=item["shadow_bps"],
        starts_after_seconds=item.get("starts_after_seconds", 0),
        bake_seconds=item["bake_seconds"],
        maximum_bake_seconds=4 * item["bake_seconds"] if longest is None else longest,
        certify=dict(item.get("certify", {})),
    )


def _guardrail(metric: str, item: Mapping[str, Any]) -> Guardrail:
    bands = tuple(Band(b["call"], b["from"], b["to"]) for b in item["bands"])
    return Guardrail(metric, item["tolerated"], item["certify"], bands)


def _rules(items: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    parsed = [rules.parse(item, f"comparison.rules[{number}]") for number, item in enumerate(items)]
    return tuple(rule.to_text() for rule in parsed)


def _lint_phases(phases: Sequence[Phase]) -> None:
    kinds = [phase.kind for phase in phases]
    if kinds[:2] != [SHADOW, CANARY] or set(kinds[2:]) - {RAMP}:
        raise InvalidInputError(
            field="phases[].kind",
            value=kinds,
            expected='"shadow", then "canary", then any number of "ramp"',
        )
    names = [phase.name for phase in phases]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise _phase_error(index, "name", name, "a name used once in the plan")
    if phases[0].exposure_bps != 0:
        raise _phase_error(0, "exposure_bps", phases[0].exposure_bps, "0: a shadow serves nobody")
    for index in range(1, len(phases)):
        _lint_step(index, phases[index - 1], phases[index])
    last = phases[-1].exposure_bps
    if last != FULL_BPS:
        raise _phase_error(len(phases) - 1, "exposure_bps", last, "10000 in the last phase")


def _lint_step(index: int, before: Phase, phase: Phase) -> None:
    if phase.exposure_bps <= before.exposure_bps:
        raise _phase_error(
            index,
            "exposure_bps",
            phase.exposure_bps,
            f"more than the {before.exposure_bps} of {before.name}: exposure only goes up",
        )
    if phase.kind == CANARY and phase.starts_after_seconds:
        value = phase.starts_after_seconds
        raise _phase_error(
            index, "starts_after_seconds", value, "0: the launch itself enables the canary"
        )
    if phase.kind == RAMP and phase.starts_after_seconds < before.starts_after_seconds:
        raise _phase_error(
            index,
            "starts_after_seconds",
            phase.starts_after_seconds,
            f"at least the {before.starts_after_seconds} of {before.name}",
        )


def _lint_times(plan: Plan) -> None:
    for index, phase in enumerate(plan.phases):
        if phase.maximum_bake_seconds < phase.bake_seconds:
            raise _phase_error(
                index,
                "maximum_bake_seconds",
                phase.maximum_bake_seconds,
                f"at least bake_seconds, {phase.bake_seconds}",
            )
        if phase.maximum_bake_seconds < plan.evaluation.every_seconds:
            raise _phase_error(
                index,
                "maximum_bake_seconds",
                phase.maximum_bake_seconds,
                f"at least evaluation.every_seconds, {plan.evaluation.every_seconds}",
            )
    last = plan.phases[-1].starts_after_seconds
    if plan.cleanup_after_seconds < last:
        raise InvalidInputError(
            field="cleanup.starts_after_seconds",
            value=plan.cleanup_after_seconds,
            expected=f"at least the {last} of the last phase",
        )


def _lint_bands(guardrail: Guardrail) -> None:
    """Bands must cover 0..1 in order, mildest first: a rate without a call is a trap."""
    edge = 0.0
    for index, band in enumerate(guardrail.bands):
        field = f"guardrails.{guardrail.metric}.bands[{index}]"
        if band.start != edge:
            what = "a gap" if band.start > edge else "an overlap"
            raise InvalidInputError(
                field=f"{field}.from",
                value=band.start,
                expected=f"{edge:g}, where the band before ends: this leaves {what}",
            )
        if band.end <= band.start:
            raise InvalidInputError(
                field=f"{field}.to", value=band.end, expected=f"more than from, {band.start:g}"
            )
        edge = band.end
    _lint_calls(guardrail, edge)


def _lint_calls(guardrail: Guardrail, edge: float) -> None:
    field = f"guardrails.{guardrail.metric}"
    if edge != 1:
        raise InvalidInputError(
            field=f"{field}.bands[{len(guardrail.bands) - 1}].to",
            value=edge,
            expected="1: the bands must cover every rate, this leaves a gap at the top",
        )
    calls = [band.call for band in guardrail.bands]
    if calls[0] != CALLS[0] or calls != sorted(set(calls), key=CALLS.index):
        raise InvalidInputError(
            field=f"{field}.bands[].call",
            value=calls,
            expected="each call once, mildest first, starting with PROMOTE",
        )
    worst = guardrail.bands[0].end if len(calls) == 1 else guardrail.bands[-1].start
    for name in ("tolerated", "certify"):
        if getattr(guardrail, name) > worst:
            raise InvalidInputError(
                field=f"{field}.{name}",
                value=getattr(guardrail, name),
                expected=f"at most {worst:g}, above which the guardrail calls for {calls[-1]}",
            )


def _phase_error(index: int, key: str, value: object, expected: str) -> InvalidInputError:
    return InvalidInputError(field=f"phases[{index}].{key}", value=value, expected=expected)
