"""A rollout's report: what it says of harm, what that alarm would have done, where to look."""

import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from ops.records.happenings import happenings
from ops.reports import FORMATS
from ops.reports import links as linking
from ops.reports.content import content
from ops.reports.harm import harm
from ops.reports.pages import written
from ops.reports.whole_alarm import Ringing, replay
from tests.recorded import DAY, LAUNCHED, MACHINE, minute, record

OUTPUTS = {
    "StateMachineArn": "arn:aws:states:eu-west-1:1:stateMachine:playbook",
    "ReadFunctionName": "read",
    "CompareFunctionName": "compare",
}
REASONS = {
    "mismatched": 3,
    "compared": 100,
    "failed": 0,
    "reasons": [{"sentence": "balance differs (value): 3", "first_seen": "t"}],
}


COUNTED = {"users": 7, "requests": 9}


def spoilt(at: float, control: int, candidate: int, errors: int, slow: int = 0) -> dict[str, Any]:
    found = minute(at, "canary", control, candidate)
    found["candidate"] |= {"errors": errors, "slow": slow}
    return found


def rolled_back(**changes: Any) -> dict[str, Any]:
    """Harm from the tenth minute on; rolled back after the fifteenth."""
    clean = [minute(LAUNCHED + 60 * n, "canary", 99, 1) for n in range(10)]
    harmed = [spoilt(LAUNCHED + 60 * n, 99, 1, 1) for n in range(10, 15)]
    closed = {"at": LAUNCHED + 900, "phase": "", "exposure_bps": 0, "shadow_bps": 0}
    since = "2026-11-24T17:12:18+00:00"
    verdict = {**record()["verdicts"][0], "word": "ROLL_BACK", "since": since}
    return record(
        minutes=clean + harmed,
        period_seconds=60,
        exposure=[*record()["exposure"][:2], closed],
        verdicts=[*record()["verdicts"], verdict],
        outcome={"word": "ROLLED_BACK", "reason": "errors 5 of 5 <b>"},
        ended_at=LAUNCHED + 910,
        **changes,
    )


# The alarm on the whole function


def test_an_alarm_rings_when_three_of_five_periods_are_above_two_percent() -> None:
    minutes = [spoilt(60.0 * n, 50, 50, errors) for n, errors in enumerate([0, 3, 0, 3, 2, 3, 3])]
    assert replay(minutes, 60) == Ringing(60.0 * 6, 3 + 3 + 2 + 3)


def test_two_percent_itself_does_not_breach() -> None:
    assert replay([spoilt(60.0 * n, 50, 50, 2) for n in range(9)], 60).rang_at is None


def test_periods_without_a_request_are_passed_over() -> None:
    minutes = [spoilt(0, 50, 50, 9), spoilt(60, 50, 50, 9), minute(120, "canary", 0, 0)]
    assert replay([*minutes, spoilt(180, 50, 50, 9)], 60).rang_at == 240


def test_a_candidate_that_fails_everyone_at_one_percent_never_rings_it() -> None:
    found = replay([spoilt(60.0 * n, 99, 1, 1) for n in range(60)], 60, since=0)
    assert (found.rang_at, found.rate, found.more_periods) == (None, 0.01, None)
    assert found.bad == 60


def test_harm_that_would_have_rung_it_is_projected() -> None:
    found = replay([spoilt(60.0 * n, 50, 50, 10) for n in range(2)], 60, since=0)
    assert (found.rang_at, found.more_periods, found.more_bad) == (None, 1, 10)


def test_telemetry_that_is_missing_is_no_request() -> None:
    gap = {**minute(0, "canary", 1, 1), "control": None, "candidate": None}
    assert replay([gap], 60, since=0) == Ringing(None, 0)


# Harm


def test_slow_answers_and_those_of_the_control_in_its_place_are_counted() -> None:
    found = harm(record(minutes=[spoilt(0, 10, 10, 3, 4), spoilt(60, 10, 2, 2, 2)]), COUNTED)
    assert (found["requests"], found["fell_back"], found["slow"]) == (12, 5, 6)
    assert found["bad"] == 7 + 2  # one request is bad once


def test_who_was_exposed_is_a_share_or_honest_words() -> None:
    assert harm(record(), COUNTED, 10_000)["exposed"].startswith("about 500 of 10000: ")
    assert "is not counted" in harm(record(), COUNTED)["exposed"]


