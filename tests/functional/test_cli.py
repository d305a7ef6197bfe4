"""The command line: help, examples, and one line for whatever is wrong."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from ops import deployed
from ops.cli import GROUPS, main
from ops.local.stories import STORIES
from rollout.adapters import clients

ROOT = Path(__file__).parents[2]
BETA = str(ROOT / "plans" / "beta.json")
NOWHERE = "http://127.0.0.1:9"
AGAINST_A_STACK = ["launch", "status", "roll-back", "approve", "reject"]


@pytest.fixture(autouse=True)
def fresh_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The command sets what boto3 reads; no test may inherit it."""
    known = dict(os.environ)
    clients.client.cache_clear()
    yield
    for name in set(os.environ) - set(known):
        monkeypatch.delenv(name, raising=False)
    clients.client.cache_clear()


def commands(group: click.Group = main, path: str = "") -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        full = f"{path} {name}".strip()
        if isinstance(command, click.Group):
            yield from commands(command, full)
        else:
            yield full, command


def run(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


COMMANDS = [name for name, _ in commands()]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_and_an_example_of_itself(name: str) -> None:
    result = run(*name.split(), "--help")
    assert result.exit_code == 0
    assert re.search(rf"Example:\s+rollout\s+{name}", result.output)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_in_the_documents(name: str) -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    assert any(f"rollout {name}" in page.read_text(encoding="utf-8") for page in pages)


@pytest.mark.parametrize("name", AGAINST_A_STACK)
def test_a_command_for_a_stack_works_anywhere_and_for_programs(name: str) -> None:
    text = run(name, "--help").output
    for option in ("--json", "--stack", "--endpoint-url", "--region", "--profile"):
        assert option in text


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("name", ["launch", "status", "roll-back"])
def test_a_stack_that_cannot_be_reached_is_one_line_that_says_where(name: str) -> None:
    needs = {"launch": ["--plan", BETA], "roll-back": ["--why", "w"]}.get(name, [])
    result = run(name, *needs, "--endpoint-url", NOWHERE)
    assert result.exit_code == 1
    assert result.output.count("\n") == 1
    assert NOWHERE in result.output


def spoilt(tmp_path: Path, **changes: object) -> str:
    document = json.loads(Path(BETA).read_text(encoding="utf-8"))
    document["phases"][1].update(changes)
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(document))
    return str(file)


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"colour": "red"}, "phases.1.colour", "'red'"),
        ({"bake_seconds": -1}, "phases.1.bake_seconds", "-1"),
        ({"exposure_bps": 600}, "phases[2].exposure_bps", "500"),
    ],
)
def test_a_bad_plan_is_refused_before_anything_is_started(
    tmp_path: Path, changes: dict[str, object], field: str, value: str
) -> None:
    result = run("rehearse", "--plan", spoilt(tmp_path, **changes))
    assert result.exit_code == 2
    assert result.output.startswith(f"rollout: {field} is {value}; expected ")
    assert result.output.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "No such file"),
        ("a,b\n1,2\n", "timestamp"),
        ("timestamp,value\n2014-04-10 00:00:00,many\n", "many"),
        ("timestamp,value\n2014-04-10 00:00:00,-3\n2014-04-10 00:05:00,1\n", "-3"),
        ("timestamp,value\n", "timestamp"),
    ],
)
def test_traffic_that_is_no_table_of_counts_is_refused(
    tmp_path: Path, text: str | None, said: str
) -> None:
    file = tmp_path / "counts.csv"
    if text is not None:
        file.write_text(text)
    result = run("rehearse", "--traffic", str(file))
    assert (result.exit_code, result.output.count("\n")) == (2, 1)
    assert said in result.output


def test_a_story_nobody_knows_is_refused_with_those_there_are() -> None:
    result = run("rehearse", "--story", "sunny")
    assert result.exit_code == 2
    assert "--story is 'sunny'; expected one of healthy, errors" in result.output


def test_a_plan_is_explained_phase_by_phase() -> None:
    result = run("plan", "explain", BETA, "--requests-per-day", "144000", "--json")
    found = json.loads(result.output)
    assert result.exit_code == 0
    assert [phase["certify"] for phase in found["phases"]][1:] == [8, 45, 91, 184, 184]


def test_a_plan_that_the_traffic_cannot_carry_fails_and_says_where() -> None:
    result = run("plan", "explain", BETA, "--requests-per-day", "1000", "--users", "50")
    assert result.exit_code == 1
    assert "canary: certifying takes 69120 s, the longest bake is 43200 s" in result.output
    assert "cohort.allow_list" in result.output


@pytest.mark.parametrize("ways", [[], ["--requests-per-day", "5", "--last-days", "3"]])
def test_a_plan_is_explained_for_exactly_one_forecast(ways: list[str]) -> None:
    result = run("plan", "explain", BETA, *ways)
    assert result.exit_code == 2
    assert "expected one of --requests-per-day, --traffic or --last-days" in result.output


def test_a_rollback_needs_a_reason() -> None:
    result = run("roll-back", "--endpoint-url", NOWHERE)
    assert result.exit_code == 2
    assert "--why" in result.output


def test_ctrl_c_ends_a_command_with_130_and_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_name: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(deployed, "client", interrupted)
    result = run("status")
    assert (result.exit_code, result.output) == (130, "rollout: interrupted\n")


@pytest.mark.parametrize("story", STORIES)
def test_every_story_is_in_the_help_and_in_the_readme(story: str) -> None:
    assert story in "".join(run("rehearse", "--help").output.split())
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"| `{story}` |" in readme or f"- **{story}**:" in readme


def test_the_help_says_what_every_exit_code_means() -> None:
    text = " ".join(run("--help").output.split())
    assert "0 done, 1 failed or ended otherwise than it should, 2 bad input, 130 interr" in text


def test_every_module_of_commands_is_reachable() -> None:
    listed = {command for group in GROUPS for command in group.COMMANDS}
    assert listed == set(main.commands.values())
    shared = {"__init__", "__main__", "endings", "options"}
    files = {file.stem for file in (ROOT / "ops" / "cli").glob("*.py")} - shared
    assert files == {group.__name__.rpartition(".")[2] for group in GROUPS}
