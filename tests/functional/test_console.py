"""The console's pages and actions: what they show, and whom they obey."""

import asyncio
import re
import socket
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result
from starlette.testclient import TestClient

import ops.console
from ops import deployed, rollouts
from ops.cli import main
from ops.console import acting, serve
from ops.console.app import Console, application
from ops.console.payloads import REDACTED, pretty
from ops.console.watch import Watch
from rollout.domain.errors import InvalidInputError
from tests.fakes import ROOT, exposed
from tests.functional.aws import Aws
from tests.functional.test_holding import account as holdable
from tests.recorded import LAUNCHED, MACHINE, execution, record, visit, visits

SECRET = "AQCEAAAAKgAAAAMAAAAAAAAAA-a-task-token"
QUESTION = {
    "phase": "canary",
    "sentence": "INVESTIGATE: not enough evidence after the longest bake",
    "evidence": "9f2c41d07ab3e658",
    "deadline": "2026-11-24T20:00:00+00:00",
    "people": 1,
    "approvals": [],
}
REASON = {"sentence": "email differs in 2 of 300", "first_seen": "2026-11-24T17:00:00+00:00"}


class Records:
    """A source in memory. record: what AWS says, or the error that it answers with."""

    stack = deployed.Stack("a-stack", {"StateMachineArn": "arn:machine"})

    def __init__(self, found: dict[str, Any] | Exception) -> None:
        self.found = found
        self.asked = 0

    def record(self, rollout_id: str) -> dict[str, Any]:
        self.asked += 1
        if isinstance(self.found, Exception):
            raise self.found
        if rollout_id not in ("", self.found["rollout"]):
            raise rollouts.RolloutError(f"no execution of rollout {rollout_id} is known")
        return self.found

    def definition(self) -> dict[str, Any]:
        return MACHINE

    def differences(self, rollout_id: str) -> dict[str, Any]:
        counts = {"compared": 300, "mismatched": 2, "failed": 0}
        return {**counts, "reasons": [REASON], "unused_rules": []}

    def rollouts(self) -> list[str]:
        return ["beta-1", "beta-0"]


class Page:
    """A console with a browser."""

    def __init__(self, found: dict[str, Any] | Exception, *, acts: bool = False) -> None:
        self.source = Records(found)
        self.console = Console(self.source, 0.0, acts, "ada")  # type: ignore[arg-type]
        self.browser = TestClient(application(self.console), base_url="http://127.0.0.1:8765")

    def opened(self) -> "Page":
        """As somebody does who opens the address that was printed."""
        answer = self.browser.get("/", params={"token": self.console.key.token})
        assert answer.status_code == 200
        return self

    def text(self, path: str = "/", status: int = 200) -> str:
        answer = self.browser.get(path)
        assert answer.status_code == status, answer.text[:500]
        return str(answer.text)

    def press(self, action: str, headers: dict[str, str] | None = None, **form: str) -> Any:
        given = {"token": self.console.key.token, "who": "ada", "why": "tickets", **form}
        path = f"/rollouts/beta-1/actions/{action}"
        return self.browser.post(path, data=given, headers=headers, follow_redirects=False)


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[acting.Given]:
    """What the roll-back button was pressed with; it does nothing else."""
    pressed: list[acting.Given] = []

    def note(_stack: deployed.Stack, given: acting.Given) -> str:
        pressed.append(given)
        return "verified at the data plane"

    action = acting.BY_NAME["roll-back"]
    noted = acting.Action(action.name, action.label, action.will, action.offered, note)
    monkeypatch.setitem(acting.BY_NAME, "roll-back", noted)
    return pressed


# What is shown


def test_the_page_shows_the_state_that_runs_and_what_is_served() -> None:
    text = Page(record()).text()
    assert "<strong>Bake</strong>" in text
    assert "5 % of users by the candidate" in text
    assert re.search(r'class="state wait passed running" data-state="Bake"', text)


