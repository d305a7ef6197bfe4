"""docs/scale.md repeats its simulation: the long run's committed result, and what is quick anew."""

import json
import os
import re
import stat
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from benchmarks.scale import machine, page, replay, rows, simulation, stacks
from benchmarks.scale.machine import HERE, Trace
from benchmarks.scale.replay import Outcome
from benchmarks.scale.traffic import LEVELS, ROOT
from ops.costs.usage import Usage, of_plan
from ops.watching import watch
from rollout.adapters.metrics import WANTED

PAGE = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
RESULTS = sorted((ROOT / "benchmarks" / "results").glob("scale-*.json"))[-1]
FOUND: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
SEED = FOUND["seed"]
BY_NAME = simulation.BY_NAME
QUIET = "1,000 a day"
QUICK = [level.name for level in LEVELS[:4]]
# Latencies in the read path's lines are measured, and their digits are not always as many.
LINES = 1e-3


def of(table: str, name: str, ceiling: Any = ...) -> dict[str, Any]:
    (row,) = [
        row
        for row in FOUND[table]
        if row["traffic"] == name and (ceiling is ... or row["ceiling"] == ceiling)
    ]
    return dict(row)


def same(found: dict[str, Any], known: dict[str, Any]) -> None:
    """Words exactly, numbers but for the length of lines."""
    assert found.keys() == known.keys()
    for key, value in known.items():
        wanted = pytest.approx(value, rel=LINES) if isinstance(value, float) else value
        assert found[key] == wanted, key


@pytest.fixture(scope="module")
def quiet() -> Trace:
    """The plan for a thousand reads a day, through the real handlers."""
    return machine.drive(BY_NAME[QUIET], SEED)


# The page


@pytest.mark.parametrize("name", page.tables(FOUND))
def test_a_table_stands_in_the_document_as_it_was_simulated(name: str) -> None:
    assert page.tables(FOUND)[name] in PAGE


def test_the_document_names_the_run() -> None:
    assert RESULTS.name in PAGE


def digits(pattern: str) -> float:
    """The one number that the document has there."""
    (found,) = re.findall(pattern, re.sub(r"\s+", " ", PAGE))
    return float(found.replace(",", ""))


def test_sentences_say_what_the_rows_say() -> None:
    busy, huge = of("readers", "10,000 a second"), of("readers", "1,000,000 a second")
    assert digits(r"([\d.]+) % of the reads are throttled") == round(100 * busy["throttled"], 1)
    assert digits(r"From nothing, .*? allowed: ([\d,]+) take") == huge["sandboxes_peak"]
    assert digits(r"take (\d+) minutes") == round(huge["sandboxes_peak"] / 100 / 60)
    capped, free = (of("shadow", "10,000 a second", ceiling) for ceiling in (20.0, None))
    assert digits(r"for \$([\d.]+) instead") == round(capped["usd"], 2)
    assert digits(r"instead of \$([\d,.]+\d)") == round(free["usd"], 2)
    assert digits(r"second is (\d+) comparisons") == round(
        of("shadow", "1,000,000 a second", 20.0)["a_second"]
    )
    one, twenty = (of("evidence", "10,000 a second", ceiling) for ceiling in (1.0, 20.0))
    differing = [row["1.5 % differ"]["median"] for row in (one, twenty)]
    assert [digits(r"found after (\d+) minutes"), digits(r"instead of (\d+)\.")] == differing
    assert digits(r"no memory: ([\d,]+) points") == max(
        row["heaviest_look"] for row in FOUND["rollout"]
    )


def test_quotas_are_met_at_the_traffic_that_the_document_names() -> None:
    busy = of("readers", "10,000 a second")
    sandboxes = 1000 * 10_000 / busy["sandboxes_mean"]
    polls = 1000 * 10_000 / busy["polls_per_second"]
    assert digits(r"at once \| 1,000 \| ([\d,]+) a second") == pytest.approx(sandboxes, rel=0.02)
    assert digits(r"a second \| 1,000 \| ([\d,]+) a second") == pytest.approx(polls, rel=0.02)
    assert digits(r"`CompareConcurrency` \| 20 \| ([\d,]+)") == pytest.approx(
        20 / 0.060 / 1.4, rel=0.02
    )


