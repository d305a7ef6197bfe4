"""Approve and reject, against an account in memory; and where a task token must never be."""

import json
import logging
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from ops.faults.plan import launch
from rollout import telemetry
from rollout.domain.question import Question
from rollout.handlers import ask_a_person, roll_back
from tests import fakes
from tests.fakes import NOW, FakeApprovals, FakeFlags, FakeNotifications, exposed
from tests.functional.aws import Aws
from tests.functional.test_roll_back import ports
from tests.functional.test_stack_commands import (
    ASKING,
    HELD,
    answer,
    execution,
    refusal,
    run,
)
from tests.functional.worlds import followed, questions, world

FAR = 4_000_000_000
SEEN = "0123456789abcdef"
TOKEN = "token-planted"
COMMANDS = [("approve", "APPROVED"), ("reject", "REJECTED")]


def question(**changes: Any) -> Question:
    known = {"token": TOKEN, "phase": "canary", "sentence": "INVESTIGATE: x.", "evidence": SEEN}
    return Question(**{**known, "deadline": FAR, **changes})


def asking(patch: pytest.MonkeyPatch, **changes: Any) -> Aws:
    kept = {"x/beta-1": question(**changes).to_text()}
    return Aws(flag=HELD, parameters=kept, executions=dict(ASKING)).use(patch)


@pytest.mark.parametrize(("command", "word"), COMMANDS)
def test_an_answer_is_given_once_with_who_why_and_the_hash(
    patch: pytest.MonkeyPatch,
    command: str,
    word: str,
) -> None:
    account = asking(patch)
    result = answer(command, "beta-1", "--why", "known", "--who", "bob")
    said = {"by": "bob", "why": "known", "evidence": SEEN}
    assert result == {"rollout": "beta-1", "answer": word, **said}
    sent = account.given_to("states:SendTaskSuccess")
    assert sent["taskToken"] == TOKEN
    assert json.loads(sent["output"]) == {"word": word, **said}
    assert account.parameters == {}
    assert "asks nothing now" in refusal(run(command, "beta-1", "--why", "w"), 1)


@pytest.mark.parametrize(("command", "_"), COMMANDS)
def test_who_answers_is_by_default_who_calls(
    patch: pytest.MonkeyPatch,
    command: str,
    _: str,
) -> None:
    asking(patch)
    assert answer(command, "beta-1", "--why", "w")["by"].endswith(":user/ada")


def test_the_old_name_of_the_option_still_works(patch: pytest.MonkeyPatch) -> None:
    asking(patch)
    assert answer("approve", "beta-1", "--why", "w", "--by", "bob")["by"] == "bob"


def test_an_approval_of_the_evidence_shown_is_taken(patch: pytest.MonkeyPatch) -> None:
    asking(patch)
    words = ("approve", "beta-1", "--why", "w", "--evidence", SEEN)
    assert answer(*words)["answer"] == "APPROVED"


@pytest.mark.parametrize(
    ("evidence", "code", "says"),
    [("f" * 16, 1, f"approve with --evidence {SEEN}"), ("F00", 2, "Copy the hash from")],
)
def test_an_approval_of_other_evidence_is_refused(
    patch: pytest.MonkeyPatch,
    evidence: str,
    code: int,
    says: str,
) -> None:
    account = asking(patch)
    assert says in refusal(run("approve", "beta-1", "--why", "w", "--evidence", evidence), code)
    assert "states:SendTaskSuccess" not in account.actions()
    assert account.parameters


def test_an_approval_after_the_deadline_is_refused_and_a_rejection_is_not(
    patch: pytest.MonkeyPatch,
) -> None:
    asking(patch, deadline=1)
    assert "too late" in refusal(run("approve", "beta-1", "--why", "w"), 1)
    assert answer("reject", "beta-1", "--why", "w")["answer"] == "REJECTED"


def test_two_people_approve_where_two_must(patch: pytest.MonkeyPatch) -> None:
    account = asking(patch, people=2)
    first = answer("approve", "beta-1", "--why", "w", "--who", "ada")
    assert first["answer"] == "WANTS_ANOTHER"
    assert "states:SendTaskSuccess" not in account.actions()
    again = refusal(run("approve", "beta-1", "--why", "w", "--who", "ada"), 1)
    assert "ada has approved already; another person must approve" in again
    assert answer("status")["question"]["approvals"][0]["by"] == "ada"
    assert "2 people must approve, approved by ada" in run("status").output
    second = answer("approve", "beta-1", "--why", "v", "--who", "bob")
    assert (second["answer"], second["by"], second["why"]) == ("APPROVED", "ada and bob", "w; v")
    assert account.parameters == {}


def test_one_rejection_is_enough_after_an_approval(patch: pytest.MonkeyPatch) -> None:
    account = asking(patch, people=2)
    answer("approve", "beta-1", "--why", "w", "--who", "ada")
    answer("reject", "beta-1", "--why", "v", "--who", "bob")
    assert json.loads(account.given_to("states:SendTaskSuccess")["output"])["word"] == "REJECTED"


