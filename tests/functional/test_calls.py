"""What the roles may do, against what they did in a rehearsal (tests/calls.json) and what is left.

`rollout rehearse --calls tests/calls.json` records; tests/local/test_stories.py compares each run.
"""

import json

import pytest

from tests.functional.test_roles import IN_A_RACE, ran
from tests.functional.test_template import FUNCTIONS, RESOURCES
from tests.policies import (
    BY_SERVICES,
    NOT_REHEARSED,
    RECORDED,
    ROLES,
    role_actions,
    role_of,
    statements,
    unused,
)

CALLS = json.loads(RECORDED.read_text(encoding="utf-8"))["calls"]


@pytest.mark.parametrize("role", ROLES)
def test_no_role_has_an_action_that_it_never_uses(role: str) -> None:
    assert unused(role, CALLS) == set()


@pytest.mark.parametrize("role", ROLES)
def test_a_role_has_every_action_that_was_recorded(role: str) -> None:
    assert {call["action"] for call in CALLS if call["role"] == role} <= role_actions(role)


def test_nothing_was_refused() -> None:
    assert [call for call in CALLS if call["refused"]] == []


@pytest.mark.parametrize("role", NOT_REHEARSED)
def test_every_exception_is_needed(role: str) -> None:
    """What the rehearsal does take is no exception, and nothing is excepted that nobody has."""
    done = {call["action"] for call in CALLS if call["role"] == role}
    excepted = set(NOT_REHEARSED.get(role, {}))
    assert excepted <= role_actions(role) - done


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_path_that_no_rehearsal_takes_is_taken_here(name: str) -> None:
    """By the function itself, with its real entry point, against AWS in memory."""
    excepted = set(NOT_REHEARSED.get(role_of(name), {}))
    assert excepted - IN_A_RACE.get(name, set()) <= ran(name)[0]


@pytest.mark.parametrize("role", ROLES)
def test_what_a_service_does_in_a_roles_name_is_listed_with_its_reason(role: str) -> None:
    excepted = BY_SERVICES.get(role, {})
    assert set(excepted) <= role_actions(role)
    assert all(reason for reason in excepted.values())


# Machine, scheduler and EventBridge: the emulator does not ask IAM for them (test_permissions does)


def test_the_machine_may_invoke_the_functions_that_it_names_and_no_other() -> None:
    (given,) = (
        resource["Properties"]["DefinitionSubstitutions"]
        for resource in RESOURCES.values()
        if resource["Type"] == "AWS::Serverless::StateMachine"
    )
    (invoking,) = (s for s in statements("PlaybookRole") if s["Action"] == "lambda:InvokeFunction")
    assert sorted(map(str, invoking["Resource"])) == sorted(map(str, given.values()))


def test_the_scheduler_may_start_this_machine_and_keep_what_failed() -> None:
    starting, keeping = statements("SchedulerRole")
    assert starting["Resource"]["Fn::Sub"].endswith(":stateMachine:${AWS::StackName}-playbook")
    queue = FUNCTIONS["ScheduleNextFunction"]["Environment"]["Variables"]["SCHEDULE_DLQ_ARN"]
    assert keeping["Resource"] == queue


def test_each_rule_may_invoke_the_guard_and_nobody_else_may() -> None:
    rules = {n for n, r in RESOURCES.items() if r["Type"] == "AWS::Events::Rule"}
    permissions = [
        r["Properties"] for r in RESOURCES.values() if r["Type"] == "AWS::Lambda::Permission"
    ]
    guards = [p for p in permissions if p["FunctionName"] == {"Ref": "GuardFunction"}]
    by_rules = [p for p in permissions if p["Principal"] == "events.amazonaws.com"]
    assert guards == by_rules
    assert {p["SourceArn"]["Fn::GetAtt"][0] for p in guards} == rules


def test_what_a_rule_could_not_deliver_may_be_queued_by_that_rule_only() -> None:
    (statement,) = RESOURCES["GuardFailuresPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    rules = {n for n, r in RESOURCES.items() if r["Type"] == "AWS::Events::Rule"}
    sources = statement["Condition"]["ArnEquals"]["aws:SourceArn"]
    assert {source["Fn::GetAtt"][0] for source in sources} == rules
