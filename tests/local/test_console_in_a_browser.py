"""The console in a real browser, beside a rollout on a local stack: it follows, shows and acts.

One rollout serves all tests, in the order in which they stand here.
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

from tests.local.browsing import Watched, chromium, executable
from tests.local.running import PATIENCE_SECONDS, ROOT, Running, answer, exported, started, until

pytestmark = pytest.mark.local
STAYS_AT = "ramp-5"
PATIENCE = 1000 * PATIENCE_SECONDS
PHONE = {"width": 375, "height": 812}


@pytest.fixture(scope="module", autouse=True)
def _browser_is_there() -> None:
    """Nothing is started where no browser could look at it."""
    executable()


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rehearsal's, but it bakes at 5 % until somebody ends it, however slow this machine is."""
    document = json.loads((ROOT / "plans" / "rehearsal.json").read_text(encoding="utf-8"))
    names = [phase["name"] for phase in document["phases"]]
    long = document["phases"][names.index(STAYS_AT)]
    long.update(bake_seconds=1200, maximum_bake_seconds=1800)
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


def status(address: str) -> dict[str, Any]:
    return answer("status", "--endpoint-url", address)


def statuses(address: str) -> set[str]:
    """Of the executions of the newest rollout."""
    return {item["status"] for item in status(address)["executions"]}


def history(address: str, name: str) -> list[dict[str, Any]]:
    """An execution's events, from Step Functions itself."""
    machine = api(address, "stepfunctions")
    (found,) = machine.list_state_machines()["stateMachines"]
    arn = found["stateMachineArn"].replace(":stateMachine:", ":execution:") + f":{name}"
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


def test_before_the_first_rollout_the_page_says_what_to_type(watched: Watched) -> None:
    assert "rollout launch --plan" in watched.page.locator("main").inner_text()


def test_a_launch_appears_by_itself(watched: Watched, address: str, plan: Path) -> None:
    answer("launch", "--plan", str(plan), "--rollout", "seen-1", "--endpoint-url", address)
    watched.page.locator("h1", has_text="seen-1").wait_for()
    assert watched.page.locator("#now .badge").inner_text() == "RUNNING"


def test_the_graph_follows_the_machine(watched: Watched, address: str) -> None:
    """Lit is only what the machine has entered, and what it has entered is lit or marked."""
    lit: set[str] = set()

    def follows() -> bool:
        lit.update(states(watched, "running"))
        return {"Shadow Soak", "Bake"} <= lit

    until(follows, "the page has shown the soak and the bake as running")
    known = {item["name"] for item in entered(history(address, "seen-1"))}
    assert lit <= known
    watched.page.get_by_role("link", name="all executions").click()
    until(lambda: known <= states(watched, "passed"), f"{known} are marked")


def test_a_click_shows_what_the_visit_was_given(watched: Watched, address: str) -> None:
    first = entered(history(address, "seen-1"))[0]
    watched.page.goto(watched.page.url.split("?")[0] + "?execution=seen-1")
    watched.page.locator(f'#graph [data-state="{first["name"]}"]').click()
    shown = watched.page.locator("#payload-here #payload-input")
    shown.wait_for()
    assert json.loads(shown.inner_text()) == json.loads(first["input"])
    assert urlsplit(watched.page.url).path == "/"


def test_the_keyboard_does_what_a_click_does(watched: Watched) -> None:
    state = watched.page.locator('#graph a[data-visits="Drill Rollback"]')
    state.focus()
    watched.page.keyboard.press("Enter")
    watched.page.locator("#payload-here h3", has_text="Drill Rollback").wait_for()
    output = json.loads(watched.page.locator("#payload-here #payload-output").inner_text())
    assert output["drill"]["word"] == "PROVEN"


def test_every_execution_gets_its_lane(watched: Watched, address: str) -> None:
    until(lambda: status(address)["exposure_bps"] >= 500, "a step of the ramp is served")
    now = status(address)
    names = {item["name"] for item in now["executions"]}
    assert len(names) > 1, now

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


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_that_keeps_anybody_out(
    browser: Browser, console: str, scheme: Any
) -> None:
    page = Watched(browser, color_scheme=scheme, viewport=PHONE).page
    page.goto(console)
    found = Axe().run(page).response["violations"]
    page.close()
    assert [(item["id"], item["nodes"][0]["html"]) for item in found] == []


def test_a_phone_shows_it_without_scrolling_sideways(browser: Browser, console: str) -> None:
    page = Watched(browser, viewport=PHONE).page
    page.goto(console)
    width = page.evaluate("document.documentElement.scrollWidth")
    page.close()
    assert width <= PHONE["width"]


def test_a_page_without_the_token_cannot_act(browser: Browser, console: str) -> None:
    page = browser.new_context().new_page()
    page.goto(console.split("?")[0])
    assert page.locator("form").count() == 0
    page.close()


def test_a_rollback_pressed_on_the_page_happens(watched: Watched, address: str) -> None:
    before = status(address)
    assert before["exposure_bps"] >= 500
    page = watched.page
    page.locator("summary", has_text="Roll back").click()
    form = page.locator("details.roll-back form")
    form.locator("[name=who]").fill("ada")
    form.locator("[name=why]").fill("tickets")
    form.locator("button").click()
    said = page.locator("#done li.did")
    said.wait_for()
    assert "verified at the data plane" in said.inner_text()
    after = status(address)
    assert (after["exposure_bps"], after["holds_flag"], after["scheduled"]) == (0, False, [])
    until(lambda: "RUNNING" not in statuses(address), "no execution runs")
    until(lambda: not states(watched, "running"), "no state is lit")


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
    assert watched.page.locator("h1").inner_text() == "seen-1"
    assert watched.page.locator("#graph .state.passed").count() > 5
