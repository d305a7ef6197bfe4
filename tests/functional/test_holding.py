"""A rollout that a person holds: it stays where it is, ends by itself, and goes on when resumed."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from click.testing import CliRunner

from ops import holding
from ops.cli import main
from ops.holding import Course, NotServedError
from ops.rollouts import RolloutError
from rollout.adapters.closing import Planes
from rollout.domain.flag import Flag
from rollout.handlers import roll_back, watchdog
from tests.fakes import NOW, FakeFlags, FakeNotifications, exposed
from tests.functional.aws import Aws
from tests.functional.machine import World
from tests.functional.test_stack_commands import execution
from tests.functional.test_whole_rollouts import alarm, bps, launch, words

SAID = ("ada", "the p95 looks odd")
APPROVAL = 20


def short() -> dict[str, Any]:
    """The rehearsal's plan with a hold that ends after 20 s."""
    document = launch()
    document["plan"]["approval"]["timeout_seconds"] = APPROVAL
    return document


@dataclass
class Held(World):
    """later: what happens when so many seconds have passed since something else did."""

    later: list[tuple[float, Callable[[], object]]] = field(default_factory=list)
    promised: int = 0

    def wait(self, seconds: float) -> None:
        for _ in range(max(1, round(seconds))):
            super().wait(1)
            due = [what for at, what in self.later if at <= self.now]
            self.later = [(at, what) for at, what in self.later if at > self.now]
            for what in due:
                what()

    @property
    def course(self) -> Course:
        given = self.executions[0].document
        return Course(holding.plan_documents.parse(given["plan"]), self.now)

    def _change(self, make: Any) -> None:
        planes = Planes(self.flags, self.served, self.clock, self.wait)
        holding.carry_out(make(self.flags.current(), self.course, *SAID, self.now), planes)

    def hold(self) -> None:
        self._change(holding.to_hold)
        self.promised = self.flags.flag.held_until

    def resume(self) -> None:
        self._change(holding.to_resume)

    def hold_for(self, seconds: float) -> Callable[[], None]:
        def held() -> None:
            self.hold()
            self.later.append((self.now + seconds, self.resume))

        return held


def looks(world: World, state: str) -> int:
    return sum(execution.path.count(state) for execution in world.executions)


def reason(world: World) -> str:
    return str(world.executions[-1].document["outcome"]["reason"])


# While the canary bakes


def test_a_canary_that_is_held_stays_for_longer_than_its_bake_and_goes_on_when_resumed() -> None:
    usual, world = World(), Held()
    usual.follow(short(), "r-1")
    world.meanwhile["Bake"] = world.hold_for(18)
    world.follow(short(), "r-1")
    assert (words(world)[-1], words(world)) == ("COMPLETED", words(usual))
    assert world.executions[0].path.count("Bake") >= 18 > usual.executions[0].path.count("Bake")


def test_while_it_is_held_the_verdict_says_by_whom_why_until_when_and_what_it_would_be() -> None:
    world = Held()
    seen: list[str] = []

    def hold_and_look() -> None:
        world.hold()
        sentence = lambda: seen.append(world.executions[0].document["verdict"]["sentence"])  # noqa: E731
        world.later.append((world.now + 15, sentence))

    world.meanwhile["Bake"] = hold_and_look
    world.follow(short(), "r-1")
    assert seen[0].startswith("HOLD: held until 2027-")
    assert "(ada: the p95 looks odd); otherwise PROMOTE: " in seen[0]


def test_silence_rolls_back_with_the_reason_once_the_deadline_has_passed() -> None:
    world = Held()
    world.meanwhile["Bake"] = world.hold
    world.follow(short(), "r-1")
    assert (words(world), bps(world)) == (["ROLLED_BACK"], 0)
    assert "(ada: the p95 looks odd), and nobody has resumed it" in reason(world)
    assert world.now >= world.promised


def test_the_exposure_ends_by_itself_at_the_deadline_also_when_nobody_looks() -> None:
    world = Held()
    world.meanwhile["Bake"] = world.hold
    flags: list[Flag] = []
    world.meanwhile["Roll Back"] = lambda: flags.append(world.flags.flag)
    world.follow(short(), "r-1")
    (flag,) = flags
    assert flag.lease_until == flag.held_until == world.promised
    assert flag.exposure_at(flag.held_until - 1) == 100
    assert flag.exposure_at(flag.held_until) == 0


def test_harm_rolls_back_while_it_is_held() -> None:
    world = Held()

    def hold_and_fail() -> None:
        world.hold()
        world.failing = lambda exposure: 0.5

    world.meanwhile["Bake"] = hold_and_fail
    world.follow(short(), "r-1")
    assert (words(world), bps(world)) == (["ROLLED_BACK"], 0)
    assert "nobody has resumed" not in reason(world)
    assert world.now < world.promised