def test_nobody_exposed_is_nobody_touched_whatever_was_counted() -> None:
    found = harm(record(exposure=record()["exposure"][:1]), COUNTED)
    assert found["exposed"] == found["touched"] == "none: nobody was exposed"


def test_who_was_touched_is_counted_in_the_lines() -> None:
    five = [spoilt(0, 10, 10, 3, 2), spoilt(60, 10, 10, 0, 2)]
    found = harm(record(minutes=five), {"users": 4, "requests": 5})
    assert found["touched"] == "4, by the hashes in the log lines of 5 requests"
    later = harm(record(minutes=five), {"users": 4, "requests": 8})["touched"]
    assert later.endswith("of 8 requests; counts of requests end with the last verdict")
    nobody = harm(record(minutes=[]), {"users": 0, "requests": 0})
    assert nobody["touched"].startswith("none: no exposed user had a request that was slow")


def test_lines_that_are_missing_make_it_a_number_at_least() -> None:
    six = [spoilt(0, 10, 10, 3, 4), spoilt(60, 10, 2, 2, 2)]
    found = harm(record(minutes=six), {"users": 0, "requests": 5})
    assert found["touched"] == (
        "at least 0, by the hashes in the log lines of 5 requests; "
        "the metrics count 6 or more, so lines are missing"
    )


def test_lines_that_cannot_be_read_are_no_number_and_no_failure() -> None:
    refused = {"unavailable": "AWS refused StartQuery"}
    assert harm(record(), refused)["touched"] == "cannot tell: AWS refused StartQuery"
    blind = record(unavailable="CloudWatch answered Forbidden", minutes=[])
    assert harm(blind, refused)["touched"] == "cannot tell: AWS refused StartQuery"
    assert harm(blind, COUNTED)["touched"].startswith("7, by the hashes")


def test_a_rollback_at_one_percent_is_one_that_alarm_would_never_have_made() -> None:
    found = harm(rolled_back(), COUNTED)
    assert "would never have rung in the recorded time, with 5 bad requests in it" in found["alarm"]
    assert "error rate stayed at 1.00% since the harm began" in found["avoided"]


def test_how_much_sooner_than_the_alarm_is_told() -> None:
    loud = [spoilt(LAUNCHED + 60 * n, 50, 50, 50) for n in range(3)]
    found = harm({**rolled_back(), "minutes": loud}, COUNTED)
    assert "would have rung at 2026-11-24T17:05:18Z" in found["alarm"]
    assert found["avoided"].startswith("none: ")
    assert found["avoided"].endswith("would have rung 12 min before the rollback")


def test_what_went_well_has_nothing_to_avoid() -> None:
    assert harm(record(), COUNTED)["avoided"] == "nothing to avoid: it was not rolled back"


def test_without_counts_nothing_is_claimed() -> None:
    found = harm(record(unavailable="CloudWatch answered Forbidden", minutes=[]), COUNTED)
    assert "bad" not in found
    assert found["alarm"] == "not known: CloudWatch answered Forbidden"


# The log


def test_a_verdict_is_told_when_it_has_changed() -> None:
    first = record()["verdicts"][0]
    same = [{**first, "at": first["at"] + n} for n in range(5)]
    told = happenings(record(verdicts=[*same, {**first, "at": first["at"] + 9, "word": "PROMOTE"}]))
    assert [one["at"] for one in told if one["what"] == "verdict"] == [first["at"], first["at"] + 9]


def test_the_log_is_in_order_and_has_failures() -> None:
    known = record()
    known["executions"][0]["visits"][3]["failures"] = [{"error": "Lambda.Timeout", "cause": ""}]
    told = happenings(known)
    assert [one["at"] for one in told] == sorted(one["at"] for one in told)
    assert any("failed: Lambda.Timeout" in one["text"] for one in told)


# The pages


def page(form: str, known: dict[str, Any] | None = None) -> str:
    known = known or rolled_back()
    said = content(known, REASONS, linking.links(known, OUTPUTS), COUNTED)
    return written(form, said, known, MACHINE)