def test_the_page_has_every_picture_and_a_table_that_says_the_same() -> None:
    text = Page(record()).text()
    assert text.count("<svg") == 9
    for item in record()["executions"]:
        for number, one in enumerate(item["visits"]):
            link = f'href="/rollouts/beta-1/visits/{item["name"]}/{number}" data-payload'
            assert f"<a {link}>{one['state'].replace('&', '&amp;')}</a>" in text


def test_the_newest_execution_is_drawn_unless_another_is_asked_for() -> None:
    page = Page(record())
    assert 'passed" data-state="Launched"' not in page.text()
    assert 'passed" data-state="Launched"' in page.text("/?execution=beta-1")
    assert 'passed running" data-state="Bake"' in page.text("/?execution=all")


def test_a_rollout_of_days_makes_no_page_of_megabytes() -> None:
    path = ("Bake", "Evaluate Metrics", "Go / No-Go?") * 2000
    long = execution("beta-1", "launch", "", visits(path, LAUNCHED))
    text = Page(record(executions=[long])).text()
    assert "(6000 visits)" in text
    assert len(text) < 1_000_000


def test_verdicts_and_differences_are_told() -> None:
    text = Page(record()).text()
    assert "HOLD: errors 0 of 36 (0.00%), to certify 4.00%." in text
    assert "email differs in 2 of 300" in text


def test_a_visit_has_its_input_output_and_errors_without_the_task_token() -> None:
    failed = visit("Preflight", LAUNCHED, 2.0, input={"plan": {"name": "beta"}})
    failed["output"] = {"task_token": SECRET, "word": "LAUNCH"}
    failed["failures"] = [{"error": "States.Timeout", "cause": f'{{"taskToken": "{SECRET}"}}'}]
    page = Page(record(executions=[execution("beta-1", "launch", "", [failed])]))
    text = page.text("/rollouts/beta-1/visits/beta-1/0")
    assert "&#34;name&#34;: &#34;beta&#34;" in text
    assert "States.Timeout" in text
    assert REDACTED in text
    assert SECRET not in text
    assert SECRET not in page.text()


@pytest.mark.parametrize(
    "value",
    [
        {"a": [{"TaskToken": SECRET}]},
        f'{{"cut": 1, "task_token": "{SECRET}',
        {"cause": f'{{"token":"{SECRET}","b":2}}'},
        '{"cause": "{\\"taskToken\\": \\"' + SECRET + '\\"}"}',
    ],
)
def test_a_token_is_redacted_wherever_it_stands(value: Any) -> None:
    assert SECRET not in pretty(value)
    assert REDACTED in pretty(value)


def test_a_state_has_all_its_visits() -> None:
    text = Page(record()).text("/rollouts/beta-1/states/Bake?execution=")
    assert text.count('href="/rollouts/beta-1/visits/') == 3


def test_a_state_whose_name_has_a_slash_can_be_followed() -> None:
    assert "Go / No-Go?" in Page(record()).text("/rollouts/beta-1/states/Go%20%2F%20No-Go%3F")


@pytest.mark.parametrize("path", ["visits/beta-1/999", "visits/other/0", "states/Nowhere"])
def test_what_is_not_there_is_said(path: str) -> None:
    assert "There is no" in Page(record()).text(f"/rollouts/beta-1/{path}", 404)


def test_what_comes_from_aws_is_text() -> None:
    text = Page(record(outcome={"word": "RUNNING", "reason": "<script>x</script>"})).text()
    assert "<script>x" not in text


# Nothing to show


def test_before_the_first_rollout_the_page_says_what_to_type() -> None:
    text = Page(rollouts.RolloutError("no execution of any rollout is known")).text()
    assert "rollout launch --plan plans/beta.json" in text


