"""What a rollout costs: the counts against the machine itself, the bill against its prices."""

import json
import math
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ops.cli import main
from ops.costs import lines, usage
from ops.costs.lines import MONTH, READS, ROLLOUT, bill, month, total
from ops.costs.usage import NO_TASK, Deployment, Usage, of_plan, of_record
from ops.faults import plan as minutes
from ops.faults.appconfig import BAKE_SECONDS
from ops.faults.functions import POLL_SECONDS
from ops.faults.machine import MACHINE
from ops.faults.services import REQUESTS_PER_SECOND
from ops.faults.world import World
from ops.templates import read_template
from rollout.adapters import plan_documents
from rollout.adapters.metrics import WANTED
from rollout.adapters.request_log import ARM_UNITS, SHADOW_UNITS, RequestLog
from rollout.domain.forecast import Forecast
from rollout.domain.plan import Plan
from tests.fakes import ROOT
from tests.functional.worlds import healthy

BETA = ROOT / "plans" / "beta.json"
DAY = 86400
# The stack in memory.
HERE = Deployment(poll_seconds=POLL_SECONDS, bake_minutes=BAKE_SECONDS / 60)


def plan_of(file: Path) -> tuple[Plan, dict[str, Any]]:
    return plan_documents.load(file)


@pytest.fixture(scope="module")
def world() -> World:
    """A whole healthy rollout through the real machine."""
    assert healthy().executions[-1].word == "COMPLETED"
    return healthy()


def recorded(world: World) -> dict[str, Any]:
    """The rollout as ops.records reads it back."""
    visits = [
        {"visits": [{"state": state, "failures": []} for state in execution.path]}
        for execution in world.executions
    ]
    return {
        "plan": minutes.document(),
        "executions": visits,
        "minutes": [],
        "launched_at": 0.0,
        "ended_at": 60.0,
        "read_at": 60.0,
    }


def expected() -> Usage:
    forecast = Forecast.constant(DAY * REQUESTS_PER_SECOND)
    return of_plan(minutes.plan(), forecast, HERE)


@pytest.mark.parametrize(
    "count",
    [
        "executions",
        "states",
        "tasks",
        "evaluations",
        "exposures",
        "metrics_asked",
        "received",
        "messages",
    ],
)
def test_a_rollout_to_come_is_counted_as_the_machine_then_goes(world: World, count: str) -> None:
    made, said = of_record(recorded(world)), expected()
    # How many looks a phase takes depends on when its metrics have settled: one more or less.
    looks = {"states": 3, "tasks": 1, "evaluations": 1, "metrics_asked": 9}
    phases = len(minutes.plan().phases)
    assert abs(getattr(made, count) - getattr(said, count)) <= phases * looks.get(count, 0)


def test_the_states_of_a_record_are_those_that_were_visited(world: World) -> None:
    made = of_record(recorded(world))
    paths = Counter(state for execution in world.executions for state in execution.path)
    assert made.states == sum(paths.values())
    assert made.evaluations == paths["Evaluate Shadow"] + paths["Evaluate Metrics"]
    assert made.messages >= len(world.account.sns.told)
    assert made.exposures == 6


def test_what_is_outside_the_looks_is_counted_exactly(world: World) -> None:
    made, said = of_record(recorded(world)), expected()
    assert made.states - 3 * made.evaluations == said.states - 3 * said.evaluations
    assert made.tasks - made.evaluations == said.tasks - said.evaluations


def under(ceiling: float | None, forecast: Forecast) -> Usage:
    plan, _ = plan_of(BETA)
    return of_plan(replace(plan, most_compared_per_second=ceiling), forecast, Deployment())


def test_a_ceiling_lowers_what_is_compared_and_what_that_costs() -> None:
    busy = Forecast.constant(1000 * DAY)
    free, held = under(None, busy), under(10, busy)
    assert held.compared < free.compared / 50
    assert held.metrics_asked == free.metrics_asked + len(WANTED) * held.exposures
    assert replace(held, compared=free.compared, metrics_asked=free.metrics_asked) == free

    def count(used: Usage, what: str) -> float:
        lines = bill(used, Deployment())
        return sum(one.quantity for one in lines if (one.of, one.what) == (ROLLOUT, what))

    for what in ("shadow comparisons", "reads of the candidate", "GB-seconds", "GB ingested"):
        assert count(held, what) < count(free, what), what