@pytest.mark.parametrize(
    ("kept", "status"),
    [(None, "RUNNING"), ("old", "RUNNING"), (TOKEN, "ABORTED")],
)
def test_nobody_asks_is_said(
    patch: pytest.MonkeyPatch,
    kept: str | None,
    status: str,
) -> None:
    parameters = {"x/beta-1": question(token=kept).to_text()} if kept else {}
    Aws(parameters=parameters, executions={"beta-1": execution(status)}).use(patch)
    said = refusal(run("approve", "beta-1", "--why", "w"), 1)
    assert "rollout beta-1 asks nothing now; see `rollout status`" in said


INVESTIGATE = {"word": "INVESTIGATE", "sentence": "INVESTIGATE: x."}


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (
            {"approval": {"word": "APPROVED", "by": "ada", "why": "w"}},
            "it was answered already, approved by ada",
        ),
        (
            {"verdict": INVESTIGATE, "error": {"Error": "States.Timeout"}},
            "too late, nobody answered in time, and silence rolls back",
        ),
    ],
)
def test_why_nothing_is_asked_is_said(
    patch: pytest.MonkeyPatch,
    document: dict[str, Any],
    says: str,
) -> None:
    Aws(executions={"beta-1": execution("SUCCEEDED", **document)}).use(patch)
    said = refusal(run("approve", "beta-1", "--why", "w"), 1)
    assert f"rollout beta-1 asks nothing now: {says}; see `rollout status`" in said


def test_status_shows_what_is_asked_until_when_and_the_hash(
    patch: pytest.MonkeyPatch,
) -> None:
    asking(patch)
    asked = answer("status")["question"]
    assert (asked["evidence"], asked["deadline"]) == (SEEN, "2096-10-02T07:06:40+00:00")
    shown = run("status").output
    assert "asks       INVESTIGATE: x." in shown
    assert f"answer     by 2096-10-02T07:06:40+00:00, evidence {SEEN}" in shown


def test_status_of_a_rollout_that_asks_nothing_has_no_question(
    patch: pytest.MonkeyPatch,
) -> None:
    Aws(flag=HELD, executions=ASKING).use(patch)
    assert answer("status")["question"] is None


def test_a_persons_rollback_forgets_the_question(patch: pytest.MonkeyPatch) -> None:
    account = asking(patch)
    answer("roll-back", "--why", "tickets")
    assert account.parameters == {}


# Tokens stay secret


@pytest.mark.parametrize(
    "words",
    [
        ("status",),
        ("status", "--json"),
        ("approve", "beta-1", "--why", "w"),
        ("approve", "beta-1", "--why", "w", "--evidence", "f" * 16),
        ("reject", "beta-1", "--why", "w", "--json"),
        ("roll-back", "--why", "w"),
    ],
)
def test_no_command_shows_the_token(
    patch: pytest.MonkeyPatch,
    words: tuple[str, ...],
) -> None:
    asking(patch)
    assert TOKEN not in run(*words).output


def test_asking_writes_the_token_into_the_record_only(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    telemetry.log.cache_clear()
    event = {**fakes.event("ask_a_person.investigate"), "task_token": TOKEN}
    approvals, notifications = FakeApprovals(), FakeNotifications()
    ports = ask_a_person.Ports(approvals, notifications, lambda: NOW)
    assert ask_a_person.ask_a_person(event, ports) == {}
    assert approvals.pending["beta-1"].token == TOKEN
    assert TOKEN not in f"{notifications.sent}{caplog.text}{capsys.readouterr()}"


@pytest.mark.parametrize("said", [None, {"word": "APPROVED", "by": "ada", "why": "w"}])
def test_no_document_message_or_log_of_a_rollout_has_the_token(
    capsys: pytest.CaptureFixture[str], said: dict[str, str] | None
) -> None:
    telemetry.log.cache_clear()
    found = world(differing=0.2)
    found.says, asked = said, questions(found)
    followed(found)
    assert asked[0].token
    topic = found.account.sns
    told = [topic.told, topic.documents, [item.document for item in found.executions]]
    assert asked[0].token not in f"{told}{capsys.readouterr()}"


def test_silence_leaves_no_question_behind() -> None:
    found = world(differing=0.2)
    asked = questions(found)
    followed(found)
    assert (len(asked), found.account.ssm.tokens) == (1, {})


def test_the_question_says_until_when_the_machine_waits() -> None:
    found = world(differing=0.2)
    questioned = questions(found)
    followed(found)
    (asked,) = questioned
    timeout = found.executions[0].document["exposure"]["approval_seconds"]
    assert asked.deadline + 60 >= found.clock() >= asked.deadline
    assert timeout > 0


def test_a_plan_may_ask_for_two_people() -> None:
    found, document = world(differing=0.2), launch("r-1")
    document["plan"]["approval"]["people"] = 2
    asked = questions(found)
    followed(found, document)
    assert asked[0].people == 2


def test_a_question_that_cannot_be_forgotten_does_not_stop_a_rollback() -> None:
    class Stuck(FakeApprovals):
        def forget(self, rollout_id: str) -> None:
            raise EndpointConnectionError(endpoint_url="https://ssm")

    back = ports(FakeFlags(exposed(100)), approvals=Stuck())
    outcome = roll_back.roll_back("beta-1", "why", back)
    assert outcome["exposure_bps"] == 0
    assert "its question is still kept" in outcome["reason"]