def test_an_unknown_rollout_is_404_with_those_that_are_known() -> None:
    text = Page(record()).text("/rollouts/beta-9", 404)
    assert "There is no rollout <code>beta-9</code>" in text
    assert 'href="/rollouts/beta-0"' in text


def test_when_aws_fails_the_last_state_stays_with_its_age_and_the_error() -> None:
    page = Page(record())
    page.text()
    page.source.found = OSError("the network is gone")
    text = page.text()
    assert "OSError: the network is gone" in text
    assert "the last state that AWS gave" in text
    assert "<strong>Bake</strong>" in text
    page.source.found = record()
    assert "the network is gone" not in page.text()


def test_when_aws_fails_at_once_the_page_says_why() -> None:
    assert "OSError: no route" in Page(OSError("no route")).text(status=503)


def test_a_machine_that_cannot_be_read_does_not_end_the_watch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page = Page(record())
    with monkeypatch.context() as broken:
        broken.setattr(Records, "definition", lambda _: {}["States"])
        assert "KeyError" in page.text(status=503)
    assert "<strong>Bake</strong>" in page.text()


def test_a_mistake_of_the_console_is_said_and_names_the_commands_that_still_work() -> None:
    verdict = {**record()["verdicts"][0], "word": "PERHAPS"}
    page = Page(record(verdicts=[verdict]))
    page.browser = TestClient(
        application(page.console), base_url="http://127.0.0.1:8765", raise_server_exceptions=False
    )
    assert "default-src 'none'" in page.browser.get("/").headers["content-security-policy"]
    text = page.text(status=500)
    assert "KeyError: &#39;PERHAPS&#39;" in text
    assert "rollout roll-back" in text


# Live


def test_only_what_has_changed_is_told() -> None:
    source = Records(record())

    async def versions() -> list[int]:
        watch = Watch(source, "", 0.0)  # type: ignore[arg-type]
        found = []
        for change in ({}, {"read_at": 9.0}, {"ended_at": 3.0}):
            source.found = record(**change)
            found.append((await watch.look()).version)
        return found

    assert asyncio.run(versions()) == [1, 1, 2]


def test_aws_is_asked_no_more_often_than_it_may_be() -> None:
    source = Records(record())

    async def looks() -> None:
        watch = Watch(source, "", 60.0)  # type: ignore[arg-type]
        await asyncio.gather(*(watch.look() for _ in range(5)))
        await watch.look()

    asyncio.run(looks())
    assert source.asked == 1


# Whom it obeys


def test_every_answer_has_the_strict_headers() -> None:
    page = Page(record())
    for path in ("/", "/static/console.js", "/rollouts/x", "/nowhere"):
        headers = page.browser.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        # "no-referrer" would make browsers send our own forms with the origin "null".
        assert headers["referrer-policy"] == "same-origin"


def test_no_page_needs_what_its_policy_forbids() -> None:
    page = Page(record(question=QUESTION), acts=True).opened()
    paths = ("/", "/rollouts/beta-1/visits/beta-1/0", "/rollouts/beta-1/states/Bake")
    for text in map(page.text, paths):
        assert not re.findall(r"<style|\sstyle=|\son\w+=|javascript:|<script(?! src)", text)
        assert not re.findall(r"""(?:src|href|action)=["'](?:https?:)?//""", text)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8765", "127.0.0.1.evil.example"])
def test_a_name_that_is_not_loopback_is_refused(host: str) -> None:
    page = Page(record())
    assert page.browser.get("/", headers={"host": host}).status_code == 400
    assert page.browser.get("/", headers={"host": "localhost:8765"}).status_code == 200


def test_without_the_token_the_page_is_read_only(done: list[acting.Given]) -> None:
    page = Page(record(), acts=True)
    assert "<form" not in page.text()
    assert page.console.key.token not in page.text()
    assert page.press("roll-back").status_code == 403
    assert done == []


def test_a_wrong_token_opens_nothing() -> None:
    page = Page(record(), acts=True)
    page.browser.get("/", params={"token": "guessed"})
    assert "<form" not in page.text()