def test_quiet_traffic_costs_the_same_under_a_ceiling() -> None:
    quiet = Forecast.constant(DAY / 10)
    free, held = under(None, quiet), under(10, quiet)
    assert replace(held, metrics_asked=free.metrics_asked) == free


def test_the_share_is_that_of_the_busiest_hour_before_the_phase() -> None:
    """An hour of silence, then a busy one, round and round."""
    plan, _ = plan_of(BETA)
    waves = Forecast((0.0, 3_600_000.0), 3600)
    soak = plan.phases[0]
    found = usage._reads(replace(plan, most_compared_per_second=10), soak, waves, 0.0, 7200.0)
    assert waves.requests(-3600, 3600) == 3_600_000
    assert found.compared == pytest.approx(3_600_000 * math.floor(10_000 * 10 / 1000) / 10_000)


def test_states_that_invoke_nothing_are_those_of_the_machine() -> None:
    states = MACHINE["States"]
    assert {name for name, state in states.items() if state["Type"] != "Task"} == NO_TASK
    named = {*usage.EVALUATING, *usage.RECEIVING, *usage.EXPOSING}
    assert named <= set(states) - NO_TASK


def test_a_retry_is_a_transition_and_an_invocation_more(world: World) -> None:
    record = recorded(world)
    before = of_record(record)
    record["executions"][0]["visits"][0]["failures"] = [{"error": "E", "cause": ""}]
    after = of_record(record)
    assert (after.states - before.states, after.tasks - before.tasks) == (1, 1)


def test_every_call_that_a_rehearsal_recorded_is_in_a_line_or_known_to_be_free() -> None:
    calls = json.loads((ROOT / "tests" / "calls.json").read_text())["calls"]
    assert {call["action"] for call in calls} <= set(lines.CHARGED)
    here = Deployment(traced=0.1)
    whole = [*bill(Usage(requests=1, executions=2), here), *month(1000, here)]
    named = {line.what for line in whole}
    assert {what for what in lines.CHARGED.values() if what} <= named


def test_memory_is_that_of_the_template() -> None:
    resources = read_template(ROOT / "template.yaml")["Resources"]

    def gb(name: str) -> float:
        return float(resources[name]["Properties"]["MemorySize"]) / 1024

    assert lines.READ_GB_S / gb("ReadFunction") == pytest.approx(0.010)
    assert lines.CANDIDATE_GB_S / gb("CandidateFunction") == pytest.approx(0.020)
    assert lines.COMPARE_GB_S / gb("CompareFunction") == pytest.approx(0.060)
    assert lines.EVALUATE_GB_S / gb("EvaluateFunction") == pytest.approx(3.0)
    assert lines.STEP_GB_S / gb("RollBackFunction") == pytest.approx(1.0)
    rate = resources["WatchdogFunction"]["Properties"]["Events"]["Look"]["Properties"]["Schedule"]
    assert rate == f"rate({lines.WATCHDOG_SECONDS // 60} minutes)"


FACTS = {
    "event": "read.served",
    "path": "candidate",
    "request_id": "8f5c1f0e-6d0f-4b5e-9b1c-2f1d3c4b5a69",
    "user_hash": "0123456789abcdef",
    "bucket": 1234,
    "is_candidate": 1,
    "exposure_bps": 100,
    "flag_bps": 100,
    "flag_stale": 0,
    "config_version": "0123456789ab",
    "rollout_id": "beta-20260314-090000",
    "phase": "canary",
    "fallback": 0,
    "ok": 1,
    "failed": 0,
    "latency_ms": 12.345,
    "timed_out": 0,
    "error_type": "",
    "error_message": "",
}


