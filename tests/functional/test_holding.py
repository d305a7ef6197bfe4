"""A rollout that a person holds: it stays where it is, ends by itself, and goes on when resumed."""

import copy
import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner

from ops import holding
from ops.cli import main
from ops.faults import functions
from ops.faults.plan import MINUTE, launch
from ops.faults.plan import plan as minutes
from ops.faults.world import World
from ops.holding import Course, NotServedError
from ops.rollouts import RolloutError
from rollout.adapters.closing import Planes
from rollout.domain.flag import Flag
from tests.fakes import NOW, FakeFlags, FakeSchedules, FakeServed, exposed
from tests.functional.aws import Aws
from tests.functional.test_stack_commands import execution
from tests.functional.test_watchdog import Looks
from tests.functional.worlds import alarm, bps, deploy, followed, healthy, reason, words, world

SAID = ("ada", "the p95 looks odd")
# A hold ends after ten minutes here: the plan's time for an answer.
BRIEF, LONG = 8, 9


class Person:
    """One who holds and resumes. promised: the last deadline."""

    def __init__(self, found: World) -> None:
        self.world, self.promised = found, 0
        self.planes = functions.rolling_back(found.clock, found.sleep).planes

    def change(self, make: Callable[..., holding.Change]) -> holding.Change:
        now = self.world.clock()
        return make(self.planes.flags.current(), Course(minutes(), NOW), *SAID, now)

    def hold(self) -> None:
        holding.carry_out(self.change(holding.to_hold), self.planes)
        self.promised = deployed(self.world).held_until

    def resume(self) -> None:
        holding.carry_out(self.change(holding.to_resume), self.planes)

    def hold_for(self, minutes: float) -> Callable[[], None]:
        def held() -> None:
            self.hold()
            later(self.world, minutes, self.resume)

        return held


def later(found: World, minutes: float, what: Callable[[], None]) -> None:
    found.agenda.at(found.clock() + minutes * MINUTE, what)


def deployed(found: World) -> Flag:
    return found.account.appconfig.flag(found.clock())


def looks(found: World, state: str) -> int:
    return sum(execution.path.count(state) for execution in found.executions)


def deploy_another_flag(found: World) -> None:
    """A colleague's, in the same document; ours stays as it is."""
    appconfig = found.account.appconfig
    document = copy.deepcopy(appconfig.versions[appconfig.effective(found.clock()).version - 1])
    document["values"]["darkMode"] = {"enabled": True}
    appconfig.publish(document, "dark mode for everyone")


@pytest.mark.parametrize("resumed", [None, 1.2, 2.5], ids=["not held", "before", "after"])
def test_another_flag_of_the_document_may_be_deployed_while_ours_is_held_and_after_it(
    resumed: float | None,
) -> None:
    found = world(4)

    def hold() -> None:
        if resumed is not None:
            Person(found).hold_for(resumed)()
        later(found, 1.5, lambda: deploy_another_flag(found))

    found.meanwhile["Bake"] = hold
    followed(found)
    assert words(found)[-1] == "COMPLETED", reason(found)
    assert found.account.appconfig.versions[-1]["values"]["darkMode"] == {"enabled": True}


def test_a_flag_that_is_changed_after_another_one_was_deployed_is_still_seen() -> None:
    found = world(4)

    def hold() -> None:
        Person(found).hold_for(1.2)()
        later(found, 1.4, lambda: deploy_another_flag(found))
        later(found, 1.6, lambda: deploy(found, lease_until=4_000_000_000))

    found.meanwhile["Bake"] = hold
    followed(found)
    assert words(found)[-1] == "ROLLED_BACK"
    assert "-> 4000000000; CloudTrail" in reason(found)


# While the canary bakes


def test_a_canary_that_is_held_stays_for_longer_than_its_bake_and_goes_on_when_resumed() -> None:
    usual, found = healthy(), world()
    found.meanwhile["Bake"] = Person(found).hold_for(LONG)
    followed(found)
    assert (words(found)[-1], words(found)) == ("COMPLETED", words(usual))
    assert found.executions[0].path.count("Bake") >= LONG > usual.executions[0].path.count("Bake")