def test_an_alarm_rolls_back_while_it_is_held() -> None:
    world = Held()

    def hold_and_ring() -> None:
        world.hold()
        alarm(world)

    world.meanwhile["Bake"] = hold_and_ring
    world.follow(short(), "r-1")
    assert (words(world)[-1], bps(world)) == ("ROLLED_BACK", 0)


def test_doubt_asks_nobody_while_it_is_held_and_asks_after_it_was_resumed() -> None:
    world = Held(answer={"word": "REJECTED", "by": "eve", "why": "no"}, differing=0.2)
    asked_at: list[float] = []
    world.meanwhile["Shadow Soak"] = world.hold_for(15)
    world.meanwhile["Ask a Person"] = lambda: asked_at.append(world.flags.flag.held_until)
    world.follow(short(), "r-1")
    assert asked_at == [0]
    assert world.executions[0].path.count("Shadow Soak") >= 10


def test_what_else_somebody_edits_while_it_is_held_is_seen() -> None:
    world = Held()

    def hold_and_edit() -> None:
        world.hold()
        world.flags.edit(allow_list=("nobody",))

    world.meanwhile["Bake"] = hold_and_edit
    world.follow(short(), "r-1")
    assert (words(world), bps(world)) == (["ROLLED_BACK"], 0)
    assert "allow_list" in reason(world)


def test_a_hold_whose_lease_somebody_lengthens_is_no_hold() -> None:
    world = Held()

    def hold_for_ever() -> None:
        before = world.flags.current()
        change = holding.to_hold(before, world.course, *SAID, world.now)
        longer = world.flags.flag.lease_until + 86_400
        forged = Flag(**{**vars(change.flag), "held_until": longer, "lease_until": longer})
        world.flags.known.setdefault(before.number, before.flag)
        world.flags.deploy(before, forged, change.note, urgent=True)

    world.meanwhile["Bake"] = hold_for_ever
    world.follow(short(), "r-1")
    assert (words(world), bps(world)) == (["ROLLED_BACK"], 0)
    assert "held_until" in reason(world)


# Between two steps


def test_a_step_whose_time_comes_while_it_is_held_waits_and_then_begins() -> None:
    world = Held()
    world.meanwhile["Notify"] = world.hold_for(APPROVAL - 2)
    world.follow(short(), "r-1")
    assert words(world)[-1] == "COMPLETED"
    assert world.executions[1].path.count("Held") >= 5
    assert looks(world, "Refuse") == 0


def test_a_step_that_waits_rolls_back_when_nobody_resumes() -> None:
    world = Held()
    world.meanwhile["Notify"] = world.hold
    world.follow(short(), "r-1")
    assert (words(world), bps(world)) == (["LAUNCHED", "ROLLED_BACK"], 0)
    assert "(ada: the p95 looks odd), and nobody has resumed it" in reason(world)
    assert "Raise Exposure" not in world.executions[1].path


def test_a_step_that_waits_rolls_back_when_the_alarm_rings() -> None:
    world = Held()

    def hold_then_ring() -> None:
        world.hold()
        world.later.append((world.now + 10, lambda: world.alarms.known.update(errors="ALARM")))

    world.meanwhile["Notify"] = hold_then_ring
    world.follow(short(), "r-1")
    assert (words(world)[-1], bps(world)) == ("ROLLED_BACK", 0)
    assert world.now < world.promised + 1


def test_a_step_that_begins_while_the_end_of_a_hold_is_being_deployed_waits_for_it() -> None:
    world = Held()

    def deploying() -> None:
        world.hold()
        world.resume()
        world.flags.state = "DEPLOYING"
        world.later.append((world.now + 8, lambda: setattr(world.flags, "state", "COMPLETE")))

    world.meanwhile["Notify"] = deploying
    world.follow(short(), "r-1")
    assert words(world)[-1] == "COMPLETED"


# In the moment in which something moves


@pytest.mark.parametrize("state", ["Enable Canary", "Raise Exposure", "Cleanup"])
def test_a_hold_that_comes_just_before_a_move_stops_it(state: str) -> None:
    world = Held()
    served: list[int] = []

    def held() -> None:
        world.hold_for(12)()
        served.append(bps(world))
        world.later.append((world.now + 10, lambda: served.append(bps(world))))

    world.meanwhile[state] = held
    world.follow(short(), "r-1")
    assert words(world)[-1] == "COMPLETED"
    assert served[0] == served[1]


