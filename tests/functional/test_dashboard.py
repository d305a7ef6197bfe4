"""The dashboard: its file is what the template has, and its widgets fit and name what exists."""

import inspect
import io
import json
import re
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from ops.inlining import DASHBOARD, TEMPLATE, inlined
from ops.templates import read_template
from rollout.adapters.request_log import ARM_UNITS, SHADOW_UNITS
from rollout.handlers import evaluate
from tests.functional.test_queries import text as saved_query
from tests.insights import query

DOCUMENT: dict[str, Any] = json.loads(DASHBOARD.read_text(encoding="utf-8"))
WIDGETS: list[dict[str, Any]] = DOCUMENT["widgets"]
NAMES = read_template(TEMPLATE)
WIDTH = 24
# What Lambda, Step Functions and SQS publish, by the dimension that a row names it by.
# Source: the services' guides, "Monitoring" with CloudWatch.
PUBLISHED = {
    ("AWS/Lambda", "FunctionName"): {"Errors", "Throttles", "Duration", "Invocations"},
    ("AWS/States", "StateMachineArn"): {"ExecutionsFailed", "ExecutionsTimedOut"},
    ("AWS/SQS", "QueueName"): {"ApproximateNumberOfMessagesVisible"},
}
# What the functions that log for people add to Powertools' own fields.
VERDICT_FIELDS = ["@timestamp", "message", "phase", "sentence"]


def rows(widget: dict[str, Any]) -> list[list[Any]]:
    """The rows of a widget that name a metric."""
    found = widget["properties"].get("metrics", [])
    return [row for row in found if not isinstance(row[0], dict)]


def test_the_template_has_the_dashboard_of_the_file() -> None:
    text = TEMPLATE.read_text(encoding="utf-8")
    assert inlined(text, DASHBOARD.read_text(encoding="utf-8")) == text, (
        "run: .venv/bin/python -m ops.inlining"
    )


def test_writing_it_in_leaves_everything_else_alone() -> None:
    text = TEMPLATE.read_text(encoding="utf-8")
    other = inlined(text, '{"widgets": []}')
    assert json.loads(other.split("DashboardBody: !Sub |")[1].split("\n\n")[0]) == {"widgets": []}
    assert inlined(other, DASHBOARD.read_text(encoding="utf-8")) == text


def test_every_placeholder_is_a_parameter_or_a_resource_of_the_template() -> None:
    used = set(re.findall(r"\$\{([^}.]+)", DASHBOARD.read_text(encoding="utf-8")))
    known = {*NAMES["Parameters"], *NAMES["Resources"], "AWS::Region"}
    assert used <= known


def test_no_two_widgets_overlap_and_none_is_wider_than_the_page() -> None:
    taken: set[tuple[int, int]] = set()
    for widget in WIDGETS:
        x, y, width, height = (widget[key] for key in ("x", "y", "width", "height"))
        cells = {(x + right, y + down) for right in range(width) for down in range(height)}
        assert not cells & taken, widget["properties"].get("title")
        assert x + width <= WIDTH
        taken |= cells


@pytest.mark.parametrize(
    "widget", [w for w in WIDGETS if rows(w)], ids=lambda w: w["properties"]["title"]
)
def test_each_row_names_a_metric_that_is_published(widget: dict[str, Any]) -> None:
    for namespace, metric, dimension, *more in rows(widget):
        if namespace != "${MetricNamespace}":
            assert metric in PUBLISHED[namespace, dimension]
            continue
        service, arm_key, arm = more[:3]
        assert (dimension, service, arm_key) == ("service", "${ServiceName}", "arm")
        assert metric in (SHADOW_UNITS if arm == "shadow" else ARM_UNITS)


def test_what_is_calculated_uses_rows_of_its_widget() -> None:
    for widget in WIDGETS:
        found = widget["properties"].get("metrics", [])
        ids = {row[-1]["id"] for row in found if isinstance(row[-1], dict) and "id" in row[-1]}
        for row in found:
            if isinstance(row[0], dict):
                assert set(re.findall(r"[a-z]\d", row[0]["expression"])) <= ids


def test_the_questions_on_the_dashboard_are_ones_that_the_lines_answer() -> None:
    exposure, verdicts = (
        next(w for w in WIDGETS if w["properties"].get("title") == title)["properties"]["query"]
        for title in ("Exposure as served", "Verdicts")
    )
    query(exposure.split("|", 1)[1], ["event", "exposure_bps", "flag_bps", "@timestamp"])
    query(verdicts.split("|", 1)[1], VERDICT_FIELDS)
    assert "max(exposure_bps)" in saved_query(6)


def test_the_verdicts_line_has_the_fields_that_the_dashboard_asks_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("POWERTOOLS_LOG_LEVEL", raising=False)  # a command may have set it
    said = re.search(r'log\(\)\.info\(("verdict"), extra=\{(.*?)\}\)', inspect.getsource(evaluate))
    assert said
    extra = dict.fromkeys(re.findall(r'"(\w+)":', said[2]), "x")
    stream = io.StringIO()
    Logger(service="dashboard", level="INFO", stream=stream).info("verdict", extra=extra)
    line = json.loads(stream.getvalue())
    assert (line["message"], set(VERDICT_FIELDS) - set(line)) == ("verdict", {"@timestamp"})