def test_while_it_is_held_the_verdict_says_by_whom_why_until_when_and_what_it_would_be() -> None:
    found, seen = world(), list[str]()

    def hold_and_look() -> None:
        Person(found).hold()
        document = found.executions[0].document
        later(found, BRIEF, lambda: seen.append(document["verdict"]["sentence"]))

    found.meanwhile["Bake"] = hold_and_look
    followed(found)
    assert seen[0].startswith("HOLD: held until 2027-")
    assert "(ada: the p95 looks odd); otherwise PROMOTE: " in seen[0]


def test_silence_rolls_back_with_the_reason_once_the_deadline_has_passed() -> None:
    found = world()
    person = Person(found)
    found.meanwhile["Bake"] = person.hold
    followed(found)
    assert (words(found), bps(found)) == (["ROLLED_BACK"], 0)
    assert "(ada: the p95 looks odd), and nobody has resumed it" in reason(found)
    assert found.clock() >= person.promised


def test_the_exposure_ends_by_itself_at_the_deadline_also_when_nobody_looks() -> None:
    found, flags = world(), list[Flag]()
    person = Person(found)
    found.meanwhile["Bake"] = person.hold
    found.meanwhile["Roll Back"] = lambda: flags.append(deployed(found))
    followed(found)
    (flag,) = flags
    assert flag.lease_until == flag.held_until == person.promised
    assert flag.exposure_at(flag.held_until - 1) == 100
    assert flag.exposure_at(flag.held_until) == 0


def test_harm_rolls_back_while_it_is_held() -> None:
    found = world()
    person = Person(found)

    def hold_and_fail() -> None:
        person.hold()
        found.account.cloudwatch.failing = 0.5

    found.meanwhile["Bake"] = hold_and_fail
    followed(found)
    assert (words(found), bps(found)) == (["ROLLED_BACK"], 0)
    assert "nobody has resumed" not in reason(found)
    assert found.clock() < person.promised


def test_an_alarm_rolls_back_while_it_is_held() -> None:
    found = world()

    def hold_and_ring() -> None:
        Person(found).hold()
        alarm(found)

    found.meanwhile["Bake"] = hold_and_ring
    followed(found)
    assert (words(found)[-1], bps(found)) == ("ROLLED_BACK", 0)


def test_doubt_asks_nobody_while_it_is_held_and_asks_after_it_was_resumed() -> None:
    found, asked_at = world(differing=0.2), list[float]()
    found.says = {"word": "REJECTED", "by": "eve", "why": "no"}
    found.meanwhile["Shadow Soak"] = Person(found).hold_for(BRIEF)
    found.meanwhile["Ask a Person"] = lambda: asked_at.append(deployed(found).held_until)
    followed(found)
    assert asked_at == [0]
    assert found.executions[0].path.count("Shadow Soak") >= BRIEF


def test_what_else_somebody_edits_while_it_is_held_is_seen() -> None:
    found = world()

    def hold_and_edit() -> None:
        Person(found).hold()
        deploy(found, allow_list=("nobody",))

    found.meanwhile["Bake"] = hold_and_edit
    followed(found)
    assert (words(found), bps(found)) == (["ROLLED_BACK"], 0)
    assert "allow_list" in reason(found)


def test_a_hold_whose_lease_somebody_lengthens_is_no_hold() -> None:
    found = world()

    def hold_for_ever() -> None:
        person = Person(found)
        change = person.change(holding.to_hold)
        longer = deployed(found).lease_until + 86_400
        forged = replace(change.flag, held_until=longer, lease_until=longer)
        person.planes.flags.deploy(change.before, forged, change.note, urgent=True)

    found.meanwhile["Bake"] = hold_for_ever
    followed(found)
    assert (words(found), bps(found)) == (["ROLLED_BACK"], 0)
    assert "held_until" in reason(found)


# Between two steps


def before_the_ramp() -> World:
    """A minute before the last one begins."""
    found = world(4)
    ((at, _),) = found.account.scheduler.pending.values()
    found.agenda.advance(at - MINUTE)
    return found