def test_whoever_opens_the_printed_address_may_act(done: list[acting.Given]) -> None:
    page = Page(record(), acts=True).opened()
    assert "<form" in page.text()
    answer = page.press("roll-back", why="wrong balances")
    assert (answer.status_code, answer.headers["location"]) == (303, "/rollouts/beta-1#done")
    assert done == [acting.Given("beta-1", "ada", "wrong balances")]
    assert "verified at the data plane" in page.text()


@pytest.mark.parametrize(
    ("headers", "form"),
    [
        ({}, {"token": ""}),
        ({}, {"token": "guessed"}),
        ({"origin": "http://evil.example"}, {}),
        ({"origin": "null"}, {}),
        ({"sec-fetch-site": "cross-site"}, {}),
    ],
)
def test_a_form_of_another_site_is_not_obeyed(
    done: list[acting.Given], headers: dict[str, str], form: dict[str, str]
) -> None:
    page = Page(record(), acts=True).opened()
    assert page.press("roll-back", headers, **form).status_code == 403
    assert done == []


def test_a_console_that_does_not_allow_actions_obeys_nobody(done: list[acting.Given]) -> None:
    page = Page(record()).opened()
    answer = page.press("roll-back")
    assert answer.status_code == 403
    assert "rollout console --allow-actions" in answer.text
    assert done == []


def test_each_start_has_another_token() -> None:
    assert Page(record()).console.key.token != Page(record()).console.key.token


@pytest.mark.parametrize("form", [{"who": " "}, {"why": ""}, {"why": "w" * 501}])
def test_nobody_acts_without_a_name_and_a_reason(
    done: list[acting.Given], form: dict[str, str]
) -> None:
    answer = Page(record(), acts=True).opened().press("roll-back", **form)
    assert answer.status_code == 400
    assert "Nothing was done" in answer.text
    assert done == []


def test_a_form_of_any_length_is_not_kept(done: list[acting.Given]) -> None:
    page = Page(record(), acts=True).opened()
    assert page.press("roll-back", why="w" * 100_000).status_code == 403
    assert done == []


def test_an_action_nobody_knows_is_404() -> None:
    assert Page(record(), acts=True).opened().press("delete").status_code == 404


def test_an_action_that_fails_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_stack: deployed.Stack, _given: acting.Given) -> str:
        raise rollouts.RolloutError("rollout beta-1: the evidence has changed")

    action = acting.BY_NAME["approve"]
    broken = acting.Action(action.name, action.label, action.will, action.offered, fail)
    monkeypatch.setitem(acting.BY_NAME, "approve", broken)
    page = Page(record(question=QUESTION), acts=True).opened()
    assert page.press("approve").status_code == 303
    assert "not done: rollout beta-1: the evidence has changed" in page.text()


def pressable(text: str) -> list[str]:
    """The buttons of a page."""
    return re.findall(r'<button type="submit" class="([\w-]+)"', text)


def test_a_question_is_shown_with_its_evidence_beside_the_buttons() -> None:
    text = Page(record(question=QUESTION), acts=True).opened().text()
    decisions = text[text.index('id="decisions"') : text.index('id="payload"')]
    for part in (QUESTION["sentence"], QUESTION["evidence"], QUESTION["deadline"], "5 of 60"):
        assert str(part) in decisions
    assert pressable(decisions) == ["approve", "reject", "roll-back", "kill"]


def test_without_a_question_there_is_nothing_to_approve() -> None:
    text = Page(record(), acts=True).opened().text()
    assert pressable(text) == ["hold", "roll-back", "kill"]


def test_what_is_held_can_be_resumed_and_says_until_when() -> None:
    held = {"until": "2026-11-24T20:00:00+00:00", "reason": "held by ada: odd p95"}
    text = Page(record(held=held), acts=True).opened().text()
    assert "Held until 2026-11-24T20:00:00+00:00: held by ada: odd p95" in text
    assert pressable(text) == ["resume", "roll-back", "kill"]


