"""The template as the emulator gets it: of types that it knows, and with what stands in for others.

Without starting it: the same transform and the same check of types, as it does first.
"""

from importlib import import_module
from typing import Any

import pytest

from ops.local.lacking import ABSENT, ABSENT_OUTPUTS, REPLACED, local_template
from tests.fakes import ROOT
from tests.functional.test_deployed import Stack
from tests.functional.test_template import RESOURCES, TEMPLATE


@pytest.fixture(scope="module")
def local() -> dict[str, Any]:
    return local_template(ROOT, "s3://bucket/code", {})


def test_the_emulator_knows_every_type_that_it_gets(
    local: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    engine: Any = import_module("ministack.services.cloudformation.engine")
    known: Any = import_module("ministack.services.cloudformation.provisioners")._RESOURCE_HANDLERS
    expanded = engine._apply_transforms(local)
    conditions = Stack("local", {})
    made = {
        resource["Type"]
        for resource in expanded["Resources"].values()
        if conditions.holds(resource.get("Condition"))
    }
    assert "AWS::ApiGatewayV2::Route" in made
    assert made <= set(known)


def test_what_is_replaced_or_left_out_is_in_the_template() -> None:
    assert set(REPLACED) <= set(RESOURCES)
    assert set(ABSENT) <= {resource["Type"] for resource in RESOURCES.values()}
    assert set(TEMPLATE["Outputs"]) >= ABSENT_OUTPUTS


def test_the_alarm_over_the_others_is_a_plain_one_of_the_same_name(local: dict[str, Any]) -> None:
    stand_in, real = local["Resources"]["CandidateAlarm"], RESOURCES["CandidateAlarm"]
    assert stand_in["Type"] == "AWS::CloudWatch::Alarm"
    for kept in ("AlarmName", "AlarmActions", "OKActions"):
        assert stand_in["Properties"][kept] == real["Properties"][kept]
    assert "AlarmRule" not in stand_in["Properties"]