def test_a_step_whose_time_comes_while_it_is_held_waits_and_then_begins() -> None:
    found = before_the_ramp()
    Person(found).hold_for(LONG)()
    followed(found)
    assert words(found)[-1] == "COMPLETED"
    assert found.executions[0].path.count("Held") >= 5
    assert looks(found, "Refuse") == 0


def test_a_step_that_waits_rolls_back_when_nobody_resumes() -> None:
    found = before_the_ramp()
    Person(found).hold()
    followed(found)
    assert (words(found), bps(found)) == (["ROLLED_BACK"], 0)
    assert "(ada: the p95 looks odd), and nobody has resumed it" in reason(found)
    assert "Raise Exposure" not in found.executions[0].path


def test_a_step_that_waits_rolls_back_when_the_alarm_rings() -> None:
    found = before_the_ramp()
    person = Person(found)
    person.hold()
    later(found, 5, lambda: setattr(found.account.cloudwatch, "ringing", True))
    followed(found)
    assert (words(found)[-1], bps(found)) == ("ROLLED_BACK", 0)
    assert found.clock() < person.promised


def test_a_step_that_begins_while_the_end_of_a_hold_is_being_deployed_waits_for_it() -> None:
    found = before_the_ramp()
    person = Person(found)
    person.hold()
    person.resume()
    found.account.appconfig.deployments[-1].bakes_until = found.clock() + 3 * MINUTE
    followed(found)
    assert words(found)[-1] == "COMPLETED"


# In the moment in which something moves

# State -> the steps that are over when it comes.
MOVES = {"Enable Canary": 0, "Raise Exposure": 4, "Cleanup": 5}


@pytest.mark.parametrize("state", MOVES)
def test_a_hold_that_comes_just_before_a_move_stops_it(state: str) -> None:
    found, served = world(MOVES[state]), list[int]()

    def held() -> None:
        Person(found).hold_for(LONG)()
        served.append(bps(found))
        later(found, BRIEF, lambda: served.append(bps(found)))

    found.meanwhile[state] = held
    followed(found)
    assert words(found)[-1] == "COMPLETED"
    assert served[0] == served[1]


@pytest.mark.parametrize("state", MOVES)
def test_a_hold_that_nobody_resumes_rolls_back_wherever_it_came(state: str) -> None:
    found = world(MOVES[state])
    found.meanwhile[state] = Person(found).hold
    followed(found)
    assert (words(found)[-1], bps(found)) == ("ROLLED_BACK", 0)
    assert "nobody has resumed it" in reason(found)


@pytest.mark.parametrize("state", ["Enable Canary", "Raise Exposure"])
def test_a_move_that_a_hold_overtakes_is_not_made(state: str) -> None:
    found = world(MOVES[state])
    person, cloudwatch = Person(found), found.account.cloudwatch
    counts = cloudwatch.get_metric_data

    def meanwhile(given: dict[str, Any]) -> dict[str, Any]:
        cloudwatch.get_metric_data = counts  # type: ignore[method-assign]
        person.hold_for(LONG)()
        return counts(given)

    def overtake() -> None:
        # Set Exposure has read the flag, and has not deployed yet.
        cloudwatch.get_metric_data = meanwhile  # type: ignore[method-assign]

    found.meanwhile[state] = overtake
    followed(found)
    assert words(found)[-1] == "COMPLETED"
    assert person.promised


# What ends it


def test_a_rollback_ends_a_hold() -> None:
    found = world()

    def held() -> None:
        Person(found).hold()
        found.roll_back(why="ada: enough")

    found.meanwhile["Bake"] = held
    followed(found)
    assert (bps(found), deployed(found).held_until) == (0, 0)


def watched(flag: Flag, now: float, *running: str) -> tuple[dict[str, Any], Flag]:
    flags = FakeFlags(flag, notes=["hold beta-1: ada: odd"])
    schedules = FakeSchedules({"beta-1.half": (now + 86_400, "arn", {})})
    stack = Looks(flags, {"beta-1": list(running)}, schedules, now=now)
    return stack.watch(), flags.flag


