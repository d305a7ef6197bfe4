"""What `sam build` ships: our package and its requirements, nothing that Lambda already has."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HERE = f"python{sys.version_info.major}.{sys.version_info.minor}"
DECLARED = "Runtime: python3.13"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The build of one function, for the interpreter at hand: SAM wants exactly the runtime's."""
    template = (ROOT / "template.yaml").read_text()
    assert DECLARED in template
    source = tmp_path_factory.mktemp("source")
    for name in ("functions", "statemachines"):
        (source / name).symlink_to(ROOT / name)
    (source / "template.yaml").write_text(template.replace(DECLARED, f"Runtime: {HERE}"))
    sam = Path(sys.executable).with_name("sam")
    done = subprocess.run(
        [sam, "build", "ReadFunction"],
        cwd=source,
        env={**os.environ, "SAM_CLI_TELEMETRY": "0"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return source / ".aws-sam" / "build" / "ReadFunction"


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
