"""The command line on a terminal: completion, no colours where none are wanted, 80 columns."""

import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from ops.cli import main
from tests.fakes import ROOT
from tests.functional.test_cli import COMMANDS

ROLLOUT = str(Path(sys.executable).with_name("rollout"))
BETA = str(ROOT / "plans" / "beta.json")
STYLE = re.compile(r"\x1b\[([0-9;]*)m")
TABLES = [
    ["plan", "explain", BETA, "--requests-per-day", "1000"],
    ["plan", "show", BETA, "--requests-per-day", "1000"],
    ["cost", "--plan", BETA, "--requests-per-day", "24000"],
]


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    path = f"{Path(ROLLOUT).parent}{os.pathsep}{os.environ['PATH']}"
    return {**kept, "PATH": path, "TERM": "xterm-256color", "COLUMNS": "80", **more}


def on_a_terminal(words: list[str], **more: str) -> str:
    """What a terminal of 80 columns would get."""
    ours, theirs = pty.openpty()
    done = subprocess.Popen(
        [ROLLOUT, *words], stdin=theirs, stdout=theirs, stderr=theirs, env=environment(**more)
    )
    os.close(theirs)
    said = b""
    while True:
        try:
            part = os.read(ours, 65_536)
        except OSError:  # Linux says so when the other end is closed
            break
        if not part:
            break
        said += part
    done.wait()
    os.close(ours)
    return said.decode()


@pytest.mark.parametrize("words", TABLES, ids=lambda words: " ".join(words[:2]))
def test_no_colour_is_no_colour(words: list[str]) -> None:
    said = on_a_terminal(words, NO_COLOR="1")
    parts = {part for found in STYLE.findall(said) for part in found.split(";")}
    assert parts <= {"", "0", "1", "2", "3", "4"}  # bold, dim, italic, underlined


def test_there_is_some_emphasis_to_switch_off() -> None:
    assert "\x1b[" in on_a_terminal(TABLES[0])


@pytest.mark.parametrize("words", TABLES[1:], ids=lambda words: " ".join(words[:2]))
def test_tables_fit_into_80_columns(words: list[str]) -> None:
    lines = STYLE.sub("", on_a_terminal(words)).splitlines()
    tables = [line.rstrip() for line in lines if "certif" not in line]
    assert max(len(line) for line in tables) <= 80


@pytest.mark.parametrize("name", COMMANDS)
def test_help_fits_into_80_columns(name: str) -> None:
    lines = CliRunner().invoke(main, [*name.split(), "--help"]).output.splitlines()
    # An example is to be copied, so it stays in one line where it can.
    assert max(len(line) for line in lines) <= 80


BASH = shutil.which("bash")


@pytest.mark.skipif(BASH is None, reason="there is no bash")
def test_what_the_document_says_completes_in_bash() -> None:
    document = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"^eval .*bash_source.*$", document, re.M)
    words = (
        "COMP_WORDS=(rollout pre) COMP_CWORD=1; _rollout_completion rollout; echo ${COMPREPLY[@]}"
    )
    done = subprocess.run(
        [str(BASH), "-c", f"{line}; complete -p rollout; {words}; echo ${{COMPREPLY[@]}}"],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "_rollout_completion rollout" in done.stdout
    assert done.stdout.splitlines()[-1] == "preflight"


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_other_shells_have_a_completion_too(shell: str) -> None:
    document = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert f"_ROLLOUT_COMPLETE={shell}_source rollout" in document
    done = subprocess.run(
        [ROLLOUT],
        env=environment(_ROLLOUT_COMPLETE=f"{shell}_source"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert "_rollout_completion" in done.stdout


def test_options_and_files_are_completed() -> None:
    def completed(words: str, at: int) -> list[str]:
        done = subprocess.run(
            [ROLLOUT],
            env=environment(
                _ROLLOUT_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=str(at)
            ),
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout.splitlines()

    assert "plain,--requests-per-day" in completed("rollout plan show --req", 3)
    assert completed("rollout launch --plan ", 3) == ["file,"]


def test_every_command_is_offered() -> None:
    context = click.Context(main)
    assert {item.value for item in main.shell_complete(context, "")} == set(main.commands)