def test_lines_are_as_long_as_the_bill_takes_them_to_be(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log = RequestLog("Huntaze/ReadPath", "huntaze-read", 60, b"key")
    log.write("candidate", ARM_UNITS, dict.fromkeys(ARM_UNITS, 1), FACTS)
    log.write("shadow", SHADOW_UNITS, dict.fromkeys(SHADOW_UNITS, 1), FACTS)
    read, compared = capsys.readouterr().out.splitlines()
    assert len(read) == pytest.approx(lines.READ_BYTES - lines.PLATFORM_BYTES, rel=0.2)
    assert len(compared) == pytest.approx(lines.COMPARE_BYTES - lines.PLATFORM_BYTES, rel=0.2)


# The bill


def test_more_traffic_costs_more_and_nothing_costs_less_than_nothing() -> None:
    plan, _ = plan_of(BETA)
    here = Deployment()
    sums = [
        total(bill(of_plan(plan, Forecast.constant(requests), here), here))
        for requests in (20_000, 200_000, 2_000_000)
    ]
    assert sums == sorted(sums)
    assert sums[0] < sums[-1]
    assert all(line.quantity >= 0 for line in bill(Usage(executions=1), here))


def test_a_plan_that_is_cut_short_costs_what_comes_before() -> None:
    plan, _ = plan_of(BETA)
    forecast, here = Forecast.constant(24_000), Deployment()
    parts = [total(bill(of_plan(plan, forecast, here, phase.name), here)) for phase in plan.phases]
    assert parts == sorted(parts)
    assert parts[-1] < total(bill(of_plan(plan, forecast, here), here))


def test_tenants_cost_eight_metrics_each() -> None:
    def months(tenants: int) -> float:
        used = Usage(seconds=730 * 3600, executions=1, tenants=tenants)
        return next(
            line.quantity for line in bill(used, Deployment()) if line.what == "metric months"
        )

    assert months(2) - months(0) == 16


def test_the_beta_of_three_hours_costs_what_the_document_says() -> None:
    """docs/cost.md quotes these; 3,000 reads in three hours are 24,000 a day."""
    document = (ROOT / "docs" / "cost.md").read_text(encoding="utf-8")
    plan, _ = plan_of(BETA)
    here = Deployment()
    forecast = Forecast.constant(24_000)
    beta = bill(of_plan(plan, forecast, here, "canary"), here)
    whole = bill(of_plan(plan, forecast, here), here)
    standing = month(24_000, here)
    for amount in (
        total(beta, ROLLOUT),
        total(whole, ROLLOUT),
        total(standing),
    ):
        assert f"${amount:.2f}" in document, amount
    assert total(standing) < 60


# The command


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["cost", *words])


def test_the_bill_is_told_by_service_and_by_what_causes_it() -> None:
    result = run("--plan", str(BETA), "--requests-per-day", "24000")
    assert result.exit_code == 0
    for word in (ROLLOUT, READS, MONTH, "Step Functions", "AppConfig", "2026-11-24"):
        assert word in result.output
    assert max(len(line) for line in result.output.splitlines()) <= 80


def test_a_program_gets_counts_prices_and_sums() -> None:
    words = ("--plan", str(BETA), "--requests-per-day", "24000", "--json")
    result = json.loads(run(*words).output)
    assert result["usd"][ROLLOUT] == pytest.approx(
        sum(line["cost"] for line in result["lines"] if line["of"] == ROLLOUT)
    )
    assert result["used"]["executions"] == 6
    assert (result["region"], result["prices_as_of"]) == ("us-east-1", "2026-11-24")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "exactly one of them"),
        (("--plan", str(BETA), "--rollout", "x", "--requests-per-day", "1"), "exactly one"),
        (("--plan", str(BETA)), "expected one of --requests-per-day"),
        (("--plan", str(BETA), "--requests-per-day", "1", "--until", "moon"), "one of shadow-soak"),
    ],
)
def test_what_cannot_be_billed_is_bad_input(words: tuple[str, ...], said: str) -> None:
    result = run(*words)
    assert (result.exit_code, result.output.count("\n")) == (2, 1)
    assert said in result.output