def test_a_launch_lists_as_often_as_the_document_says(quiet: Trace) -> None:
    asked = [
        visit.calls.count("appconfig:list_deployments")
        for visit in quiet.visits
        if visit.execution == 0
    ]
    states = [visit.state for visit in quiet.visits if visit.execution == 0]
    served = states.index("Let It Spread")
    assert (sum(asked[:served]), "lists seven times" in PAGE) == (7, True)
    ramp = [visit for visit in quiet.visits if visit.execution == 1]
    until = [visit.state for visit in ramp].index("Let It Spread")
    lists = sum(visit.calls.count("appconfig:list_deployments") for visit in ramp[:until])
    assert (lists, "a ramp step three times" in re.sub(r"\s+", " ", PAGE)) == (3, True)


def test_the_ceiling_of_the_document_is_that_of_the_plan() -> None:
    assert BY_NAME[simulation.BETA].plan.most_compared_per_second == rows.CEILING
    assert f"`comparison.most_per_second` is {rows.CEILING:g} in the beta" in PAGE


# What is quick, anew


def test_the_machine_goes_as_it_did(quiet: Trace) -> None:
    """Where traffic is low, luck decides of a few looks; so would another judge."""
    found, known = rows.of_machine(quiet), of("rollout", QUIET)
    assert found["looks"] == pytest.approx(known["looks"], rel=0.05)
    for key in ("ended", "deployments", "fetches"):
        assert found[key] == known[key]
    assert found["transitions"] - 3 * found["looks"] == known["transitions"] - 3 * known["looks"]


@pytest.mark.parametrize("count", ["executions", "exposures", "received"])
def test_the_machine_is_counted_by_the_bill_as_it_goes(quiet: Trace, count: str) -> None:
    level = BY_NAME[QUIET]
    assert getattr(quiet.used, count) == getattr(of_plan(level.plan, level.forecast, HERE), count)


def test_what_is_outside_the_looks_is_counted_exactly(quiet: Trace) -> None:
    level = BY_NAME[QUIET]
    made, said = quiet.used, of_plan(level.plan, level.forecast, HERE)
    assert made.evaluations == pytest.approx(said.evaluations, rel=0.05)
    for count, a_look in (("states", 3), ("tasks", 1), ("metrics_asked", len(WANTED))):
        left = [getattr(used, count) - a_look * used.evaluations for used in (made, said)]
        assert left[0] == left[1], count
    assert made.messages >= said.messages  # people are told of a long HOLD


@pytest.mark.parametrize("name", [simulation.BETA, "1,000,000 a second"])
def test_the_beta_is_counted_by_the_bill_as_it_went(name: str) -> None:
    level, row = BY_NAME[name], of("rollout", name)
    said: Usage = of_plan(level.plan, level.forecast, HERE)
    assert (row["transitions"], row["looks"]) == (said.states + said.executions, said.evaluations)
    assert (row["fetches"], row["metrics"]) == (said.received, said.metrics_asked)
    assert row["ended"] == "COMPLETED"


@pytest.mark.parametrize("name", QUICK)
def test_readers_come_as_they_did(name: str) -> None:
    assert rows.of_readers(BY_NAME[name], SEED) == of("readers", name)


@pytest.mark.parametrize("row", FOUND["shadow"], ids=lambda r: f"{r['traffic']}, {r['ceiling']}")
def test_comparisons_are_shared_out_as_they_were(row: dict[str, Any]) -> None:
    if row["busy_dropped"]:
        pytest.skip("a full queue takes seconds; tests/unit has a small one")
    same(rows.of_shadow(BY_NAME[row["traffic"]], row["ceiling"], SEED), row)