@pytest.mark.parametrize("state", ["Enable Canary", "Raise Exposure", "Cleanup"])
def test_a_hold_that_nobody_resumes_rolls_back_wherever_it_came(state: str) -> None:
    world = Held()
    world.meanwhile[state] = world.hold
    world.follow(short(), "r-1")
    assert (words(world)[-1], bps(world)) == ("ROLLED_BACK", 0)
    assert "nobody has resumed it" in reason(world)


@pytest.mark.parametrize("state", ["Enable Canary", "Raise Exposure"])
def test_a_move_that_a_hold_overtakes_is_not_made(state: str) -> None:
    world = Held()
    looked = world.metrics.control_p95_ms

    def meanwhile(*given: Any) -> float | None:
        world.metrics.control_p95_ms = looked  # type: ignore[method-assign]
        world.hold_for(12)()
        return looked(*given)

    def overtake() -> None:
        # Set Exposure has read the flag, and has not deployed yet.
        world.metrics.control_p95_ms = meanwhile  # type: ignore[method-assign]

    world.meanwhile[state] = overtake
    world.follow(short(), "r-1")
    assert words(world)[-1] == "COMPLETED"
    assert world.promised


# What ends it


def test_a_rollback_ends_a_hold() -> None:
    world = Held()

    def held() -> None:
        world.hold()
        roll_back.roll_back("", "ada: enough", world.rollback_ports())

    world.meanwhile["Bake"] = held
    world.follow(short(), "r-1")
    assert (bps(world), world.flags.flag.held_until) == (0, 0)


@dataclass
class Nobody:
    """No execution runs, or those that are named."""

    names: tuple[str, ...] = ()

    def running(self, _: str) -> list[str]:
        return list(self.names)


def watched(flag: Flag, now: float, *running: str) -> tuple[dict[str, Any], World]:
    world = World(flags=FakeFlags(flag, notes=["hold beta-1: ada: odd"]), now=now)
    world.schedules.pending["beta-1.half"] = (now + 86_400, "arn", {})
    told = FakeNotifications()
    ports = watchdog.Ports(world.rollback_ports(), Nobody(running), told, world.wait)
    return watchdog.watch(ports), world


def test_the_watchdog_closes_what_nobody_has_resumed_and_does_not_wait_for_the_next_step() -> None:
    outcome, world = watched(exposed(2500, lease_until=1000, held_until=1000), 1001.0)
    assert (outcome["word"], world.flags.flag.enabled) == ("ROLLED_BACK", False)
    assert "(ada: odd), and nobody has resumed it" in outcome["reason"]
    assert outcome["schedules_deleted"] == ["beta-1.half"]


def test_the_watchdog_leaves_a_hold_alone_until_its_deadline() -> None:
    outcome, world = watched(exposed(2500, lease_until=2000, held_until=2000), 1001.0)
    assert (outcome["word"], world.flags.flag.enabled) == ("NOTHING_TO_DO", True)


def test_the_watchdog_leaves_the_end_of_a_hold_to_an_execution_that_runs() -> None:
    flag = exposed(2500, lease_until=1000, held_until=1000)
    outcome, _ = watched(flag, 1001.0, "beta-1")
    assert (outcome["word"], outcome["reason"]) == ("NOTHING_TO_DO", "beta-1")


# What is refused


def refused(make: Any, flag: Flag, *, asks: bool = False, now: float = 1000.0) -> str:
    plan = holding.plan_documents.parse(short()["plan"])
    with pytest.raises(RolloutError) as caught:
        make(FakeFlags(flag).current(), Course(plan, 0, asks), *SAID, now)
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


def planes(world: World) -> Planes:
    return Planes(world.flags, world.served, world.clock, world.wait)


def to_hold(world: World) -> holding.Change:
    plan = holding.plan_documents.parse(short()["plan"])
    return holding.to_hold(world.flags.current(), Course(plan, 0), *SAID, world.now)


def test_a_hold_while_a_deployment_runs_changes_nothing_and_says_so() -> None:
    world = World(flags=FakeFlags(exposed(100), state="BAKING"))
    with pytest.raises(
        RolloutError, match="another deployment of the flag is running; nothing was"
    ):
        holding.carry_out(to_hold(world), planes(world))


def test_a_hold_that_the_alarm_undoes_is_told_as_such() -> None:
    world = World(flags=FakeFlags(exposed(100), undone=1))
    with pytest.raises(NotServedError, match="was undone, as AppConfig does while the alarm rings"):
        holding.carry_out(to_hold(world), planes(world))


def test_a_hold_that_is_not_served_is_told_as_such() -> None:
    world = World(flags=FakeFlags(exposed(100)))
    world.served.old = [exposed(100)] * 20
    with pytest.raises(NotServedError, match="the data plane serves 100 bps of beta-1"):
        holding.carry_out(to_hold(world), planes(world))


# The commands

PLAN = short()["plan"]
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
