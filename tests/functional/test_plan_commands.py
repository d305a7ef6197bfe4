"""`rollout plan show`, `lint` and `fields`: dates, findings, and every field explained."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ops.cli import main
from ops.plans import fields
from ops.plans.alarm import Alarm, of_deployed, of_template
from ops.plans.linting import ERROR, WARNING, Found, Known, lint
from rollout.adapters import plan_documents
from rollout.domain.forecast import Forecast
from tests.fakes import ROOT

PLANS = sorted((ROOT / "plans").glob("*.json"))
BETA = str(ROOT / "plans" / "beta.json")
BUSY = Forecast.constant(10_000_000)
ALARM = Alarm(minimum=20, threshold=2, period_seconds=60, breaching=3, arm="candidate")


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["plan", *words])


def beta(**changes: Any) -> dict[str, Any]:
    return {**json.loads(Path(BETA).read_text(encoding="utf-8")), **changes}


def written(folder: Path, document: Any) -> str:
    file = folder / "plan.json"
    file.write_text(json.dumps(document))
    return str(file)


# Dates


def test_dates_are_in_the_time_zone_of_the_plan(tmp_path: Path) -> None:
    file = written(tmp_path, beta(time_zone="Asia/Tokyo"))
    result = run("show", file, "--launch-at", "2026-11-30T09:00")
    assert result.exit_code == 0
    assert "beta, launched Mon 30 Nov 09:00, Asia/Tokyo" in result.output
    assert "ramp-5\tWed 02 Dec 09:00\tThu 03 Dec" in result.output


def test_dates_of_a_plan_without_a_time_zone_are_in_utc() -> None:
    result = run("show", BETA, "--launch-at", "2026-11-30T09:00+01:00")
    assert "beta, launched Mon 30 Nov 08:00, UTC" in result.output


def test_a_phase_says_what_it_must_certify_and_how_many_users_it_has() -> None:
    words = ("--requests-per-day", "144000", "--users", "5000", "--json")
    result = json.loads(run("show", BETA, *words).output)
    canary = result["phases"][1]
    (certified,) = canary["certify"]
    assert certified == {"metric": "errors", "rate": pytest.approx(0.4), "requests": 8}
    assert (canary["exposure_bps"], canary["users"], canary["requests"]) == (100, 50.0, 60.0)
    assert canary["starts_at"] < canary["ends_at"] < canary["latest_at"]


def test_a_phase_that_is_never_certified_has_no_end() -> None:
    result = json.loads(run("show", BETA, "--requests-per-day", "1000", "--json").output)
    assert [phase["ends_at"] is None for phase in result["phases"][:3]] == [True, True, False]
    assert result["ends_at"] is None
    assert "never" in run("show", BETA, "--requests-per-day", "1000").output


@pytest.mark.parametrize("plan", PLANS, ids=lambda path: path.stem)
def test_the_table_of_phases_is_at_most_80_columns_wide(plan: Path) -> None:
    lines = run("show", str(plan), "--requests-per-day", "99999999").output.splitlines()
    assert max(len(line) for line in lines if "certif" not in line) <= 80


@pytest.mark.parametrize("zone", ["Mars/Olympus", "Europe", "../etc/passwd", "", "a b"])
def test_a_time_zone_nobody_knows_is_bad_input(tmp_path: Path, zone: str) -> None:
    result = run("show", written(tmp_path, beta(time_zone=zone)))
    assert (result.exit_code, result.output.count("\n")) == (2, 1)
    assert "time_zone is" in result.output


def test_a_launch_that_is_no_moment_is_bad_input() -> None:
    result = run("show", BETA, "--launch-at", "tomorrow")
    assert result.exit_code == 2
    assert "--launch-at is 'tomorrow'; expected ISO 8601" in result.output


# Findings


def found(document: dict[str, Any], known: Known) -> set[tuple[str, str]]:
    return {(one.level, one.field) for one in lint(document, known)}


def errors(document: dict[str, Any]) -> list[Found]:
    return [one for one in lint(document, Known(BUSY, alarm=ALARM)) if one.level == ERROR]


def test_a_plan_that_its_traffic_carries_has_no_finding() -> None:
    assert lint(beta(), Known(BUSY, alarm=ALARM)) == []


def band(document: dict[str, Any], **changes: float) -> None:
    document["guardrails"]["errors"]["bands"][1].update(changes)


SPOILT: list[tuple[Callable[[dict[str, Any]], object], str, str]] = [
    (lambda plan: plan.update(colour="red"), "colour", "no such field"),
    (lambda plan: plan["judge"].update(gamma=1), "judge.gamma", "no such field"),
    (lambda plan: band(plan, **{"from": 0.03}), "guardrails.errors.bands[1].from", "a gap"),
    (lambda plan: band(plan, **{"from": 0.01}), "guardrails.errors.bands[1].from", "an overlap"),
    (lambda plan: plan["phases"].reverse(), "phases[].kind", '"shadow", then "canary"'),
    (
        lambda plan: plan["phases"][3].update(exposure_bps=400),
        "phases[3].exposure_bps",
        "exposure only goes up",
    ),
    (
        lambda plan: plan["phases"][3].update(starts_after_seconds=1),
        "phases[3].starts_after_seconds",
        "at least the 172800 of ramp-5",
    ),
    (lambda plan: plan.update(time_zone="Mars/Olympus"), "time_zone", "IANA"),
    (
        lambda plan: plan["evaluation"].update(every_seconds=5),
        "evaluation.every_seconds",
        "Step Functions ends an execution at 25000",
    ),
    (
        lambda plan: plan.update(comparison={"most_per_second": 0.001}),
        "comparison.most_per_second",
        "allow more, or soak longer",
    ),
    (
        lambda plan: plan["guardrails"]["errors"].update(
            tolerated=0.03,
            certify=0.04,
            bands=[
                {"call": "PROMOTE", "from": 0, "to": 0.05},
                {"call": "ROLL_BACK", "from": 0.05, "to": 1},
            ],
        ),
        "guardrails.errors.tolerated",
        "it would roll back what the plan lets pass",
    ),
]


def test_looks_that_leave_no_room_for_a_hold_are_warned_of() -> None:
    document = beta()
    document["evaluation"].update(every_seconds=60)
    texts = {one.text for one in lint(document, Known(BUSY, alarm=ALARM)) if one.level == WARNING}
    (said,) = [text for text in texts if text.startswith("ramp-5: a look every 60 s")]
    assert "about 29080 events in its longest bake and a hold" in said
    assert errors(document) == []


@pytest.mark.parametrize(("spoil", "field", "said"), SPOILT)
def test_what_is_wrong_with_a_plan_is_found(
    spoil: Callable[[dict[str, Any]], object], field: str, said: str
) -> None:
    document = beta()
    spoil(document)
    (one, *_) = errors(document)
    assert one.field == field
    assert said in one.text


def test_every_unknown_field_and_every_wrong_guardrail_is_found() -> None:
    document = beta(colour="red")
    document["phases"][0]["taste"] = "sweet"
    document["cleanup"]["starts_after_seconds"] = 1
    band(document, **{"from": 0.03})
    document["guardrails"]["slow"]["bands"][0]["from"] = 0.5
    assert {one.field for one in errors(document)} == {
        "colour",
        "phases.0.taste",
        "cleanup.starts_after_seconds",
        "guardrails.errors.bands[1].from",
        "guardrails.slow.bands[0].from",
    }


def test_samples_that_the_traffic_cannot_give_are_an_error() -> None:
    assert (ERROR, "phases.canary") in found(beta(), Known(Forecast.constant(1000)))


def test_a_cohort_that_is_probably_empty_is_a_warning() -> None:
    assert (WARNING, "phases.canary") in found(beta(), Known(BUSY, users=50))


def test_a_plan_without_traffic_is_a_warning() -> None:
    assert found(beta(), Known(alarm=ALARM)) == {(WARNING, "forecast")}


def test_an_alarm_that_cannot_see_the_canary_is_a_warning() -> None:
    (one,) = lint(beta(), Known(Forecast.constant(1_000_000), alarm=ALARM))
    assert one.level == WARNING
    assert "cannot see canary (6.9)" in one.text
    assert "ramp-5" not in one.text


def test_an_alarm_on_all_reads_is_an_error() -> None:
    whole = Alarm(minimum=20, threshold=2, period_seconds=60, breaching=3, arm="")
    assert (ERROR, "alarm") in found(beta(), Known(BUSY, alarm=whole))


def test_a_step_that_cannot_start_when_the_plan_says_is_a_warning() -> None:
    document = beta()
    document["phases"][2]["starts_after_seconds"] = 60
    assert (WARNING, "phases[2].starts_after_seconds") in found(document, Known(BUSY))


def test_the_alarm_is_the_one_of_the_template() -> None:
    assert of_template() == ALARM


def test_the_alarm_is_read_as_cloudwatch_describes_it() -> None:
    def statistic(ident: str) -> dict[str, Any]:
        dimensions = [{"Name": "arm", "Value": "candidate"}]
        metric = {"MetricName": "Requests", "Dimensions": dimensions}
        return {"Id": ident, "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}

    described = {
        "Threshold": 2.0,
        "EvaluationPeriods": 5,
        "DatapointsToAlarm": 3,
        "Metrics": [
            {"Id": "rate", "Expression": "IF(req >= 20, 100 * err / req, 0)"},
            statistic("req"),
            statistic("err"),
        ],
    }
    assert of_deployed(described) == ALARM
    assert of_deployed({"Threshold": 2.0, "MetricName": "Errors"}) is None


def test_findings_fail_the_command_and_warnings_do_not(tmp_path: Path) -> None:
    good = run("lint", BETA)
    assert (good.exit_code, good.output.split(":")[0]) == (0, "warning")
    bad = run("lint", written(tmp_path, beta(colour="red")))
    assert (bad.exit_code, bad.output.split(":")[0]) == (1, "error")
    told = json.loads(run("lint", written(tmp_path, beta(colour="red")), "--json").output)
    assert told["findings"][0]["field"] == "colour"


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\x00", '{"a": NaN}'])
def test_a_file_that_is_no_json_object_is_bad_input(tmp_path: Path, text: str) -> None:
    (tmp_path / "plan.json").write_text(text)
    result = run("lint", str(tmp_path / "plan.json"))
    assert (result.exit_code, result.output.count("\n")) == (2, 1)
    assert "plan file is" in result.output


@pytest.mark.parametrize("plan", PLANS, ids=lambda path: path.stem)
def test_the_plans_that_ship_have_no_error(plan: Path) -> None:
    assert errors(json.loads(plan.read_text(encoding="utf-8"))) == []


# Every field


def described(node: dict[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, child in node.get("properties", {}).items():
        yield f"{path}.{name}", child
        yield from described(child, f"{path}.{name}")
        yield from described(child.get("items", {}), f"{path}.{name}")


def test_the_page_of_fields_is_what_the_schema_says() -> None:
    page = (ROOT / "docs" / "plan.md").read_text(encoding="utf-8")
    assert page == fields.page(), "rollout plan fields > docs/plan.md"
    assert run("fields").output == page


def test_every_field_of_the_schema_is_explained_on_the_page() -> None:
    schema, page = plan_documents.schema(), fields.page()
    named = [*described(schema), *described(schema["definitions"]["guardrail"])]
    assert len(named) > 50
    for path, child in named:
        assert f"{path.rpartition('.')[2]}`" in page, path
        assert "$ref" in child or child["description"] in page, path


def test_the_schema_itself_is_for_programs() -> None:
    assert json.loads(run("fields", "--json").output) == plan_documents.schema()
