"""A candidate that is wrong in 3 % of one field, beside a field in which the control is noisy;
told with planted values, none of which may be left in anything that the story leaves behind."""

import socket
from collections.abc import Iterator
from typing import Any

import pg8000.native
import pytest
from click.testing import CliRunner

from ops.cli import main
from ops.local.stack import LocalStack
from rollout.adapters import tracing
from rollout.adapters.database_login import parse_url
from rollout.adapters.users_candidate import UsersCandidate
from rollout.handlers.candidate import candidate
from tests.local import artefacts, planting
from tests.local.canaries import leaks, text_of
from tests.local.planting import Told
from tests.local.running import until

pytestmark = pytest.mark.local
COMMANDS = (
    *("status", "mismatches", "replay --rollout {rollout}", "mismatches --since 2h"),
    *("history", "watch {rollout} --once"),
    *("report {rollout} --out - --format html", "report {rollout} --out - --format md"),
    "report {rollout} --out - --format json",
)
STATUSES = [200, 200, 400, 400, 400, 400, 400]


@pytest.fixture(scope="module")
def told() -> Iterator[Told]:
    with planting.planted(), LocalStack() as stack:
        folder = stack.emulator.log.parent
        artefacts.subscribed(stack)
        yield planting.tell(stack)
    assert not folder.exists()


@pytest.fixture(scope="module")
def everything(told: Told) -> list[tuple[str, str]]:
    """Every artefact there is, once the failures that can be made have been made too."""
    stack, shown = told.stack, list(said(told))
    assert planting.strange_requests(stack) == STATUSES
    planting.expose_everybody(stack, lambda: stack.read(planting.VICTIM))
    planting.failing_comparisons(stack)
    until(lambda: log_lines(stack, "shadow.dropped") >= 2, "the comparator has told")
    return [
        *artefacts.artefacts(stack),
        *artefacts.messages(stack),
        *shown,
        *traces(stack),
        ("report", text_of(told.report)),
        ("report table", told.table),
        *((f"progress {number}", text) for number, text in enumerate(told.progress)),
        ("file emulator.log", stack.emulator.log.read_text(errors="replace")),
    ]


def log_lines(stack: LocalStack, word: str) -> int:
    found = dict(artefacts.artefacts(stack))
    return sum(text.count(word) for name, text in found.items() if name.startswith("log "))


def said(told: Told) -> Iterator[tuple[str, str]]:
    """What each command that shows something says of the story, to people and to programs."""
    listed = told.stack.emulator.client("stepfunctions").list_executions(
        stateMachineArn=told.stack.outputs["StateMachineArn"]
    )["executions"]
    for command in COMMANDS:
        words = command.format(rollout=listed[0]["name"]).split()
        for more in ([], ["--json"]):
            done = CliRunner().invoke(main, [*words, *more])
            yield f"command {command} {' '.join(more)}", f"{done.output}{done.exception or ''}"


def traces(stack: LocalStack) -> Iterator[tuple[str, str]]:
    """The packets of a candidate's reads that are traced: one answered, one failed."""
    core = pytest.importorskip("aws_xray_sdk.core.recorder")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.bind(("127.0.0.1", 0))
        recorder = core.AWSXRayRecorder()
        address = f"127.0.0.1:{daemon.getsockname()[1]}"
        recorder.configure(sampling=False, service="read", daemon_address=address)
        login = parse_url(stack.database.url)
        users = UsersCandidate(lambda _: pg8000.native.Connection(**login))
        traced = tracing.traced(users, recorder, read="query")
        for user in (f"{planting.USER}1", planting.VICTIM):
            with recorder.in_segment("function"):
                answer = candidate({"userId": user}, traced)
            assert bool(answer["error"]) == (user == planting.VICTIM)
        packets = list(planting.datagrams(daemon))
    assert len(packets) == 2
    assert "DatabaseError" in packets[1]
    yield from ((f"trace {number}", text) for number, text in enumerate(packets))


def test_the_candidate_is_rolled_back_and_the_field_named(told: Told) -> None:
    assert told.report["outcome"] == "ROLLED_BACK"
    assert told.report["as_it_should"], told.report
    assert told.report["reason"].startswith("not approved by rehearsal: balance differs (value)")


def test_no_user_was_exposed_and_none_noticed(told: Told) -> None:
    assert (told.report["user_errors"], told.report["final_exposure_bps"]) == (0, 0)


def test_the_noisy_field_does_not_count(told: Told) -> None:
    reasons = {reason["path"]: reason for reason in told.report["mismatches"]}
    balance, tags = reasons["balance"], reasons["tags"]
    assert balance["count"] >= 5
    assert 0.01 < balance["share"] < 0.1
    # Some are counted before each comparator knows the field; most are excused.
    assert tags["excused"] > 10 * tags["count"]


def test_examples_show_shapes_only(told: Told) -> None:
    examples = [example for reason in told.report["mismatches"] for example in reason["examples"]]
    assert examples
    for example in examples:
        assert example["control"].startswith(("text(", "list("))


def test_the_report_stands_under_the_table(told: Told) -> None:
    assert "\n  balance differs (value): " in told.table
    assert "noise of the control" in told.table


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("log /aws/lambda/huntaze-mock-read", "SQLSTATE 22P02"),
        ("log /aws/lambda/huntaze-prisma-read", "candidate.failed"),
        ("log ", "shadow.dropped"),
        ("metrics", "candidate"),
        ("trace", "DatabaseError"),
        ("flag ", "sha256:"),
        ("deployment ", "rehearsal"),
        ("execution ", "sha256:"),
        ("history ", "INVESTIGATE"),
        ("schedule ", "beta-1"),
        ("queue people", "evidence"),
        ("command status", "ROLLED_BACK"),
        ("command mismatches", "balance"),
        ("command replay", "rehearsal"),
        ("report", "balance"),
        ("progress", "Ask a Person"),
    ],
)
def test_every_kind_of_artefact_was_looked_at_and_is_of_the_story(
    everything: list[tuple[str, str]], kind: str, word: str
) -> None:
    assert any(name.startswith(kind) and word in text for name, text in everything)


def test_nothing_that_a_story_leaves_names_a_user_or_tells_a_secret(
    told: Told, everything: list[tuple[str, str]]
) -> None:
    assert leaks(told.canaries, everything) == []


def test_a_task_token_is_only_where_step_functions_itself_records_it(
    told: Told, everything: list[tuple[str, str]]
) -> None:
    assert told.tokens
    tokens = {f"token {number}": token for number, token in enumerate(told.tokens)}
    found = leaks(tokens, everything)
    assert [place for _, place in found if not place.endswith(" with a token")] == []
    assert leaks(tokens, [("a log", f'{{"token": "{told.tokens[0]}"}}')])


def test_each_canary_was_in_what_users_were_told(told: Told) -> None:
    """Or the search would have had nothing to find."""
    answer: Any = planting.invoked(
        told.stack, told.stack.outputs["ReadAliasArn"], {"userId": f"{planting.USER}1"}
    )
    places = leaks(told.canaries, [("answer", answer["body"])])
    assert {name for name, _ in places} == {"user id", "name"}
