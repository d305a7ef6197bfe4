"""The table of the first three hours is what plan and template come to."""

import math
import re

import pytest

from ops.costs.usage import Deployment
from ops.faults.machine import MACHINE
from ops.plans.agenda import agenda
from ops.templates import read_template
from rollout.adapters import plan_documents
from rollout.domain.exposure import POLLS
from rollout.domain.forecast import Forecast
from tests.fakes import ROOT

PAGE = (ROOT / "docs" / "playbook.md").read_text(encoding="utf-8")
TABLE = PAGE.split("## The first three hours, minute by minute")[1].split("\n## ")[0]
ROWS = re.findall(r"^\| (\d:\d\d) \| ([^|]+) \|", TABLE, re.M)
PARAMETERS = read_template(ROOT / "template.yaml")["Parameters"]


def clock(seconds: float) -> str:
    minutes = math.ceil(seconds / 60)
    return f"{minutes // 60}:{minutes % 60:02d}"


def expected() -> dict[str, str]:
    """State -> when it begins, in minutes rounded up; nothing that a step itself takes counts."""
    plan, _ = plan_documents.load(ROOT / "plans" / "beta.json")
    every = plan.evaluation.every_seconds
    spread = 60 * int(PARAMETERS["RampBakeMinutes"]["Default"])
    spread += POLLS * int(PARAMETERS["FlagPollSeconds"]["Default"])
    soak, canary, *_ = agenda(plan, Forecast.constant(24_000), 10_000, 0.0).entries
    assert soak.ends_at and canary.ends_at
    soaked = spread + soak.ends_at - soak.starts_at
    baked = soaked + spread + canary.ends_at - canary.starts_at
    return {
        "Preflight": "0:00",
        "Drill Rollback": "0:00",
        "Start Shadow": "0:01",
        "Shadow Soak": clock(spread),
        "Evaluate Shadow": clock(spread + every),
        "Enable Canary": clock(soaked),
        "Bake": clock(soaked + spread),
        "Evaluate Metrics": clock(soaked + spread + every),
        "Go / No-Go?": clock(baked),
    }


@pytest.mark.parametrize(("at", "state"), ROWS)
def test_a_state_begins_when_the_table_says(at: str, state: str) -> None:
    assert at == expected()[state.strip()]


def test_the_table_has_every_moment_and_only_states_there_are() -> None:
    states = [state.strip() for _, state in ROWS]
    assert states == list(expected())
    assert set(states) <= set(MACHINE["States"])


def test_the_earliest_go_is_within_three_hours() -> None:
    hours, minutes = ROWS[-1][0].split(":")
    assert 60 * int(hours) + int(minutes) < 180


def test_the_template_polls_and_bakes_as_the_bill_assumes() -> None:
    assert Deployment().poll_seconds == int(PARAMETERS["FlagPollSeconds"]["Default"])
    assert Deployment().bake_minutes == int(PARAMETERS["RampBakeMinutes"]["Default"])


@pytest.mark.parametrize("state", [n for n, s in MACHINE["States"].items() if s["Type"] == "Task"])
def test_every_state_that_does_something_is_explained(state: str) -> None:
    table = PAGE.split("## What the machine does")[1].split("\n## ")[0]
    assert state in table
