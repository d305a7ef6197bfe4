"""What `sam build` ships: our package and its requirements, nothing that Lambda already has."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ops.templates import read_template
from tests.functional.test_template import FUNCTIONS

ROOT = Path(__file__).parents[2]
HERE = f"python{sys.version_info.major}.{sys.version_info.minor}"
DECLARED = "Runtime: python3.13"


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the builds are, for the interpreter at hand: SAM wants exactly the runtime's."""
    template = (ROOT / "template.yaml").read_text()
    assert DECLARED in template
    source = tmp_path_factory.mktemp("source")
    for name in ("functions", "statemachines"):
        (source / name).symlink_to(ROOT / name)
    (source / "template.yaml").write_text(template.replace(DECLARED, f"Runtime: {HERE}"))
    sam = Path(sys.executable).with_name("sam")
    done = subprocess.run(
        [sam, "build"],
        cwd=source,
        env={**os.environ, "SAM_CLI_TELEMETRY": "0"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return source / ".aws-sam" / "build"


@pytest.fixture(scope="module")
def template(builds: Path) -> dict[str, Any]:
    """The template as it would be uploaded: each function names its build."""
    return read_template(builds / "template.yaml")


@pytest.fixture(scope="module")
def built(builds: Path, template: dict[str, Any]) -> Path:
    return builds / str(template["Resources"]["ReadFunction"]["Properties"]["CodeUri"])


IMPORTING = """
import importlib, json, sys
from pathlib import Path
found = {}
for name in json.loads(sys.argv[1]):
    module, _, function = name.rpartition(".")
    loaded = importlib.import_module(module)
    found[name] = [callable(getattr(loaded, function)), str(Path(loaded.__file__).resolve())]
print(json.dumps(found))
"""


def content(folder: Path) -> str:
    """A digest of every file's path and bytes."""
    found = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        found.update(str(file.relative_to(folder)).encode() + b"\0" + file.read_bytes())
    return found.hexdigest()


def test_every_function_is_imported_from_its_build(builds: Path, template: dict[str, Any]) -> None:
    """With an empty environment, as Lambda does before it calls a handler for the first time.

    Of builds with the same content, one is tried for all their functions.
    """
    places: dict[str, Path] = {}
    handlers: dict[str, list[str]] = {}
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            properties = resource["Properties"]
            where = (builds / str(properties["CodeUri"])).resolve()
            same = content(where)
            places[same] = where
            handlers.setdefault(same, []).append(properties["Handler"])
    assert sum(len(names) for names in handlers.values()) == len(FUNCTIONS)
    for same, names in handlers.items():
        where = places[same]
        done = subprocess.run(
            [sys.executable, "-c", IMPORTING, json.dumps(names)],
            cwd=where,
            env={"PYTHONPATH": str(where), "AWS_DEFAULT_REGION": "us-east-1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        for name, (is_callable, file) in json.loads(done.stdout).items():
            assert is_callable, name
            assert Path(file).is_relative_to(where), name


def test_the_build_holds_the_package_with_the_plans_schema(built: Path) -> None:
    assert (built / "rollout" / "handlers" / "read.py").is_file()
    assert (built / "rollout" / "plan.schema.json").is_file()


def test_the_build_holds_every_requirement(built: Path) -> None:
    for package in ("aws_lambda_powertools", "fastjsonschema", "pg8000"):
        assert (built / package).is_dir(), package


def test_the_build_leaves_out_what_the_lambda_runtime_has(built: Path) -> None:
    assert not (built / "boto3").exists()
    assert not (built / "botocore").exists()


def test_the_build_has_no_compiled_code_that_would_tie_it_to_one_processor(built: Path) -> None:
    assert not [path.name for path in built.rglob("*.so")]
