"""The sample inputs: one for every handler, all of them used, and shaped as the machine sends."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from rollout.adapters import plan_documents
from rollout.domain import step as steps

ROOT = Path(__file__).parents[2]
EVENTS = sorted(path.stem for path in (ROOT / "events").glob("*.json"))
HANDLERS = sorted(path.stem for path in (ROOT / "functions/rollout/handlers").glob("[a-z]*.py"))
STATES: dict[str, Any] = json.loads(
    (ROOT / "statemachines" / "playbook.asl.json").read_text(encoding="utf-8")
)["States"]
BY_STATE = {
    "preflight.launch": "Preflight",
    "preflight.no-plan": "Preflight",
    "roll_back.drill": "Drill Rollback",
    "set_exposure.shadow": "Start Shadow",
    "set_exposure.canary": "Enable Canary",
    "set_exposure.ramp": "Raise Exposure",
    "set_exposure.down": "Step Down",
    "confirm_exposure.canary": "Confirm Exposure",
    "evaluate.shadow": "Evaluate Shadow",
    "evaluate.canary": "Evaluate Metrics",
    "ask_a_person.investigate": "Ask a Person",
    "schedule_next.canary": "Schedule Ramp",
    "schedule_next.full": "Schedule Cleanup",
    "roll_back.verdict": "Roll Back",
    "cleanup.finished": "Cleanup",
    "notify.rolled-back": "Notify",
}


def load(name: str) -> Any:
    return json.loads((ROOT / "events" / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("handler", HANDLERS)
def test_every_handler_has_a_sample(handler: str) -> None:
    assert any(name.startswith(f"{handler}.") for name in EVENTS)


@pytest.mark.parametrize("name", EVENTS)
def test_every_sample_is_used_by_a_test(name: str) -> None:
    tests = [path.read_text() for path in (ROOT / "tests").rglob("test_*.py")]
    handler, case = name.split(".")
    used = rf'"{name}"|f"{handler}\.\{{case\}}"'
    assert any(re.search(used, text) for text in tests), case


@pytest.mark.parametrize(("name", "state"), BY_STATE.items())
def test_a_sample_has_the_fields_that_the_machine_sends(name: str, state: str) -> None:
    payload = STATES[state]["Parameters"]["Payload"]
    assert set(load(name)) == {key.removesuffix(".$") for key in payload}


@pytest.mark.parametrize("name", ["execution.launch", "execution.ramp", "execution.cleanup"])
def test_a_sample_execution_input_is_one(name: str) -> None:
    document = load(name)
    step = steps.parse(document, "2d5f", 1_800_000_000.0)
    assert plan_documents.parse(document["plan"]).name == "beta"
    assert step.rollout_id == "beta-1"


def test_every_state_with_a_payload_has_a_sample() -> None:
    payloads = {name for name, state in STATES.items() if "Parameters" in state}
    assert payloads - {"Refuse"} == set(BY_STATE.values())


@pytest.mark.parametrize("name", ["beta", "quiet", "rehearsal"])
def test_every_plan_that_ships_is_accepted(name: str) -> None:
    plan, _ = plan_documents.load(ROOT / "plans" / f"{name}.json")
    assert plan.name == name