def test_the_watchdog_closes_what_nobody_has_resumed_and_does_not_wait_for_the_next_step() -> None:
    outcome, flag = watched(exposed(2500, lease_until=1000, held_until=1000), 1001.0)
    assert (outcome["word"], flag.enabled) == ("ROLLED_BACK", False)
    assert "(ada: odd), and nobody has resumed it" in outcome["reason"]
    assert outcome["schedules_deleted"] == ["beta-1.half"]


def test_the_watchdog_leaves_a_hold_alone_until_its_deadline() -> None:
    outcome, flag = watched(exposed(2500, lease_until=2000, held_until=2000), 1001.0)
    assert (outcome["word"], flag.enabled) == ("NOTHING_TO_DO", True)


def test_the_watchdog_leaves_the_end_of_a_hold_to_an_execution_that_runs() -> None:
    flag = exposed(2500, lease_until=1000, held_until=1000)
    outcome, _ = watched(flag, 1001.0, "beta-1")
    assert (outcome["word"], outcome["reason"]) == ("NOTHING_TO_DO", "beta-1")


# What is refused


def refused(make: Any, flag: Flag, *, asks: bool = False, now: float = 1000.0) -> str:
    with pytest.raises(RolloutError) as caught:
        make(FakeFlags(flag).current(), Course(minutes(), 0, asks), *SAID, now)
    return str(caught.value)


def test_what_cannot_be_held_is_refused_with_the_reason() -> None:
    there = {"lease_until": 2000, "phase": "canary"}
    assert "held already, until" in refused(holding.to_hold, exposed(100, **there, held_until=2000))
    assert "it is in drill" in refused(holding.to_hold, exposed(0, lease_until=2000, phase="drill"))
    assert "has ended" in refused(holding.to_hold, exposed(100, lease_until=999, phase="canary"))
    assert "asks a person" in refused(holding.to_hold, exposed(100, **there), asks=True)


def test_what_cannot_be_resumed_is_refused_with_the_reason() -> None:
    assert "it is not held" in refused(holding.to_resume, exposed(100, lease_until=2000))
    late = exposed(100, lease_until=900, held_until=900)
    assert "too late: the hold ended at" in refused(holding.to_resume, late)


def carry_out(old: int = 0, **known: Any) -> None:
    """Hold what exposes 1 %. old: how often the data plane serves what was before."""
    flags = FakeFlags(exposed(100), **known)
    served = FakeServed(flags, [flags.flag] * old)
    change = holding.to_hold(flags.current(), Course(minutes(), 0), *SAID, NOW)
    holding.carry_out(change, Planes(flags, served, lambda: NOW, lambda _: None))


def test_a_hold_while_a_deployment_runs_changes_nothing_and_says_so() -> None:
    with pytest.raises(
        RolloutError, match="another deployment of the flag is running; nothing was"
    ):
        carry_out(state="BAKING")


def test_a_hold_that_the_alarm_undoes_is_told_as_such() -> None:
    with pytest.raises(NotServedError, match="was undone, as AppConfig does while the alarm rings"):
        carry_out(undone=1)


def test_a_hold_that_is_not_served_is_told_as_such() -> None:
    with pytest.raises(NotServedError, match="the data plane serves 100 bps of beta-1"):
        carry_out(old=20)


# The commands

APPROVAL = 20
PLAN = launch("beta-1")["plan"]
PLAN["approval"]["timeout_seconds"] = APPROVAL
STEP = {"rollout_id": "beta-1", "action": "launch", "phase": "", "launched_at": int(NOW)}
FAR = int(time.time()) + 3600
RUNNING = {"beta-1": execution("SUCCEEDED", plan=PLAN, preflight={"step": STEP})}


def account(patch: pytest.MonkeyPatch, **changes: Any) -> Aws:
    flag = exposed(100, lease_until=FAR, phase="canary", **changes)
    return Aws(flag, executions=RUNNING).use(patch)


