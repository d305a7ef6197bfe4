"""The console in a real browser, beside a rollout on a local stack: it follows, shows and acts.

Two rollouts serve all tests, in the order in which they stand here: somebody rejects the first; the
second is approved, held, resumed and rolled back, each by a button.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from ops.deployed import Stack
from rollout.adapters.flag_reader import ServedFlag
from tests.local.browsing import Watched, chromium, executable
from tests.local.running import PATIENCE_SECONDS, ROOT, Running, answer, exported, started, until

pytestmark = pytest.mark.local
STAYS_AT = "ramp-5"
PATIENCE = 1000 * PATIENCE_SECONDS
# Where the state is that runs, or the last one that was passed: [left, right].
LIT = """() => {
  const passed = [...document.querySelectorAll("#graph .state.passed")];
  const one = document.querySelector("#graph .state.running") || passed.at(-1);
  const found = one.getBoundingClientRect();
  return [found.left, found.right];
}"""
PHONE = {"width": 375, "height": 812}


@pytest.fixture(scope="module", autouse=True)
def _browser_is_there() -> None:
    """Nothing is started where no browser could look at it."""
    executable()


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rehearsal's, but it asks at once, and bakes at 5 % until somebody ends it, however slow
    this machine is.
    """
    document = json.loads((ROOT / "plans" / "rehearsal.json").read_text(encoding="utf-8"))
    document["approval"]["timeout_seconds"] = 600
    phases = {phase["name"]: phase for phase in document["phases"]}
    # So short a soak cannot prove what it must, so a person is asked.
    asks = {"bake_seconds": 1, "maximum_bake_seconds": 1, "certify": {"mismatches": 0.0001}}
    phases["shadow-soak"].update(asks)
    phases[STAYS_AT].update(bake_seconds=1200, maximum_bake_seconds=1800)
    file = tmp_path_factory.mktemp("plan") / "stays.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def stack() -> Iterator[Running]:
    with started("local", "up") as running:
        yield running


@pytest.fixture(scope="module")
def address(stack: Running) -> str:
    """Of the emulator."""
    return exported(stack)["AWS_ENDPOINT_URL"]


@pytest.fixture(scope="module")
def console(address: str) -> Iterator[str]:
    """The address that `rollout console --allow-actions` prints."""
    words = ("--port", "0", "--every", "1", "--allow-actions", "--endpoint-url", address)
    with started("console", *words) as running:
        running.says("Ctrl-C ends it")
        yield running.out[0].strip()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def watched(browser: Browser, console: str) -> Watched:
    """The page, opened once before the first rollout and never reloaded by a test."""
    found = Watched(browser, viewport={"width": 1400, "height": 1000})
    found.page.set_default_timeout(PATIENCE)
    found.page.goto(console)
    return found


def api(address: str, service: str) -> Any:
    known = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return boto3.client(service, endpoint_url=address, region_name="us-east-1", **known)


@pytest.fixture(scope="module")
def outputs(address: str) -> dict[str, str]:
    (found,) = api(address, "cloudformation").describe_stacks()["Stacks"]
    return {item["OutputKey"]: item["OutputValue"] for item in found["Outputs"]}


@pytest.fixture(scope="module")
def served(address: str, outputs: dict[str, str]) -> ServedFlag:
    """The flag as a reader gets it from the data plane."""
    return ServedFlag(api(address, "appconfigdata"), Stack("", outputs).settings())


def launch(address: str, plan: Path, name: str) -> None:
    answer("launch", "--plan", str(plan), "--rollout", name, "--endpoint-url", address)


def ended(address: str, name: str) -> dict[str, Any]:
    """The output of an execution, once there is one."""
    machine = api(address, "stepfunctions")

    def output() -> Any:
        return machine.describe_execution(executionArn=arn_of(address, name)).get("output")

    return dict(json.loads(until(output, f"{name} has ended")))


def arn_of(address: str, name: str) -> str:
    (found,) = api(address, "stepfunctions").list_state_machines()["stateMachines"]
    return f"{found['stateMachineArn'].replace(':stateMachine:', ':execution:')}:{name}"


def running(address: str) -> set[str]:
    """The names of the executions that run."""
    machine = api(address, "stepfunctions")
    (found,) = machine.list_state_machines()["stateMachines"]
    listed = machine.list_executions(
        stateMachineArn=found["stateMachineArn"], statusFilter="RUNNING"
    )
    return {item["name"] for item in listed["executions"]}


def history(address: str, name: str) -> list[dict[str, Any]]:
    """An execution's events, from Step Functions itself."""
    machine, arn = api(address, "stepfunctions"), arn_of(address, name)
    events = machine.get_execution_history(executionArn=arn, maxResults=1000)["events"]
    return [dict(event) for event in events]


