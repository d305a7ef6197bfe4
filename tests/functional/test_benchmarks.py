"""Every benchmark runs, with its smallest setting, and says what it is documented to say.

What they measure is not looked at: this machine may be busy. soak runs in tests/local. kill needs a
whole local stack, so only its words are read here.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from benchmarks import (
    cold_start,
    compare,
    flag,
    kill,
    lines,
    memory,
    memory_calls,
    read_path,
    soak,
    verdict,
)
from benchmarks.decision import __main__ as decision
from benchmarks.decision import calibrate
from benchmarks.stand_ins import function_server, lambda_client
from ops.faults import wire
from rollout.adapters.shadow import Shadow
from rollout.domain.observation import Observation
from tests.functional.test_documents import ROOT

README = (ROOT / "benchmarks/README.md").read_text("utf-8")


def run(command: click.Command, *words: str) -> str:
    done = CliRunner().invoke(command, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def measured(command: click.Command, *words: str) -> dict[str, Any]:
    """The one JSON line."""
    (line,) = run(command, *words).splitlines()
    return dict(json.loads(line))


def test_flag() -> None:
    found = measured(flag.main, "--rounds", "1")
    assert {"ours_us", "ours_listed_us", "powertools_alike_over_ours"} <= found.keys()


def test_read_path_states_the_baseline_in_both_readings_with_the_spread() -> None:
    found = measured(read_path.main, "--rounds", "1")
    for reading in ("client_tee", "own_tee"):
        name = f"ours_over_control_and_{reading}"
        assert found[f"{name}_quartiles"] == [found[name]] * 2  # of one round
    assert {"ours_ms", "afterwards_ms", "laboratory_added_over_ours", "load"} <= found.keys()


def test_verdict() -> None:
    found = measured(verdict.main, "--rounds", "1", "--minutes", "100")["verdicts"]
    assert len(found) == 6
    assert {"seconds", "minute_us", "over_json"} == found["100 a minute, 8 tenants"].keys()


def test_lines() -> None:
    found = measured(lines.main, "--rounds", "1", "--kinds", "1")
    assert found["levels"].keys() == {"low", "mid", "high"}
    assert {"look_us", "json_us", "over_json", "slowest_ms"} == found["levels"]["mid"].keys()


def test_compare() -> None:
    found = measured(compare.main, "--turns", "1", "--size", "0.2 kB")
    assert found["cases"].keys() == {"equal", "equal, other field order", "differing"}
    assert found["growth"] == {}


def test_cold_start() -> None:
    found = measured(cold_start.main, "--turns", "1", "--handler", "candidate")
    assert found["over_bare_ms"].keys() == {"bare", "boto3", "candidate"}
    assert "candidate_over_boto3" in found


def test_memory() -> None:
    found = measured(memory.main, "--calls", "10", "--handler", "evaluate")
    (name, one), *_ = found["handlers"].items()
    assert (name, *one) == ("evaluate", "peak_mib", "peak_over_ready", "last_calls_add_kib")


@pytest.fixture(scope="module")
def kept() -> Iterator[memory_calls.Kept]:
    """What memory calls the handlers with."""
    yield memory_calls.kept_calls()
    wire.connect(lambda service, operation, given: {})


@pytest.mark.parametrize("name", memory_calls.HANDLERS)
def test_memory_calls_every_handler_of_the_template_twice_alike(
    name: str, kept: memory_calls.Kept
) -> None:
    call = memory_calls.call_of(name, kept)
    first, second = call(0), call(0)
    assert isinstance(first, dict)
    assert first == second


def test_decision(tmp_path: Path) -> None:
    words = ["--judge", "ours", "--level", "low", "--scenario", "clean", "--rollouts", "1"]
    words += ["--jobs", "1", "--no-closed", "--json", "--out", str(tmp_path / "found.json")]
    assert "ours" in json.loads(run(decision.main, *words).splitlines()[-1])["judges"]
    assert (tmp_path / "found.json").exists()


def test_calibrate(monkeypatch: pytest.MonkeyPatch) -> None:
    few = {name: calibrate.SCENARIOS[name] for name in ("clean", "error-50%")}
    monkeypatch.setattr(calibrate, "SCENARIOS", few)
    monkeypatch.setattr(calibrate, "LEVELS", {"low": calibrate.LEVELS["low"]})
    monkeypatch.setattr(calibrate, "LEASTS", calibrate.LEASTS[:1])
    monkeypatch.setattr(calibrate, "SHAPES", calibrate.SHAPES[:1])
    monkeypatch.setattr(calibrate, "BUDGET", 1)  # of one harmless rollout, for it decides nothing
    said = run(calibrate.main, "--rollouts", "1")
    for metric in calibrate.METRICS:
        assert f"{metric}: Choice(" in said


def test_a_tee_by_the_client_reaches_the_server_of_the_benchmark() -> None:
    shadow = Shadow("user-1", "0" * 16, Observation({"id": "user-1"}, "", 0.01))
    with function_server() as url:
        answer = read_path.client_tee(lambda_client(url), shadow)(0)
    assert answer["StatusCode"] == 202


def test_kill_knows_its_words(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["kill", "--help"])
    with pytest.raises(SystemExit) as ended:
        kill.main()
    assert ended.value.code == 0
    assert "--rounds" in capsys.readouterr().out


def test_every_command_of_the_readme_is_one() -> None:
    modules = set(re.findall(r"^python -m (benchmarks\.[\w.]+)", README, re.M))
    own = (cold_start, compare, flag, memory, read_path, soak)
    assert {module.__name__ for module in own} <= modules
    assert kill.__doc__
    assert "python -m benchmarks.kill" in kill.__doc__
