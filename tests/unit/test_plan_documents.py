"""Plan documents from outside: what the schema refuses, and the plans that ship."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rollout.adapters import plan_documents
from rollout.domain.errors import InvalidInputError
from rollout.domain.plan import METRICS

Spoil = Callable[[dict[str, Any]], object]

PLANS = sorted((Path(__file__).parents[2] / "plans").glob("*.json"))


def refused(document: Any) -> InvalidInputError:
    with pytest.raises(InvalidInputError) as caught:
        plan_documents.parse(document)
    return caught.value


def phase(index: int, **changes: object) -> Spoil:
    return lambda document: document["phases"][index].update(changes)


def part(name: str, **changes: object) -> Spoil:
    return lambda document: document[name].update(changes)


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_the_plans_that_ship_are_accepted(path: Path) -> None:
    plan, document = plan_documents.load(path)

    assert plan.name == document["name"] == path.stem
    assert {rail.metric for rail in plan.guardrails} == set(METRICS)


@pytest.mark.parametrize(
    ("spoil", "field", "value", "known"),
    [
        (lambda document: document.update(colour="red"), "colour", "red", "name"),
        (phase(1, weight=5), "phases.1.weight", 5, "exposure_bps"),
        (part("lease", seconds=5), "lease.seconds", 5, "grace_seconds"),
        (part("judge", gamma=0.1), "judge.gamma", 0.1, "alpha"),
        (part("guardrails", p95={}), "guardrails.p95", {}, "errors"),
    ],
)
def test_an_unknown_field_is_named_with_those_that_are_known(
    document: dict[str, Any], spoil: Spoil, field: str, value: object, known: str
) -> None:
    spoil(document)
    error = refused(document)

    assert (error.field, error.value) == (field, value)
    assert error.expected.startswith("no such field; known are ")
    assert known in error.expected


@pytest.mark.parametrize(
    ("where", "name"),
    [
        ((), "cleanup"),
        ((), "guardrails"),
        (("phases", 2), "bake_seconds"),
        (("guardrails",), "slow"),
        (("cohort",), "salt"),
    ],
)
def test_a_field_that_is_left_out_is_named(
    document: dict[str, Any], where: tuple[str | int, ...], name: str
) -> None:
    holder: Any = document
    for step in where:
        holder = holder[step]
    del holder[name]
    error = refused(document)

    assert error.value is None
    assert name in f"{error.field} {error.expected}"


@pytest.mark.parametrize(
    ("spoil", "field", "value", "expected"),
    [
        (phase(0, bake_seconds=-1), "phases.0.bake_seconds", -1, "bigger than or equal to 1"),
        (phase(0, bake_seconds=0), "phases.0.bake_seconds", 0, "bigger than or equal to 1"),
        (
            phase(0, bake_seconds=604_801),
            "phases.0.bake_seconds",
            604_801,
            "smaller than or equal to 604800",
        ),
        (phase(1, exposure_bps=-1), "phases.1.exposure_bps", -1, "bigger than or equal to 0"),
        (
            phase(1, exposure_bps=10_001),
            "phases.1.exposure_bps",
            10_001,
            "smaller than or equal to 10000",
        ),
        (phase(1, exposure_bps="100"), "phases.1.exposure_bps", "100", "integer"),
        (phase(1, exposure_bps=True), "phases.1.exposure_bps", True, "integer"),
        (phase(1, exposure_bps=0.5), "phases.1.exposure_bps", 0.5, "integer"),
        (phase(1, shadow_bps=10_001), "phases.1.shadow_bps", 10_001, "smaller than or equal"),
        (phase(1, kind="stage"), "phases.1.kind", "stage", "one of ['shadow', 'canary', 'ramp']"),
        (phase(1, name="Canary 1"), "phases.1.name", "Canary 1", "match pattern"),
        (part("approval", people=3), "approval.people", 3, "one of [1, 2]"),
        (part("approval", people=True), "approval.people", True, "integer"),
        (part("judge", alpha=0), "judge.alpha", 0, "bigger than 0"),
        (part("judge", beta=0.6), "judge.beta", 0.6, "smaller than or equal to 0.5"),
        (part("evaluation", period_seconds=7), "evaluation.period_seconds", 7, "one of [1, 10"),
        (part("slowness", tolerance=0.9), "slowness.tolerance", 0.9, "bigger than or equal to 1"),
        (part("lease", grace_seconds=0), "lease.grace_seconds", 0, "bigger than or equal to 1"),
        (part("cohort", salt=""), "cohort.salt", "", "longer than or equal to 1 characters"),
        (part("cohort", allow_list=[7]), "cohort.allow_list.0", 7, "string"),
        (lambda document: document.update(phases=[]), "phases", [], "contain at least 2 items"),
        (lambda document: document.update(name="small\n"), "name", "small\n", "match pattern"),
    ],
)
def test_a_value_out_of_range_or_of_the_wrong_kind_is_named(
    document: dict[str, Any], spoil: Spoil, field: str, value: object, expected: str
) -> None:
    spoil(document)
    error = refused(document)

    assert error.field == field
    assert error.value is value or error.value == value
    assert error.expected.startswith(expected)


def test_a_call_that_does_not_exist_is_refused(document: dict[str, Any]) -> None:
    document["guardrails"]["errors"]["bands"][1]["call"] = "PAUSE"
    error = refused(document)

    assert (error.field, error.value) == ("guardrails.errors.bands.1.call", "PAUSE")
    assert error.expected == "one of ['PROMOTE', 'HOLD', 'INVESTIGATE', 'ROLL_BACK']"


@pytest.mark.parametrize("document", [None, [], "plan", 3])
def test_what_is_no_object_is_no_plan(document: object) -> None:
    error = refused(document)

    assert (error.field, error.value, error.expected) == ("plan", document, "object")


def test_what_the_schema_accepts_is_still_linted(document: dict[str, Any]) -> None:
    document["phases"][2]["exposure_bps"] = 50

    assert refused(document).field == "phases[2].exposure_bps"


# Files


def test_a_file_gives_the_plan_and_the_document_without_the_ids_of_users(
    tmp_path: Path, document: dict[str, Any]
) -> None:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    plan, found = plan_documents.load(path)
    assert plan == plan_documents.parse(document) == plan_documents.parse(found)
    assert found["cohort"].pop("allow_list") == ["sha256:da9098fdabfa0db3"]
    assert document["cohort"].pop("allow_list") == ["user-1"]
    assert found == document


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError) as caught:
        plan_documents.load(tmp_path / "absent.json")

    assert (caught.value.field, caught.value.value) == ("plan file", str(tmp_path / "absent.json"))
    assert "No such file" in caught.value.expected


@pytest.mark.parametrize("content", [b"", b"{", b"phases: []", b"\xff\xfe"])
def test_a_file_that_is_not_json_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "plan.json"
    path.write_bytes(content)
    with pytest.raises(InvalidInputError) as caught:
        plan_documents.load(path)

    assert (caught.value.field, caught.value.value) == ("plan file", str(path))
    assert caught.value.expected.startswith("JSON (")
