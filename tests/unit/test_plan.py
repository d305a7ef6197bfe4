"""Plans: what a schema cannot say is linted, and times and risks follow from the numbers."""

from collections.abc import Callable
from typing import Any

import pytest

from rollout.domain.errors import InvalidInputError
from rollout.domain.plan import Band, Guardrail, Plan
from rollout.domain.plan_reading import parse

Spoil = Callable[[dict[str, Any]], object]


# What is read


def test_phases_are_read_in_order(plan: Plan) -> None:
    assert [phase.name for phase in plan.phases] == ["soak", "canary", "half", "full"]
    assert [phase.kind for phase in plan.phases] == ["shadow", "canary", "ramp", "ramp"]
    assert [phase.exposure_bps for phase in plan.phases] == [0, 100, 5000, 10_000]
    assert [phase.shadow_bps for phase in plan.phases] == [10_000, 3000, 0, 0]
    assert [phase.starts_after_seconds for phase in plan.phases] == [0, 0, 1000, 2000]


def test_the_longest_bake_is_four_bakes_unless_the_plan_says(plan: Plan) -> None:
    assert [phase.bake_seconds for phase in plan.phases] == [60, 60, 100, 100]
    assert [phase.maximum_bake_seconds for phase in plan.phases] == [240, 600, 1000, 400]


def test_rates_to_certify_are_read_where_a_phase_has_them(plan: Plan) -> None:
    assert plan.phase("soak").certify == {"mismatches": 0.01}
    assert plan.phase("canary").certify == {}


def test_a_guardrail_has_its_bands_in_order(plan: Plan) -> None:
    slow = next(rail for rail in plan.guardrails if rail.metric == "slow")

    assert slow.certify == 0.05
    assert slow.bands == (
        Band("PROMOTE", 0, 0.05),
        Band("HOLD", 0.05, 0.1),
        Band("INVESTIGATE", 0.1, 1),
    )


def test_everything_else_is_read(plan: Plan) -> None:
    assert (plan.name, plan.cleanup_after_seconds, plan.salt) == ("small", 3000, "salt-1")
    assert (plan.judge.alpha, plan.judge.beta) == (0.01, 0.05)
    assert (plan.slowness.tolerance, plan.slowness.absolute_ms) == (1.15, 500)
    assert (plan.evaluation.every_seconds, plan.evaluation.settle_seconds) == (30, 10)
    assert (plan.lease_grace_seconds, plan.approval_seconds) == (50, 200)
    assert plan.approval_people == 1
    assert plan.cleaning_rules == ('{"path":"updatedAt","rule":"ignore"}',)
    assert (plan.noise_bps, plan.allow_list) == (300, ("sha256:da9098fdabfa0db3",))


def test_a_plan_need_not_clean_or_list_anything(document: dict[str, Any]) -> None:
    del document["comparison"], document["cohort"]["allow_list"]

    assert (parse(document).cleaning_rules, parse(document).noise_bps) == ((), 500)
    assert parse(document).allow_list == ()


# Phases and their neighbours


def test_a_phase_is_found_by_name(plan: Plan) -> None:
    assert plan.phase("half") is plan.phases[2]


def test_an_unknown_phase_is_refused_with_those_there_are(plan: Plan) -> None:
    with pytest.raises(InvalidInputError) as caught:
        plan.phase("quarter")

    assert (caught.value.field, caught.value.value) == ("phase", "quarter")
    assert caught.value.expected == "one of soak, canary, half, full"


@pytest.mark.parametrize(("kind", "name"), [("shadow", "soak"), ("canary", "canary")])
def test_shadow_and_canary_are_found_by_kind(plan: Plan, kind: str, name: str) -> None:
    assert plan.first(kind).name == name


@pytest.mark.parametrize(
    ("name", "following"),
    [("soak", "canary"), ("canary", "half"), ("half", "full"), ("full", None)],
)
def test_each_phase_has_the_next_after_it_and_the_last_has_none(
    plan: Plan, name: str, following: str | None
) -> None:
    after = plan.after(name)

    assert (after.name if after else None) == following


@pytest.mark.parametrize(
    ("name", "exposure"), [("soak", 100), ("canary", 5000), ("half", 10_000), ("full", 10_000)]
)
def test_leaving_a_phase_risks_the_exposure_of_the_next(
    plan: Plan, name: str, exposure: int
) -> None:
    assert plan.next_exposure_bps(name) == exposure


# Leases