@pytest.mark.parametrize("ceiling", [None, 20.0])
def test_evidence_arrives_as_it_did(ceiling: float | None) -> None:
    level, known = BY_NAME["100 a second"], of("evidence", "100 a second", ceiling)
    found = rows.of_evidence(level, ceiling, known["seeds"], SEED)
    a_look = level.plan.evaluation.every_seconds / 60
    for candidate in ("good", "1.5 % differ", "8 % fail"):
        assert found[candidate]["calls"] == known[candidate]["calls"]
        for key in ("median", "p95"):
            assert abs(found[candidate][key] - known[candidate][key]) <= a_look


def test_bills_are_as_they_were(quiet: Trace) -> None:
    known, shadow = of("bill", QUIET, 20.0), of("shadow", QUIET, 20.0)
    many = of("readers", QUIET)["sandboxes_peak"]
    same(rows.of_bill(BY_NAME[QUIET], quiet, many, shadow), known)


def test_stacks_fit_as_they_did() -> None:
    assert [asdict(one) for one in stacks.by_resource()] == FOUND["stacks_by_resource"]
    first = FOUND["stacks_by_resource"][0]
    assert (first["quota"], first["stacks"]) == ("deployment strategies", 10)
    each = {row["quota"]: row["per_stack"] for row in FOUND["stacks_by_resource"]}
    raised = [int(digits(r"5,000 each: (\d+) and")), int(digits(r"5,000 each: \d+ and (\d+)"))]
    assert raised == [5000 // each["roles"], 5000 // each["managed policies"]]


# What the document claims


@pytest.mark.parametrize("name", [level.name for level in LEVELS])
def test_under_the_ceiling_the_evidence_arrives_within_the_soak(name: str) -> None:
    level, soak = BY_NAME[name], of("evidence", name, 20.0)
    bake, longest = level.plan.phases[0].bake_seconds, level.plan.phases[0].maximum_bake_seconds
    assert soak["good"]["calls"] == ["PROMOTE"]
    assert soak["good"]["median"] <= bake / 60
    assert soak["good"]["p95"] <= longest / 60
    for bad in ("1.5 % differ", "8 % fail"):
        assert "PROMOTE" not in soak[bad]["calls"]


def test_a_candidate_below_the_limit_is_let_through_only_where_there_is_little_evidence() -> None:
    through = {row["traffic"] for row in FOUND["evidence"] if "PROMOTE" in row["4 % fail"]["calls"]}
    assert through == {"1,000 a day", "24,000 a day"}
    assert "At 24,000 a day and fewer some soaks promote it" in PAGE


def test_under_the_ceiling_the_shadow_costs_no_more_at_more_traffic() -> None:
    for level in LEVELS:
        row = of("shadow", level.name, 20.0)
        assert row["busy_dropped"] == 0
        if row["share_bps"] > 1:
            assert row["a_second"] <= 1.01 * 20
            assert row["usd"] < 13


def at_once(step: str, number: int, within: str) -> dict[str, Any]:
    (row,) = [
        row
        for row in FOUND["account"]
        if (row["step"], row["stacks"], row["within"]) == (step, number, within)
    ]
    return dict(row)


@pytest.mark.parametrize("row", FOUND["account"], ids=lambda r: f"{r['step']}, {r['stacks']}")
def test_rollouts_at_the_same_time_do_not_roll_each_other_back(row: dict[str, Any]) -> None:
    ended = (row["served"], row["rolled_back"], row["unconfirmed"], row["not_started"])
    if (row["step"], row["stacks"], row["within"]) == ("launch", 1000, "at once"):
        assert ended == (999, 1, 0, 0)
    else:
        assert ended == (row["stacks"], 0, 0, 0)
    grace = BY_NAME[simulation.BETA].plan.lease_grace_seconds
    assert row["late"] < grace / (100 if row["within"] == "half an hour" else 6)


def test_a_hundred_and_a_thousand_launches_at_once_are_as_the_document_says() -> None:
    hundred, thousand = (at_once("launch", number, "at once") for number in (100, 1000))
    assert hundred["served"] == 100
    assert digits(r"the last one (\d+) seconds late") == round(hundred["late"])
    assert digits(r"for each other\*\*: (\d+) are served") == thousand["served"]
    assert digits(r"the last one after (\d+) minutes") == round(thousand["late"] / 60)
    assert thousand["first"] == "AppConfig List* a second"
    enables = thousand["refused"].get("EnableAlarmActions a second", 0)
    assert enables < thousand["refused"][thousand["first"]] / 1000


@pytest.fixture(scope="module")
def launching(quiet: Trace) -> Callable[[int], Outcome]:
    """seed -> a hundred launches at once, by a quieter plan, which launches with the same calls."""
    back = machine.rollback(BY_NAME[QUIET], SEED)
    visits = [visit for visit in quiet.visits if visit.execution == 0 and visit.at <= rows.HORIZON]
    return lambda seed: replay.simulate(visits, back, 100, 1.0, seed)


@pytest.mark.parametrize("seed", range(5))
def test_a_hundred_launches_at_once_are_served_whatever_chance_does(
    launching: Callable[[int], Outcome], seed: int
) -> None:
    found = launching(seed)
    assert (found.served, found.rolled_back, found.unconfirmed) == (100, 0, 0)


@pytest.mark.parametrize("seed", range(3))
def test_without_a_rule_of_their_own_most_would_be_rolled_back(
    launching: Callable[[int], Outcome], monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    for state in replay.MACHINE["States"].values():
        if "Retry" in state:
            monkeypatch.setitem(state, "Retry", state["Retry"][1:])
    assert 70 <= launching(seed).rolled_back <= 90
    assert "some eighty would be rolled back" in re.sub(r"\s+", " ", PAGE)


# One region after another


def loop() -> str:
    """The script of the document that goes through regions."""
    section = PAGE.split("## Many regions and accounts")[1]
    (script,) = re.findall(r"```\n(set -e\n.*?)```", section, re.S)
    return str(script)


def went(tmp_path: Path, words: dict[str, str]) -> tuple[int, list[str]]:
    """(exit code of the script, what it called); words: region -> how its rollout ends."""
    called, stand_in = tmp_path / "called", tmp_path / "rollout"
    ends = "\n".join(
        f"watch\\ --region\\ {region}) exit {watch.code({'word': word})};;"
        for region, word in words.items()
    )
    stand_in.write_text(f'#!/bin/sh\necho "$*" >> {called}\ncase "$*" in\n{ends}\nesac\n')
    stand_in.chmod(stand_in.stat().st_mode | stat.S_IXUSR)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", loop()], env={**os.environ, "PATH": path}, capture_output=True, check=False
    )
    return done.returncode, called.read_text(encoding="utf-8").splitlines()


REGIONS = ("eu-west-1", "us-east-1", "ap-southeast-2")


def calls(regions: tuple[str, ...]) -> Iterator[str]:
    for region in regions:
        yield f"launch --region {region} --plan plans/beta.json"
        yield f"watch --region {region}"


def test_regions_follow_one_another(tmp_path: Path) -> None:
    ended = went(tmp_path, dict.fromkeys(REGIONS, "COMPLETED"))
    assert ended == (0, list(calls(REGIONS)))


@pytest.mark.parametrize("word", ["ROLLED_BACK", "REFUSED", "FAILED"])
@pytest.mark.parametrize("number", range(len(REGIONS)))
def test_no_region_follows_one_that_did_not_complete(
    tmp_path: Path, word: str, number: int
) -> None:
    words = dict.fromkeys(REGIONS, "COMPLETED") | {REGIONS[number]: word}
    code, called = went(tmp_path, words)
    assert (code, called) == (1, list(calls(REGIONS[: number + 1])))


def test_a_wrong_result_would_be_noticed() -> None:
    changed = {**FOUND, "rollout": [{**FOUND["rollout"][0], "looks": 1}, *FOUND["rollout"][1:]]}
    assert page.tables(changed)["one rollout"] not in PAGE
