"""What importing costs: nothing that is not used, and no settings."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "functions"
MODULES = sorted(
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
    for path in (PACKAGE / "rollout").rglob("[a-z]*.py")
)
UNUSED = {
    "rollout.handlers.read": {"pg8000", "aws_lambda_powertools", "fastjsonschema"},
    "rollout.handlers.compare": {"pg8000", "aws_lambda_powertools", "fastjsonschema"},
    "rollout.handlers.candidate": {"boto3", "botocore", "fastjsonschema"},
    "rollout.handlers.evaluate": {"pg8000"},
    "rollout.handlers.roll_back": {"pg8000", "fastjsonschema"},
}


def loaded(statement: str) -> set[str]:
    """The top-level modules in a fresh interpreter without any setting, after the statement."""
    program = f"{statement}; import sys; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(PACKAGE)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_every_module_imports_without_any_setting() -> None:
    assert loaded("; ".join(f"import {name}" for name in MODULES)) >= {"rollout"}


@pytest.mark.parametrize(("module", "unused"), UNUSED.items())
def test_a_handler_loads_nothing_that_it_does_not_use(module: str, unused: set[str]) -> None:
    assert not loaded(f"import {module}") & unused