class Loads(HTMLParser):
    """What a browser would fetch by itself, and the tags that are open."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        names = {"src", "srcset", "data", "poster", "action", "background"}
        names |= set() if tag == "a" else {"href", "xlink:href"}
        self.found += [value or "" for name, value in attrs if name in names]


def test_a_page_of_html_loads_nothing() -> None:
    text, reader = page("html"), Loads()
    reader.feed(text)
    assert [one for one in reader.found if not one.startswith(("data:,", "#"))] == []
    assert "script" not in reader.tags
    assert not re.search(r"@import|url\(\s*['\"]?(?!#)", text)
    assert "default-src 'none'" in text


def test_a_page_has_every_part() -> None:
    text = page("html")
    for said in (
        "was rolled back: the control serves everyone",
        "errors 5 of 5 &lt;b&gt;",
        "<svg",
        "ROLL_BACK",
        "balance differs (value): 3",
        "Harm",
        "Cost",
        "Look further",
        "https://eu-west-1.console.aws.amazon.com/states/home",
    ):
        assert said in text
    assert text.count("<svg") >= 9  # time line, graph, and a chart for each
    assert "<b>" not in text


@pytest.mark.parametrize("form", FORMATS)
def test_every_form_has_outcome_verdicts_and_harm(form: str) -> None:
    text = page(form).replace("\\", "")
    for said in (
        "ROLLED_BACK",
        "ROLL_BACK",
        "HOLD",
        "would never have rung",
        "balance differs",
        "7, by",
    ):
        assert said in text


def test_markdown_takes_nothing_in_a_text_for_its_own() -> None:
    text = page("md", record(outcome={"word": "RUNNING", "reason": "a | b\n# c *d* <e>"}))
    assert r"a \| b \# c \*d\* \<e\>" in text
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert all(line.endswith("|") for line in tables)


def test_json_has_a_version_the_content_and_the_record() -> None:
    found = json.loads(page("json"))
    assert (found["version"], found["outcome"]) == (2, "ROLLED_BACK")
    assert found["record"]["rollout"] == "beta-1"
    assert len(found["verdicts"]) == 2


def test_a_report_of_a_rollout_that_was_refused_has_empty_parts() -> None:
    nothing: dict[str, Any] = {"exposure": [], "looks": [], "minutes": [], "verdicts": []}
    refused = record(**nothing, plan={}, outcome={"word": "REFUSED", "reason": "alarm"})
    for form in FORMATS:
        assert "nothing was touched" in page(form, refused)


# Links


def test_on_aws_there_are_consoles_with_the_query_filled_in() -> None:
    found = {link["title"]: link["url"] for link in linking.links(record(), OUTPUTS)}
    assert found["execution beta-1"].endswith(
        "#/v2/executions/details/arn:aws:states:eu-west-1:1:execution:playbook:beta-1"
    )
    query = found["answers that differ"]
    assert "#logsV2:logs-insights$3FqueryDetail$3D~(end~'2026-11-25T17*3a02*3a38.000Z" in query
    assert "rollout_id*20*3d*20*22beta-1*22" in query
    assert query.endswith("source~(~'*2faws*2flambda*2fcompare))")
    # The time stands beside the query, each as the console writes it.
    assert found["traces of the cohort's reads"].endswith(
        "#xray:traces/query?~(query~(expression~'annotation.canary*20*3d*20true)"
        "~context~(timeRange~(end~'2026-11-25T17*3a02*3a38.000Z"
        "~start~'2026-11-24T17*3a02*3a18.000Z)))"
    )


def test_the_dashboard_is_linked_where_the_stack_says_its_name() -> None:
    assert not [one for one in linking.links(record(), OUTPUTS) if one["title"] == "dashboard"]
    found = linking.links(record(), {**OUTPUTS, "DashboardName": "reads 1"})[-1]
    assert found["url"] == (
        "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1"
        "#dashboards/dashboard/reads%201"
        "?start=2026-11-24T17:02:18.000Z&end=2026-11-25T17:02:38.000Z"
    )


def test_values_in_an_address_are_written_as_the_notation_has_it() -> None:
    """The example of JSURL's own description, and what it escapes."""
    said = linking._jsurl({"name": "John Doe", "children": ["Mary", "Bill"], "x": "$a_b*\u20ac"})
    assert said == "~(name~'John*20Doe~children~(~'Mary~'Bill)~x~'!a_b*2a**20ac)"


def test_on_a_local_stack_there_are_commands() -> None:
    found = linking.links(record(), OUTPUTS, "http://127.0.0.1:9")
    assert all("url" not in link for link in found)
    assert all(link["command"].startswith("aws --endpoint-url http://127") for link in found)
    logs = found[-1]["command"]
    assert (
        f"--start-time {round(LAUNCHED * 1000)} --end-time {round((LAUNCHED + DAY + 20) * 1000)}"
        in logs
    )
    assert """'"shadow.compared" "mismatch":1 beta-1'""" in logs
