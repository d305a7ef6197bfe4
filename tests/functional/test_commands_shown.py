"""Every command that a document shows: parsed by whoever would run it."""

import re
import shlex
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import botocore.session
import click
import pytest
from botocore import xform_name

from ops.cli import main
from tests.fakes import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
# `aws` options that belong to the CLI, not to the operation.
OF_THE_CLI = {"--query", "--output", "--region", "--profile", "--cli-input-json"}
# Code that is no command: what a command prints, SQL, JSON, a picture.
LANGUAGES = {"sql", "json", "mermaid", "text", "python"}
FIRST_WORDS = {"rollout", "make", "sam", "aws", "eval"}


def blocks(page: Path) -> Iterator[tuple[int, str]]:
    """(line number, line) of the code blocks of a page, continued lines joined."""
    text = page.read_text(encoding="utf-8")
    for match in re.finditer(r"^```(\w*)\n(.*?)^```", text, re.M | re.S):
        if match[1] in LANGUAGES:
            continue
        number = text[: match.start()].count("\n") + 2
        for offset, line in enumerate(match[2].replace("\\\n", " ").split("\n")):
            yield number + offset, line


def in_blocks() -> Iterator[tuple[str, list[str]]]:
    """(page:line, words) of every command that is to be typed as it stands."""
    for page in PAGES:
        for number, line in blocks(page):
            for part in line.split(" && "):
                words = _words(part)
                if words and words[0] in FIRST_WORDS:
                    yield f"{page.name}:{number}", words


def in_sentences() -> Iterator[tuple[str, list[str]]]:
    """(page, words) of every command of ours that a sentence names, maybe without its needs."""
    for page in PAGES:
        text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
        for match in re.finditer(r"`(rollout [a-z-][^`…]*)`", text):
            yield page.name, _words(match[1])


def _words(line: str) -> list[str]:
    """The words of one command, without where its input comes from or its output goes."""
    try:
        words = shlex.split(line, comments=True)
    except ValueError:
        return []
    ends = [words.index(sign) for sign in ("<", ">", "|") if sign in words]
    return words[: min(ends)] if ends else words


BLOCKS = list(in_blocks())
OURS = [(place, words) for place, words in BLOCKS if words[0] == "rollout"]
NAMED = list(in_sentences())
OF_AWS = [(place, words) for place, words in BLOCKS if words[0] == "aws"]


def shortened(value: object) -> str:
    return value if isinstance(value, str) else " ".join(value)[:60]  # type: ignore[arg-type]


def command_of(words: list[str]) -> tuple[click.Command, click.Context, list[str]]:
    """(the command that the words name, its parent's context, the words after its name)."""
    command: click.Command = main
    context = click.Context(main, info_name="rollout")
    rest = words
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        context = click.Context(command, context, info_name=command.name)
        _, found, rest = command.resolve_command(context, rest)
        assert found is not None
        command = found
    return command, context, rest


@pytest.mark.parametrize(("place", "words"), OURS, ids=shortened)
def test_a_command_of_ours_can_be_typed_as_it_is_shown(place: str, words: list[str]) -> None:
    command, context, rest = command_of(words[1:])
    assert not isinstance(command, click.Group), place
    command.make_context(command.name, rest, parent=context)


@pytest.mark.parametrize(("place", "words"), NAMED, ids=shortened)
def test_a_command_that_a_sentence_names_exists(place: str, words: list[str]) -> None:
    command, _, rest = command_of([word for word in words[1:] if not word.isupper()])
    known = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
    used = {word for word in rest if word.startswith("--")}
    assert used <= known | {"--help", "--version"}, place


@pytest.mark.parametrize(("place", "words"), OF_AWS, ids=shortened)
def test_a_command_of_aws_is_one_with_such_options(place: str, words: list[str]) -> None:
    _, service, operation, *rest = words
    model: Any = botocore.session.get_session().get_service_model(service)
    names = {xform_name(name, "-"): name for name in model.operation_names}
    assert operation in names, place
    shape = model.operation_model(names[operation]).input_shape
    members = {f"--{xform_name(name, '-')}" for name in (shape.members if shape else ())}
    options = {word for word in rest if word.startswith("--")} - OF_THE_CLI
    assert options <= members, place
    needed = {f"--{xform_name(name, '-')}" for name in (shape.required_members if shape else ())}
    assert needed <= options, place


def test_every_target_of_make_that_is_shown_exists() -> None:
    targets = {words[1] for _, words in BLOCKS if words[0] == "make"}
    assert targets
    missing = {name for name in targets if not re.search(rf"^{name}:.*## ", MAKEFILE, re.M)}
    assert not missing


def test_every_command_of_sam_that_is_shown_has_such_options() -> None:
    for place, words in BLOCKS:
        if words[0] == "sam":
            command = import_module(f"samcli.commands.{words[1]}.command").cli
            known = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
            used = {word for word in words if word.startswith("--")}
            assert used - OF_THE_CLI - {"--name"} <= known, place


def test_every_command_is_shown_somewhere() -> None:
    shown = {id(command_of(words[1:])[0]) for _, words in (*OURS, *NAMED)}
    waiting = list(main.commands.items())
    while waiting:
        name, command = waiting.pop()
        if isinstance(command, click.Group):
            waiting += command.commands.items()
        else:
            assert id(command) in shown, name
