"""What `rollout check` makes of the alarms as template.yaml deploys them: one over another."""

from typing import Any

import pytest

from ops.checks.check import CANNOT_TELL, FAIL, PASS
from ops.checks.readiness import weigh_alarm
from ops.plans.alarm import Alarm, of_deployed
from ops.templates import read_template
from tests.fakes import ROOT

RESOURCES = read_template(ROOT / "template.yaml")["Resources"]


def described(name: str, **changes: Any) -> dict[str, Any]:
    """An alarm of the template as DescribeAlarms tells it."""
    return {"StateValue": "OK", **RESOURCES[name]["Properties"], **changes}


def weighed(*told: dict[str, Any], watched: bool = True) -> tuple[str, str]:
    understood = next(filter(None, map(of_deployed, told)), None)
    answer = weigh_alarm((list(told), understood, watched))
    return answer.word, answer.text


def both(**changes: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """changes: of the alarm over the other, which is the one that is heard."""
    return described("ErrorRateAlarm"), described("CandidateAlarm", **changes)


def test_the_alarms_of_the_template_are_in_order() -> None:
    assert weighed(*both()) == (PASS, "above 2 % of the candidate's, watched by AppConfig")


def test_the_order_in_which_they_are_told_does_not_matter() -> None:
    assert weighed(*reversed(both()))[0] == PASS


@pytest.mark.parametrize(
    ("told", "watched", "said"),
    [
        (both(AlarmActions=[]), True, "tells nobody"),
        (both(), False, "AppConfig does not watch"),
        ((described("ErrorRateAlarm", TreatMissingData="missing"),), True, "data as missing"),
        ((), True, "there is no alarm"),
    ],
)
def test_what_is_wrong_with_them_is_said(
    told: tuple[dict[str, Any], ...], watched: bool, said: str
) -> None:
    word, text = weighed(*told, watched=watched)
    assert (word, said in text) == (FAIL, True), text


def test_an_alarm_on_something_else_cannot_be_told() -> None:
    other = described("ErrorRateAlarm", Metrics=[], AlarmActions=["arn:topic"])
    assert weighed(other)[0] == CANNOT_TELL


def test_an_alarm_on_all_reads_is_not_the_candidates() -> None:
    found = (list(both()), Alarm(20, 2.0, 60, 3, "control"), True)
    assert "not the candidate's" in weigh_alarm(found).text