def test_a_lease_lasts_for_the_longest_bake_and_an_answer_and_the_grace(plan: Plan) -> None:
    # half: 1,000 s of bake and 200 s for an answer; full starts in 800 s.
    assert plan.lease_seconds("half", since_launch=1200) == 1000 + 200 + 50


def test_a_lease_lasts_until_the_next_step_when_that_is_later(plan: Plan) -> None:
    # half: 1,200 s of bake and answer; full starts in 1,900 s.
    assert plan.lease_seconds("half", since_launch=100) == 1900 + 50


def test_the_lease_of_the_last_phase_lasts_until_the_cleanup(plan: Plan) -> None:
    assert plan.lease_seconds("full", since_launch=2000) == 1000 + 50


# Limits


def test_the_limit_of_a_guardrail_is_where_its_gravest_band_begins() -> None:
    bands = (Band("PROMOTE", 0, 0.05), Band("HOLD", 0.05, 0.1), Band("INVESTIGATE", 0.1, 1))

    assert Guardrail("slow", 0.05, 0.05, bands).worst == Band("INVESTIGATE", 0.1, 1)


# What is refused


def phase(index: int, **changes: object) -> Spoil:
    return lambda document: document["phases"][index].update(changes)


def bands(*rows: tuple[str, float, float]) -> Spoil:
    new = [{"call": call, "from": start, "to": end} for call, start, end in rows]
    return lambda document: document["guardrails"]["errors"].update(bands=new)


KINDS = '"shadow", then "canary", then any number of "ramp"'
ONCE = "each call once, mildest first, starting with PROMOTE"


@pytest.mark.parametrize(
    ("spoil", "field", "value", "expected"),
    [
        (phase(0, kind="ramp"), "phases[].kind", ["ramp", "canary", "ramp", "ramp"], KINDS),
        (phase(1, kind="ramp"), "phases[].kind", ["shadow", "ramp", "ramp", "ramp"], KINDS),
        (phase(2, kind="canary"), "phases[].kind", ["shadow", "canary", "canary", "ramp"], KINDS),
        (phase(3, kind="shadow"), "phases[].kind", ["shadow", "canary", "ramp", "shadow"], KINDS),
        (phase(3, name="soak"), "phases[3].name", "soak", "a name used once in the plan"),
        (phase(0, exposure_bps=1), "phases[0].exposure_bps", 1, "0: a shadow serves nobody"),
    ],
)
def test_phases_out_of_place_are_refused(
    document: dict[str, Any], spoil: Spoil, field: str, value: object, expected: str
) -> None:
    assert_refused(document, spoil, field, value, expected)


@pytest.mark.parametrize(
    ("spoil", "field", "value", "expected"),
    [
        (
            phase(2, exposure_bps=99),
            "phases[2].exposure_bps",
            99,
            "more than the 100 of canary: exposure only goes up",
        ),
        (
            phase(2, exposure_bps=100),
            "phases[2].exposure_bps",
            100,
            "more than the 100 of canary: exposure only goes up",
        ),
        (
            phase(1, exposure_bps=0),
            "phases[1].exposure_bps",
            0,
            "more than the 0 of soak: exposure only goes up",
        ),
        (phase(3, exposure_bps=9999), "phases[3].exposure_bps", 9999, "10000 in the last phase"),
    ],
)
def test_exposures_that_do_not_go_up_to_everyone_are_refused(
    document: dict[str, Any], spoil: Spoil, field: str, value: object, expected: str
) -> None:
    assert_refused(document, spoil, field, value, expected)


@pytest.mark.parametrize(
    ("spoil", "field", "value", "expected"),
    [
        (
            phase(1, starts_after_seconds=1),
            "phases[1].starts_after_seconds",
            1,
            "0: the launch itself enables the canary",
        ),
        (
            phase(3, starts_after_seconds=999),
            "phases[3].starts_after_seconds",
            999,
            "at least the 1000 of half",
        ),
        (
            phase(1, maximum_bake_seconds=59),
            "phases[1].maximum_bake_seconds",
            59,
            "at least bake_seconds, 60",
        ),
        (
            phase(1, bake_seconds=1, maximum_bake_seconds=29),
            "phases[1].maximum_bake_seconds",
            29,
            "at least evaluation.every_seconds, 30",
        ),
        (
            lambda document: document["cleanup"].update(starts_after_seconds=1999),
            "cleanup.starts_after_seconds",
            1999,
            "at least the 2000 of the last phase",
        ),
    ],
)
def test_times_that_cannot_be_met_are_refused(
    document: dict[str, Any], spoil: Spoil, field: str, value: object, expected: str
) -> None:
    assert_refused(document, spoil, field, value, expected)


