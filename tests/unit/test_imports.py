"""The domain stays pure: it imports the standard library and itself, no clock and no I/O."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

DOMAIN = Path(__file__).parents[2] / "functions" / "rollout" / "domain"
MODULES = sorted(DOMAIN.rglob("*.py"))
CLOCKS_AND_IO = {
    *("time", "random", "secrets", "uuid", "os", "pathlib", "io", "shutil", "tempfile"),
    *("socket", "ssl", "http", "urllib", "subprocess", "threading", "asyncio", "concurrent"),
    *("logging", "importlib", "ctypes"),
}


def imported(source: str) -> Iterator[str]:
    """Dotted names of all modules imported anywhere; relative ones begin with a dot."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def foreign(source: str) -> list[str]:
    """The imports that neither the standard library nor the domain provides."""
    return [
        name
        for name in imported(source)
        if name.split(".")[0] not in sys.stdlib_module_names
        and name != "rollout.domain"
        and not name.startswith("rollout.domain.")
    ]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_domain_module_imports_the_standard_library_and_the_domain_only(path: Path) -> None:
    assert foreign(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_domain_module_has_no_clock_and_does_no_io(path: Path) -> None:
    roots = {name.split(".")[0] for name in imported(path.read_text(encoding="utf-8"))}

    assert roots & CLOCKS_AND_IO == set()


def test_the_domain_has_modules_to_look_at() -> None:
    assert {"plan", "flag", "verdict"} <= {path.stem for path in MODULES}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import json\nfrom rollout.domain.plan import Plan", []),
        ("from rollout.domain import plan", []),
        ("import boto3", ["boto3"]),
        ("def f():\n    from aws_lambda_powertools import Logger", ["aws_lambda_powertools"]),
        ("import json, pg8000.native", ["pg8000.native"]),
        ("from rollout import adapters", ["rollout"]),
        ("from rollout.adapters.flags import Flags", ["rollout.adapters.flags"]),
        ("from rollout.domains import x", ["rollout.domains"]),
        ("from ..adapters import flags", ["..adapters"]),
        ("if TYPE_CHECKING:\n    import ops.cli", ["ops.cli"]),
    ],
)
def test_an_import_from_elsewhere_is_found_wherever_it_stands(
    source: str, found: list[str]
) -> None:
    assert foreign(source) == found