def done(*words: str) -> tuple[dict[str, Any], str]:
    """(the JSON line, what was said before)."""
    result = CliRunner(mix_stderr=False).invoke(
        main, [*words, "--why", "odd", "--who", "ada", "--json", "--region", "us-east-1"]
    )
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout), result.stderr


def test_the_command_holds_at_the_present_exposure_and_says_so_first(
    patch: pytest.MonkeyPatch,
) -> None:
    aws = account(patch)
    found, before = done("hold")
    flag = aws.now()
    assert (found["word"], found["exposure_bps"], found["by"], found["why"]) == (
        "HELD",
        100,
        "ada",
        "odd",
    )
    assert before.startswith("beta-1 stays in canary at 1 % of users until 20")
    assert (flag.candidate_bps, flag.lease_until) == (100, flag.held_until)
    assert 0 < flag.held_until - time.time() <= APPROVAL
    assert aws.given_to("appconfig:StartDeployment")["Description"] == "hold beta-1: ada: odd"


def test_the_command_resumes_under_the_lease_of_the_plan(patch: pytest.MonkeyPatch) -> None:
    aws = account(patch, held_until=FAR)
    found, before = done("resume", "--rollout", "beta-1")
    assert (found["word"], aws.now().held_until) == ("RESUMED", 0)
    assert before.startswith("beta-1 goes on in canary at 1 % of users, under a lease until 20")
    assert aws.now().lease_until > time.time() + APPROVAL


def test_people_are_told_of_both(patch: pytest.MonkeyPatch) -> None:
    aws = account(patch)
    assert done("hold")[0]["told"] is True
    sent = json.loads(json.loads(aws.given_to("sns:Publish")["Message"])["default"])
    assert (sent["event"], sent["happened"][0]) == ("held", "By ada: odd.")
    assert sent["commands"][0].startswith("rollout resume --rollout beta-1 --why '…'")
    assert "or it rolls back" in sent["to_do"]
    aws = account(patch, held_until=FAR)
    done("resume")
    sent = json.loads(json.loads(aws.given_to("sns:Publish")["Message"])["default"])
    assert (sent["event"], sent["subject"]) == ("resumed", "beta-1: resumed")


def test_the_status_shows_until_when_by_whom_and_why(patch: pytest.MonkeyPatch) -> None:
    account(patch)
    done("hold")
    given = ["status", "--region", "us-east-1"]
    shown = CliRunner().invoke(main, given).stdout
    assert "held       held until 20" in shown
    assert "(ada: odd); go on with `rollout resume`; silence rolls back" in shown
    held = json.loads(CliRunner().invoke(main, [*given, "--json"]).stdout)["held"]
    assert held["reason"] == f"held until {held['until']} (ada: odd)"


def test_the_status_of_a_rollout_that_is_not_held_says_nothing(patch: pytest.MonkeyPatch) -> None:
    account(patch)
    assert "held" not in CliRunner().invoke(main, ["status", "--region", "us-east-1"]).stdout


def test_the_kill_switch_closes_what_is_held(patch: pytest.MonkeyPatch) -> None:
    aws = account(patch, held_until=FAR)
    assert done("kill")[0]["word"] == "KILLED"
    assert (aws.now().enabled, aws.now().held_until) == (False, 0)


@pytest.mark.parametrize(
    ("words", "changes", "says"),
    [
        (("hold",), {"rollout_id": ""}, "no rollout holds the flag: there is nothing to hold"),
        (("hold", "--rollout", "beta-2"), {}, "rollout beta-1 holds the flag, and not beta-2"),
        (("resume",), {}, "cannot resume rollout beta-1: it is not held"),
        (("hold",), {"rollout_id": "beta-9"}, "no execution of rollout beta-9 says which plan"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(
    patch: pytest.MonkeyPatch, words: tuple[str, ...], changes: dict[str, Any], says: str
) -> None:
    aws = account(patch, **changes)
    given = [*words, "--why", "odd", "--region", "us-east-1"]
    result = CliRunner().invoke(main, given)
    assert (result.exit_code, result.output.count("\n")) == (1, 1), result.output
    assert says in result.output
    assert "appconfig:StartDeployment" not in aws.actions()
