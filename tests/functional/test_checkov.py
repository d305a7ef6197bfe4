"""What checkov is told to pass over: each with its reason, and nothing that nobody needs."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.functional.test_template import RESOURCES

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / ".checkov.yaml"
CHECKOV = ROOT / ".venv-checkov/bin/checkov"
SKIPPED: list[str] = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))["skip-check"]
IN_METADATA: list[dict[str, str]] = [
    skip
    for resource in RESOURCES.values()
    for skip in resource.get("Metadata", {}).get("checkov", {}).get("skip", [])
]


@pytest.mark.parametrize("check", SKIPPED)
def test_what_is_passed_over_everywhere_has_its_reason_above_it(check: str) -> None:
    lines = CONFIG.read_text(encoding="utf-8").splitlines()
    (at,) = (number for number, line in enumerate(lines) if line.strip() == f"- {check}")
    assert re.match(r"\s+# \S", lines[at - 1])


@pytest.mark.parametrize("skip", IN_METADATA, ids=lambda skip: skip["id"])
def test_what_is_passed_over_in_one_resource_has_its_reason_with_it(skip: dict[str, str]) -> None:
    assert len(skip["comment"].split()) > 5


@pytest.mark.skipif(not CHECKOV.exists(), reason="`make check` has not installed checkov")
def test_nothing_is_passed_over_that_checkov_does_not_ask_for(tmp_path: Path) -> None:
    """Without the list it fails in exactly what the list names."""
    words = ["--file", str(ROOT / "template.yaml"), "--framework", "cloudformation"]
    done = subprocess.run(
        [str(CHECKOV), *words, "--skip-download", "--output", "json"],
        cwd=tmp_path,  # where there is no .checkov.yaml to find
        capture_output=True,
        text=True,
        check=False,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    assert {check["check_id"] for check in found["results"]["failed_checks"]} == set(SKIPPED)
    skipped = {check["check_id"] for check in found["results"]["skipped_checks"]}
    assert skipped == {skip["id"] for skip in IN_METADATA}