# What an action does, on an account in memory


@pytest.fixture
def account(patch: pytest.MonkeyPatch) -> Iterator[Aws]:
    patch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    started = {"status": "RUNNING", "input": '{"action": "launch", "rollout_id": "beta-1"}'}
    held = exposed(2500, lease_until=4_000_000_000)
    flag = type(held)(**{**vars(held), "rollout_id": "beta-1"})
    yield Aws(flag=flag, executions={"beta-1": started}).use(patch)


def stack() -> deployed.Stack:
    return deployed.find(deployed.DEFAULT_STACK)


@pytest.mark.parametrize("name", ["roll-back", "kill"])
def test_the_flag_is_closed_and_the_data_plane_asked(account: Aws, name: str) -> None:
    said = acting.BY_NAME[name].do(stack(), acting.Given("beta-1", "ada", "tickets"))
    assert "the control serves everyone, verified at the data plane" in said
    assert "closed the flag of beta-1" in said
    assert account.now().exposure_at(0) == 0
    assert "appconfig:GetLatestConfiguration" in account.actions()


def test_hold_and_resume_say_until_when_and_what_was_verified(
    patch: pytest.MonkeyPatch,
) -> None:
    patch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    aws = holdable(patch)
    given = acting.Given("beta-1", "ada", "odd")
    said = acting.BY_NAME["hold"].do(stack(), given)
    assert re.match(r"held until 20.+, 1 % of users in canary, verified at the data plane", said)
    assert aws.now().held_until
    aws = holdable(patch, held_until=4_000_000_000)
    said = acting.BY_NAME["resume"].do(stack(), given)
    assert said.startswith("resumed, leased until 20")
    assert not aws.now().held_until


def test_another_rollout_is_not_rolled_back_with_this_one(account: Aws) -> None:
    said = acting.BY_NAME["roll-back"].do(stack(), acting.Given("beta-0", "ada", "tidy"))
    assert "rollout beta-1 holds the flag, and its exposure was not touched" in said
    assert account.now().candidate_bps == 2500


def test_who_and_why_are_asked_for_by_name() -> None:
    with pytest.raises(InvalidInputError, match="who is"):
        acting.given("beta-1", {"why": "w"})


# The command


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["console", *words])


def test_a_port_in_use_is_one_line(account: Aws) -> None:
    with socket.create_server((serve.ADDRESS, 0)) as taken:
        port = taken.getsockname()[1]
        result = run("--port", str(port), "--region", "eu-west-1")
    assert (result.exit_code, result.output.count("\n")) == (1, 1)
    assert f"port {port} of 127.0.0.1 cannot be had" in result.output


@pytest.mark.usefixtures("impatient")
def test_without_the_stack_no_page_is_served() -> None:
    result = run("--endpoint-url", "http://127.0.0.1:9", "--port", "0")
    assert (result.exit_code, result.output.count("\n")) == (1, 1)


def test_without_its_libraries_the_command_says_what_to_install(
    account: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "ops.console.serve")
    monkeypatch.delattr(ops.console, "serve")
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    result = run("--port", "0", "--region", "eu-west-1")
    assert (result.exit_code, result.output.count("\n")) == (1, 1)
    assert "pip install 'rollout-playbook[console]'" in result.output


def test_the_address_has_the_token_only_where_it_opens_something() -> None:
    for acts in (False, True):
        made = Page(record(), acts=acts).console
        assert (made.key.token in serve.address(1, made)) is acts


def test_the_pictures_of_the_documents_are_small() -> None:
    files = list((ROOT / "docs" / "pictures").glob("*.png"))
    assert {file.stem for file in files} == {"console", "timeline", "evidence", "phone"}
    assert all(file.stat().st_size < 150_000 for file in files)
