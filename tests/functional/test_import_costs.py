"""What importing costs: nothing that is not used, and no settings."""

import re
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
HANDLERS = re.findall(
    r"Handler: (rollout\.handlers\.\w+)\.handler", (ROOT / "template.yaml").read_text("utf-8")
)
# What is in the bundle or comes with the runtime; a handler is charged for each that it imports.
PACKAGES = {
    "boto3",
    "botocore",
    "aws_lambda_powertools",
    "fastjsonschema",
    "pg8000",
    "aws_xray_sdk",
}
SDK = {"boto3", "botocore"}
OWN = SDK | {"aws_lambda_powertools"}  # the rollout's own functions
READS_PLANS = OWN | {"fastjsonschema"}
USED = {
    "read": SDK,
    "compare": SDK,
    "candidate": {"pg8000"},
    "preflight": READS_PLANS,
    "set_exposure": READS_PLANS,
    "evaluate": READS_PLANS,
    "ask_a_person": READS_PLANS,
    "schedule_next": READS_PLANS,
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


def test_the_template_has_handlers_to_look_at() -> None:
    assert {name.rsplit(".", 1)[1] for name in HANDLERS} >= {*USED, "roll_back", "guard"}


@pytest.mark.parametrize("module", HANDLERS)
def test_a_handler_loads_the_packages_that_it_uses_and_no_other(module: str) -> None:
    used = USED.get(module.rsplit(".", 1)[1], OWN)
    assert loaded(f"import {module}") & PACKAGES == used


def test_the_command_line_loads_no_charts_before_a_report_is_asked_for() -> None:
    assert not loaded("import ops.cli") & {"matplotlib", "igraph", "jinja2"}