def entered(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    details = (event.get("stateEnteredEventDetails") for event in events)
    return [dict(item) for item in details if item]


def states(watched: Watched, kind: str) -> set[str]:
    """The states of the graph that have a class."""
    found = watched.page.locator(f"#graph .state.{kind}").evaluate_all(
        "all => all.map(one => one.dataset.state)"
    )
    return set(found)


def pressed(watched: Watched, name: str, who: str = "ada", why: str = "tickets") -> str:
    """Fill in a form as a person does, press its button, and return what the page says of it."""
    page = watched.page
    form = page.locator(f"#decisions details.{name}")
    form.wait_for()
    if form.get_attribute("open") is None:
        form.locator("summary").click()
    form.locator("[name=who]").fill(who)
    form.locator("[name=why]").fill(why)
    label = form.locator("button").inner_text()
    form.locator("button").click()
    said = page.locator("#done li", has_text=label).first
    said.wait_for()
    assert f"{label} by {who} ({why})" in said.inner_text()
    assert said.get_attribute("class") == "did", said.inner_text()
    return said.inner_text()


def test_before_the_first_rollout_the_page_says_what_to_type(watched: Watched) -> None:
    assert "rollout launch --plan" in watched.page.locator("main").inner_text()


def test_a_launch_appears_by_itself(watched: Watched, address: str, plan: Path) -> None:
    launch(address, plan, "seen-1")
    watched.page.locator("h1", has_text="seen-1").wait_for()
    assert watched.page.locator("#now .badge").inner_text() == "RUNNING"


def test_a_question_rejected_on_the_page_rolls_back(
    watched: Watched, address: str, served: ServedFlag
) -> None:
    asks = watched.page.locator("#decisions .asks")
    asks.wait_for()
    assert "not enough evidence after the longest bake" in asks.inner_text()
    assert served.flag().holder == "seen-1"
    assert "rejected by ada; the execution rolls back" in pressed(watched, "reject", why="too odd")
    ending = ended(address, "seen-1")["outcome"]
    assert (ending["word"], ending["reason"]) == ("ROLLED_BACK", "not approved by ada: too odd")
    assert (served.flag().holder, served.flag().candidate_bps) == ("", 0)
    watched.page.locator("#now .badge", has_text="ROLLED BACK").wait_for()
    assert asks.count() == 0


def test_the_front_page_turns_to_the_next_rollout(
    watched: Watched, address: str, plan: Path
) -> None:
    watched.page.locator(".brand a").click()
    launch(address, plan, "seen-2")
    watched.page.locator("h1", has_text="seen-2").wait_for()


def test_a_question_approved_on_the_page_goes_on(
    watched: Watched, address: str, served: ServedFlag
) -> None:
    page = watched.page
    page.locator('#graph .state.running[data-state="Ask a Person"]').wait_for()
    evidence = page.locator("#decisions .asks dd code").inner_text()
    assert served.flag().candidate_bps == 0
    assert f"approved by ada on evidence {evidence}" in pressed(watched, "approve")
    until(lambda: served.flag().candidate_bps >= 100, "the canary is served")
    assert served.flag().holder == "seen-2"


def test_the_graph_follows_the_machine(watched: Watched, address: str) -> None:
    """Lit is only what the machine has entered, and what it has entered is lit or marked."""
    lit: set[str] = set()

    def follows() -> bool:
        lit.update(states(watched, "running"))
        return "Bake" in lit

    until(follows, "the page has shown the bake as running")
    known = {item["name"] for item in entered(history(address, "seen-2"))}
    assert lit <= known
    watched.page.get_by_role("link", name="all executions").click()
    until(lambda: known <= states(watched, "passed"), f"{known} are marked")


def test_a_click_shows_what_the_visit_was_given(watched: Watched, address: str) -> None:
    first = entered(history(address, "seen-2"))[0]
    watched.page.locator("#executions a", has_text="launch").click()
    watched.page.locator(f'#graph [data-state="{first["name"]}"]').click()
    shown = watched.page.locator("#payload-here #payload-input")
    shown.wait_for()
    assert json.loads(shown.inner_text()) == json.loads(first["input"])
    assert urlsplit(watched.page.url).path == "/rollouts/seen-2"


def test_the_keyboard_does_what_a_click_does(watched: Watched) -> None:
    state = watched.page.locator('#graph a[data-visits="Drill Rollback"]')
    state.focus()
    watched.page.keyboard.press("Enter")
    watched.page.locator("#payload-here h3", has_text="Drill Rollback").wait_for()
    output = json.loads(watched.page.locator("#payload-here #payload-output").inner_text())
    assert output["drill"]["word"] == "PROVEN"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_that_keeps_anybody_out(
    browser: Browser, console: str, scheme: Any
) -> None:
    page = Watched(browser, color_scheme=scheme, viewport=PHONE).page
    page.goto(console)
    found = Axe().run(page).response["violations"]
    page.close()
    assert [(item["id"], item["nodes"][0]["html"]) for item in found] == []


def test_a_page_without_the_token_cannot_act(browser: Browser, console: str) -> None:
    page = browser.new_context().new_page()
    page.goto(console.split("?")[0])
    assert page.locator("form").count() == 0
    page.close()


def test_every_execution_gets_its_lane(watched: Watched, address: str, served: ServedFlag) -> None:
    until(lambda: served.flag().phase == STAYS_AT, "a step of the ramp is served")
    names = {"seen-2", *running(address)}
    assert len(names) == 2, names

    def lanes() -> set[str]:
        found = watched.page.locator("#timeline .lane")
        return set(found.evaluate_all("all => all.map(one => one.dataset.execution)"))

    until(lambda: names <= lanes(), f"lanes for {names}")


def test_the_evidence_is_drawn_and_each_verdict_marked(watched: Watched) -> None:
    page = watched.page
    page.locator("#chart-evidence .mark").first.wait_for(state="attached")
    said = page.locator("#chart-evidence .mark title").first.text_content()
    assert str(said).split(":")[0] in ("HOLD", "PROMOTE", "INVESTIGATE", "ROLL_BACK")
    assert "100 rolls back" in str(page.locator("#chart-evidence").text_content())
    for name in ("exposure", "requests", "errors", "slow", "mismatches"):
        assert page.locator(f"#chart-{name} svg.chart path").count() > 3


def test_a_rollout_held_on_the_page_is_held_in_the_flag(
    watched: Watched, served: ServedFlag
) -> None:
    # While the flag is being deployed a hold is refused.
    now = watched.page.locator("#now .now")
    now.filter(has_text="Bake").filter(has_text=f"in {STAYS_AT}").wait_for()
    before = served.flag()
    said = pressed(watched, "hold", why="an odd log line")
    assert "held until" in said
    assert "5 % of users in ramp-5, verified at the data plane" in said
    after = served.flag()
    assert (after.candidate_bps, after.phase) == (before.candidate_bps, STAYS_AT)
    assert (before.held_until, after.held_until) == (0, after.lease_until)
    watched.page.locator("#now .held", has_text="Held until").wait_for()


def test_a_rollout_resumed_on_the_page_goes_on_under_its_lease(
    watched: Watched, served: ServedFlag
) -> None:
    before = served.flag()
    assert before.held_until
    assert "resumed, leased until" in pressed(watched, "resume", who="bob", why="it was the proxy")
    after = served.flag()
    assert (after.held_until, after.candidate_bps, after.phase) == (0, 500, STAYS_AT)
    watched.page.locator("#now .held").wait_for(state="detached")


def test_a_rollback_pressed_on_the_page_happens(
    watched: Watched, address: str, served: ServedFlag
) -> None:
    assert served.flag().candidate_bps == 500
    assert "verified at the data plane" in pressed(watched, "roll-back")
    assert (served.flag().candidate_bps, served.flag().holder) == (0, "")
    assert running(address) == set()
    until(lambda: not states(watched, "running"), "no state is lit")
    assert answer("status", "--endpoint-url", address)["scheduled"] == []


def test_a_phone_shows_where_the_rollout_is_without_scrolling_sideways(
    browser: Browser, console: str
) -> None:
    """Of the graph, which is wider, it shows the state that was entered last."""
    page = Watched(browser, viewport=PHONE).page
    page.goto(console)
    width, (left, right) = page.evaluate("document.documentElement.scrollWidth"), page.evaluate(LIT)
    page.close()
    assert 0 <= left < right <= width <= PHONE["width"]


def test_the_page_had_nothing_to_complain_of_and_asked_nobody_else(
    watched: Watched, console: str
) -> None:
    assert watched.complaints == []
    assert {urlsplit(url).netloc for url in watched.asked} == {urlsplit(console).netloc}


def test_when_aws_is_gone_the_last_state_stays_with_the_error(
    watched: Watched, stack: Running
) -> None:
    """The last test: the stack ends here."""
    stack.process.terminate()
    alarm = watched.page.locator("#trouble .alarm")
    alarm.wait_for()
    assert "the last state that AWS gave" in alarm.inner_text()
    assert watched.page.locator("h1").inner_text() == "seen-2"
    assert watched.page.locator("#graph .state.passed").count() > 5
