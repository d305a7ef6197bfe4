"""`rollout report`: where it is written, in which form, and that it opens without a network."""

import json
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ops.reports import FORMATS
from ops.reports.content import content
from ops.reports.pages import written
from tests.functional.aws import Aws
from tests.functional.test_following import rollouts
from tests.functional.test_stack_commands import answer, refusal, run
from tests.recorded import MACHINE, record

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)


class Known(Aws):
    """An account that knows its machine."""

    def describe_state_machine(self, _: dict[str, Any]) -> dict[str, Any]:
        created = datetime(2027, 1, 1, tzinfo=UTC)
        known = {"stateMachineArn": "arn:machine", "name": "playbook", "roleArn": "arn:role"}
        return {
            **known,
            "definition": json.dumps(MACHINE),
            "type": "STANDARD",
            "creationDate": created,
        }

    def start_query(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"queryId": "q"}

    def get_query_results(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"status": "Complete", "results": []}


@pytest.fixture
def account(patch: pytest.MonkeyPatch, tmp_path: Path) -> Aws:
    """Two rollouts that have been, in a folder of its own."""
    patch.chdir(tmp_path)
    found = Known(executions=rollouts(patch).executions)
    found.outputs |= {"ReadFunctionName": "read", "CompareFunctionName": "compare"}
    return found.use(patch)


@pytest.mark.parametrize("form", FORMATS)
def test_a_report_is_written_where_it_is_wanted_in_the_form_of_the_name(
    account: Aws, form: str
) -> None:
    result = answer("report", "beta-2", "--out", f"deep/er/it.{form}")
    assert result == {"rollout": "beta-2", "outcome": "ROLLED_BACK", "file": f"deep/er/it.{form}"}
    text = Path(result["file"]).read_text(encoding="utf-8").replace("\\", "")
    assert "errors 9 of 10 [30 %]" in text
    assert text.startswith({"html": "<!doctype html>", "md": "# beta-2", "json": "{"}[form])


def test_without_a_file_it_goes_to_the_folder_of_reports(account: Aws) -> None:
    result = run("report", "beta-1")
    assert (result.exit_code, result.output) == (
        0,
        "beta-1: COMPLETED; the report is reports/beta-1.html\n",
    )
    assert Path("reports/beta-1.html").exists()


def test_a_dash_is_standard_output(account: Aws) -> None:
    result = run("report", "beta-1", "--out", "-", "--format", "md")
    assert result.output.startswith("# beta-1\n")
    assert not Path("reports").exists()


def test_the_last_one_is_reported_when_none_is_named(account: Aws) -> None:
    assert answer("report")["rollout"] == "beta-2"


def test_a_file_that_cannot_be_written_is_refused(account: Aws) -> None:
    Path("taken").write_text("")
    assert "--out is 'taken/it.html'" in refusal(
        run("report", "beta-1", "--out", "taken/it.html"), 2
    )


def test_a_rollout_that_nobody_knows_or_that_two_could_be_is_refused(account: Aws) -> None:
    assert "no rollout gamma is known" in refusal(run("report", "gamma"), 1)
    assert "expected more of one name" in refusal(run("report", "beta"), 2)
    assert not Path("reports").exists()


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
def test_it_opens_in_a_browser_that_reaches_nothing(tmp_path: Path) -> None:
    known = record()
    said = content(known, {"unavailable": "not asked"}, [], {"unavailable": "not asked"})
    file = tmp_path / "report.html"
    file.write_text(written("html", said, known, MACHINE), encoding="utf-8")
    done = subprocess.run(
        [
            *(str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu"),
            *(f"--user-data-dir={tmp_path / 'profile'}", "--host-resolver-rules=MAP * ~NOTFOUND"),
            *("--enable-logging=stderr", "--dump-dom", file.as_uri()),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert "beta-1" in done.stdout
    assert done.stdout.count("<svg") >= 9
    # What the page is refused, or its own policy forbids, is told on the console.
    told = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    assert told == []
