"""What each function calls and reads, against what the template allows and gives it."""

import importlib
import time
from collections.abc import Iterator, Mapping
from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest
from aws_lambda_powertools.utilities.parameters.base import DEFAULT_PROVIDERS

from rollout.adapters import webhook
from rollout.handlers import watchdog
from rollout.settings import Settings
from tests import fakes
from tests.fakes import ROOT, exposed, scheduled
from tests.functional import aws
from tests.functional.aws import FLAG_NAME, Aws
from tests.functional.test_template import FUNCTIONS, RESOURCES, TEMPLATE, module_of

ROLLING_BACK = {"state": "BAKING", "alarm": "ALARM", "schedules": [scheduled("ramp-5")]}
# Function -> (sample event, the account it meets): enough for every call that it can make.
CASES: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "PreflightFunction": [("preflight.launch", {})],
    "SetExposureFunction": [("set_exposure.shadow", {})],
    "ConfirmExposureFunction": [("confirm_exposure.canary", {"flag": exposed(100)})],
    "EvaluateFunction": [("evaluate.canary", {"flag": exposed(100)})],
    "AskAPersonFunction": [("ask_a_person.investigate", {})],
    "ScheduleNextFunction": [("schedule_next.canary", {"flag": exposed(100)})],
    "RollBackFunction": [
        ("roll_back.drill", {}),
        ("roll_back.verdict", {"flag": exposed(100), **ROLLING_BACK}),
    ],
    "CleanupFunction": [
        (
            "cleanup.finished",
            {"flag": exposed(10_000, phase="ramp-100"), "schedules": [scheduled()]},
        )
    ],
    "NotifyFunction": [("notify.rolled-back", {})],
    "TellChatFunction": [
        ("tell_chat.notice", {"parameters": {"/chat": "https://chat.example/hook"}})
    ],
    "GuardFunction": [("guard.aborted", {"flag": exposed(100), **ROLLING_BACK})],
    "WatchdogFunction": [
        (
            "watchdog.scheduled",
            {
                "flag": exposed(100, lease_until=4_000_000_000),
                "executions": {"other": {"status": "RUNNING", "input": "{}"}},
                **{**ROLLING_BACK, "schedules": []},
            },
        )
    ],
    "ReadFunction": [
        ("read.invoke", {"flag": exposed(0, lease_until=4_000_000_000)}),
        ("read.invoke", {"flag": exposed(10_000, lease_until=4_000_000_000)}),
    ],
    "CandidateFunction": [("candidate.invoke", {})],
    "BeforeTrafficFunction": [("before_traffic.release", {})],
    "CompareFunction": [("compare.shadow", {})],
}
# A step that is scheduled between the watchdog's look and its rollback.
IN_A_RACE = {"WatchdogFunction": {"scheduler:DeleteSchedule"}}
# Read while the handler is imported; tests/functional/test_sources.py has other values for them.
AT_IMPORT = {"CONTROL_READ", "CANDIDATE_READ"}
# Used by AWS on the function's behalf, not by its code.
BY_AWS = {"logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage", "iam:PassRole"}


class Noting(Mapping[str, str]):
    """An environment that remembers what was asked for."""

    def __init__(self, known: dict[str, str]) -> None:
        self.known = known
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return self.known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.known)

    def __len__(self) -> int:
        return len(self.known)


def given(name: str) -> dict[str, str]:
    """The function's environment by the template, with values that make sense."""
    variables = FUNCTIONS[name].get("Environment", {}).get("Variables", {})
    own = [key for key, value in variables.items() if by_default(value) != {"Ref": "AWS::NoValue"}]
    names = {*own, *TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]}
    return {key: _value(key) for key in names}


def by_default(value: Any) -> Any:
    """What is given while no parameter is: every condition says that something was."""
    return value["Fn::If"][2] if "Fn::If" in value else value


def _value(key: str) -> str:
    if key.endswith(("_SECONDS", "_MS")):
        return "1"
    known = {
        "FLAG_NAME": FLAG_NAME,
        "READ_ALIASES": "read:live",
        "ALARM_NAMES": "error-rate",
        "CHAT_WEBHOOK_PARAMETER": "/chat",
        "CHAT_KIND": "slack",
    }
    return known.get(key, "arn:aws:states:us-east-1:000000000000:x:x")


def past(event: Any) -> Any:
    """The event with an exposure that, by the real clock, has been served for a while."""
    if "exposure" in event:
        # Just longer than the bake of beta and the time that its counts take to settle.
        at = time.time() - 3800
        event["exposure"].update(seen_at=at, served_at=at, history=[["shadow-soak", at - 3600]])
    return event


@cache
def ran(name: str) -> tuple[set[str], set[str]]:
    """(IAM actions used, settings read) by the real entry point of a function, over its cases."""
    environment, actions = Noting(given(name)), set[str]()
    handler = importlib.import_module(f"rollout.handlers.{module_of(name)}").handler
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Settings, "from_environ", lambda: Settings(environment))
        patch.setattr(watchdog, "LOOK_AGAIN_SECONDS", 0)
        patch.setattr(webhook, "post", lambda *_: None)
        for event, account in CASES[name]:
            DEFAULT_PROVIDERS.clear()
            found = Aws(**account).use(patch)
            handler(past(fakes.event(event)), SimpleNamespace(aws_request_id="request-1"))
            actions |= found.actions()
    aws.forget()
    DEFAULT_PROVIDERS.clear()
    return actions, environment.asked


def granted(name: str) -> set[str]:
    role = RESOURCES[FUNCTIONS[name]["Role"]["Fn::GetAtt"][0]]["Properties"]
    named = [arn["Ref"] for arn in role.get("ManagedPolicyArns", ()) if "Ref" in arn]
    policies = [RESOURCES[name]["Properties"] for name in named]
    statements = [
        statement
        for policy in (*policies, *role["Policies"])
        for statement in policy["PolicyDocument"]["Statement"]
    ]
    actions = [statement["Action"] for statement in statements]
    flat = (action if isinstance(action, list) else [action] for action in actions)
    return {action for some in flat for action in some}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_may_do_what_it_does(name: str) -> None:
    actions, _ = ran(name)
    assert actions
    assert actions <= granted(name)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_may_do_no_more_than_it_calls(name: str) -> None:
    actions, _ = ran(name)
    assert granted(name) - BY_AWS - IN_A_RACE.get(name, set()) <= actions


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_reads_every_setting_that_it_is_given(name: str) -> None:
    _, asked = ran(name)
    common = set(TEMPLATE["Globals"]["Function"]["Environment"]["Variables"])
    assert set(given(name)) - common - AT_IMPORT <= asked


def test_only_the_functions_that_end_or_change_an_exposure_may_write_the_flag() -> None:
    writers = {name for name in FUNCTIONS if "appconfig:StartDeployment" in granted(name)}
    assert writers == {
        "SetExposureFunction",
        "RollBackFunction",
        "CleanupFunction",
        "GuardFunction",
        "WatchdogFunction",
    }


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_function_may_do_everything_of_a_service(name: str) -> None:
    assert not [action for action in granted(name) if "*" in action]


def test_a_role_that_may_touch_everything_of_a_kind_says_why() -> None:
    lines = (ROOT / "template.yaml").read_text(encoding="utf-8").splitlines()
    wide = [line for line in lines if line.strip().startswith("Resource: '*'")]
    assert wide
    assert all(" # " in line for line in wide)
