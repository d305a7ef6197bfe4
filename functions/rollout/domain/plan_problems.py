"""What a schema cannot say of a plan.

Order of exposures, bands without gap or overlap, calls that exist, times that can be met.
"""

from collections.abc import Sequence
from functools import partial

from rollout.domain.errors import InvalidInputError
from rollout.domain.flag import FULL_BPS
from rollout.domain.plan import CALLS, CANARY, RAMP, SHADOW, Guardrail, Phase, Plan


def problems(plan: Plan) -> list[InvalidInputError]:
    """What makes no sense in a plan: the first thing about phases, times, and each guardrail."""
    lints = [
        partial(_phases, plan.phases),
        partial(_times, plan),
        *(partial(_bands, guardrail) for guardrail in plan.guardrails),
    ]
    found = []
    for lint in lints:
        try:
            lint()
        except InvalidInputError as problem:
            found.append(problem)
    return found


def _phases(phases: Sequence[Phase]) -> None:
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
        _step(index, phases[index - 1], phases[index])
    last = phases[-1].exposure_bps
    if last != FULL_BPS:
        raise _phase_error(len(phases) - 1, "exposure_bps", last, "10000 in the last phase")


def _step(index: int, before: Phase, phase: Phase) -> None:
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


def _times(plan: Plan) -> None:
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


def _bands(guardrail: Guardrail) -> None:
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
    _calls(guardrail, edge)


def _calls(guardrail: Guardrail, edge: float) -> None:
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
