"""Plans: documents, and files of every kind."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.adapters import plan_documents
from rollout.domain import jsontext, plan
from rollout.domain.errors import InvalidInputError
from tests.fakes import ROOT
from tests.functional.fuzz.inputs import DEEP_TEXT, DEEP_VALUE, documents, refused, written

BETA = json.loads((ROOT / "plans" / "beta.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("plans") / "plan.json"


def sound(found: plan.Plan) -> None:
    """What every accepted plan is."""
    assert found.phases[-1].exposure_bps == 10_000
    rates = [rate for rail in found.guardrails for rate in (rail.tolerated, rail.certify)]
    assert all(math.isfinite(rate) and 0 < rate < 1 for rate in rates)
    assert all(type(phase.exposure_bps) is int for phase in found.phases)


@given(document=documents(BETA))
def test_a_plan_is_sound_or_refused_clearly(document: Any) -> None:
    found = refused("plan", lambda: plan_documents.parse(document))
    if found:
        sound(found)


@given(content=written(BETA))
def test_a_plan_file_is_read_or_refused_clearly(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    found = refused("plan file", lambda: plan_documents.load(file))
    if found:
        sound(found[0])


@given(name=st.text(max_size=30))
def test_a_file_that_is_not_there_is_told(tmp_path_factory: Any, name: str) -> None:
    path = Path("/nowhere") / name
    assert refused("plan file", lambda: plan_documents.load(path)) is None


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"name": "a", "name": "b"}', "'name' stands twice"),
        (b'{"name": NaN}', "NaN is no JSON"),
        (b'{"name": 1e999}', "is too large"),
        (b'{"name": ' + b"9" * 5000 + b"}", "digits"),
        (DEEP_TEXT.encode(), "nested too deeply"),
        (b"\xff\xfe{", "not UTF-8"),
    ],
)
def test_what_json_does_not_have_is_refused(file: Path, content: bytes, said: str) -> None:
    file.write_bytes(content)
    with pytest.raises(InvalidInputError, match="plan file") as caught:
        plan_documents.load(file)
    assert said in str(caught.value)


def test_a_byte_order_mark_and_foreign_line_ends_are_no_trouble(file: Path) -> None:
    text = json.dumps(BETA, indent=1).replace("\n", "\r\n")
    file.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert plan_documents.load(file)[1] == BETA


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_rate_that_is_no_number_is_refused_by_its_name(value: float) -> None:
    document = json.loads(json.dumps(BETA))
    document["guardrails"]["errors"]["tolerated"] = value
    with pytest.raises(InvalidInputError) as caught:
        plan_documents.parse(document)
    assert caught.value.field == "plan.guardrails.errors.tolerated"


def test_a_number_that_is_whole_but_written_with_a_point_is_whole() -> None:
    document = json.loads(json.dumps(BETA))
    document["phases"][1].update(exposure_bps=100.0, bake_seconds=3600.0)
    assert plan_documents.parse(document) == plan_documents.parse(BETA)
    sound(plan_documents.parse(document))


def test_a_value_that_cannot_be_shown_is_refused_all_the_same() -> None:
    for value in (DEEP_VALUE, 10**5000):
        with pytest.raises(InvalidInputError, match="too large to show"):
            plan_documents.parse({**BETA, "name": value})


def test_a_long_or_unprintable_name_of_a_field_is_shortened() -> None:
    for name in ("x" * 100_000, "\x1b[2J"):
        with pytest.raises(InvalidInputError) as caught:
            plan_documents.parse({**BETA, name: 1})
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 1000


def test_json_says_the_field_that_was_to_be_read() -> None:
    with pytest.raises(InvalidInputError, match="the answer is "):
        jsontext.read("{", "the answer")