@pytest.mark.parametrize(
    ("spoil", "place", "value", "expected"),
    [
        (
            bands(("PROMOTE", 0, 0.02), ("ROLL_BACK", 0.03, 1)),
            "bands[1].from",
            0.03,
            "0.02, where the band before ends: this leaves a gap",
        ),
        (
            bands(("PROMOTE", 0, 0.02), ("ROLL_BACK", 0.01, 1)),
            "bands[1].from",
            0.01,
            "0.02, where the band before ends: this leaves an overlap",
        ),
        (
            bands(("PROMOTE", 0.01, 0.02), ("ROLL_BACK", 0.02, 1)),
            "bands[0].from",
            0.01,
            "0, where the band before ends: this leaves a gap",
        ),
        (
            bands(("PROMOTE", 0, 0.02), ("ROLL_BACK", 0.02, 0.9)),
            "bands[1].to",
            0.9,
            "1: the bands must cover every rate, this leaves a gap at the top",
        ),
        (
            bands(("PROMOTE", 0, 0.02), ("HOLD", 0.02, 0.02), ("ROLL_BACK", 0.02, 1)),
            "bands[1].to",
            0.02,
            "more than from, 0.02",
        ),
        (
            bands(("HOLD", 0, 0.02), ("ROLL_BACK", 0.02, 1)),
            "bands[].call",
            ["HOLD", "ROLL_BACK"],
            ONCE,
        ),
        (
            bands(("PROMOTE", 0, 0.02), ("ROLL_BACK", 0.02, 0.1), ("HOLD", 0.1, 1)),
            "bands[].call",
            ["PROMOTE", "ROLL_BACK", "HOLD"],
            ONCE,
        ),
        (
            bands(("PROMOTE", 0, 0.02), ("PROMOTE", 0.02, 1)),
            "bands[].call",
            ["PROMOTE", "PROMOTE"],
            ONCE,
        ),
    ],
)
def test_bands_that_leave_a_rate_without_one_call_are_refused(
    document: dict[str, Any], spoil: Spoil, place: str, value: object, expected: str
) -> None:
    assert_refused(document, spoil, f"guardrails.errors.{place}", value, expected)


def test_certifying_a_rate_that_calls_for_a_rollback_is_refused(document: dict[str, Any]) -> None:
    assert_refused(
        document,
        lambda document: document["guardrails"]["errors"].update(certify=0.021),
        "guardrails.errors.certify",
        0.021,
        "at most 0.02, above which the guardrail calls for ROLL_BACK",
    )


# What is allowed at the edge


@pytest.mark.parametrize(
    "change",
    [
        phase(2, exposure_bps=101),
        phase(3, starts_after_seconds=1000),
        phase(1, maximum_bake_seconds=60),
        phase(1, bake_seconds=1, maximum_bake_seconds=30),
        lambda document: document["cleanup"].update(starts_after_seconds=2000),
        lambda document: document["guardrails"]["slow"].update(certify=0.1),
        bands(("PROMOTE", 0, 1)),
        lambda document: document["phases"].pop(2),
    ],
)
def test_a_number_just_within_its_bounds_is_accepted(
    document: dict[str, Any], change: Spoil
) -> None:
    change(document)

    assert parse(document).name == "small"


def assert_refused(
    document: dict[str, Any], spoil: Spoil, field: str, value: object, expected: str
) -> None:
    spoil(document)
    with pytest.raises(InvalidInputError) as caught:
        parse(document)

    assert caught.value.field == field
    assert caught.value.value == value
    assert caught.value.expected == expected


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ({"path": "a..b", "rule": "ignore"}, "path"),
        ({"path": "a", "rule": "keyed"}, "key"),
        ({"path": "a", "rule": "case", "within": 1}, "within"),
    ],
)
def test_a_cleaning_rule_that_makes_no_sense_is_refused_with_its_place(
    document: dict[str, Any], rule: dict[str, Any], field: str
) -> None:
    document["comparison"]["rules"].append(rule)

    with pytest.raises(InvalidInputError) as caught:
        parse(document)

    assert caught.value.field == f"comparison.rules[1].{field}"
    assert "docs/comparison.md" in str(caught.value)
