"""The watchdog: it ends what nobody drives, and leaves alone what somebody does."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from ops.faults.faults import Fault
from ops.faults.plan import launch
from ops.faults.scenarios import SCENARIOS
from ops.faults.world import World
from rollout.domain.flag import Flag
from rollout.handlers import watchdog
from tests.fakes import (
    NOW,
    FakeFlags,
    FakeNotifications,
    FakeSchedules,
    exposed,
    scheduled,
)
from tests.functional.test_roll_back import ports


@dataclass
class Looks:
    """A stack as the watchdog finds it. meanwhile: what happens between its two looks."""

    flags: FakeFlags
    runs: dict[str, list[str]] = field(default_factory=dict)
    schedules: FakeSchedules = field(default_factory=FakeSchedules)
    told: FakeNotifications = field(default_factory=FakeNotifications)
    meanwhile: Any = None
    now: float = NOW

    def running(self, rollout_id: str) -> list[str]:
        return self.runs.get(rollout_id, [])

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        if self.meanwhile:
            self.meanwhile(self)

    def watch(self) -> dict[str, Any]:
        back = ports(self.flags, schedules=self.schedules, clock=lambda: self.now)
        return watchdog.watch(watchdog.Ports(back, self, self.told, self.sleep))


def test_an_exposure_that_nobody_drives_is_rolled_back_and_told() -> None:
    stack = Looks(FakeFlags(exposed(2500)))
    assert stack.watch()["exposure_bps"] == 0
    ((subject, text, _),) = stack.told.sent
    assert subject == "beta-1: rolled back by the watchdog"
    assert "no execution of beta-1 runs and none is scheduled, in phase canary" in text


def test_a_shadow_that_nobody_drives_is_ended_too() -> None:
    flags = FakeFlags(exposed(0))
    Looks(flags).watch()
    assert not flags.flag.enabled


def test_a_rollout_with_a_running_execution_is_left_alone() -> None:
    stack = Looks(FakeFlags(exposed(2500)), runs={"beta-1": ["beta-1"]})
    assert stack.watch() == {"word": "NOTHING_TO_DO", "reason": "beta-1"}
    assert stack.flags.number == 1


def test_a_rollout_with_a_scheduled_step_is_left_alone() -> None:
    step = scheduled("ramp-5")
    stack = Looks(FakeFlags(exposed(2500)), schedules=FakeSchedules({step: (NOW, "machine", {})}))
    assert stack.watch()["reason"] == step


def test_another_rollouts_execution_and_schedule_do_not_vouch_for_this_one() -> None:
    other = FakeSchedules({scheduled("ramp-5", "other-1"): (NOW, "machine", {})})
    stack = Looks(FakeFlags(exposed(2500)), runs={"other-1": ["other-1"]}, schedules=other)
    assert stack.watch()["changed"]
    assert list(other.pending) == [scheduled("ramp-5", "other-1")]


@pytest.mark.parametrize(
    "flag",
    [
        exposed(2500).closed(),
        exposed(10_000).finished(),
        exposed(2500, lease_until=int(NOW)),
        exposed(2500, enabled=False),
    ],
    ids=["closed", "finished", "lease over", "disabled"],
)
def test_a_flag_that_exposes_nobody_or_for_good_is_left_alone(flag: Flag) -> None:
    stack = Looks(FakeFlags(flag))
    assert (stack.watch()["word"], stack.flags.number) == ("NOTHING_TO_DO", 1)


def test_a_step_that_has_just_fired_is_seen_at_the_second_look() -> None:
    stack = Looks(FakeFlags(exposed(2500)))
    stack.meanwhile = lambda found: found.runs.update({"beta-1": ["ramp-5"]})
    assert stack.watch()["reason"] == "ramp-5"


@pytest.mark.parametrize("change", [{"phase": "ramp-5"}, {"rollout_id": "beta-2"}])
def test_a_flag_that_changes_between_the_looks_is_somebodys(change: dict[str, Any]) -> None:
    stack = Looks(FakeFlags(exposed(2500)))
    stack.meanwhile = lambda found: setattr(found.flags, "flag", replace(exposed(2500), **change))
    assert stack.watch()["reason"] == "the flag has changed"


def test_a_message_that_fails_does_not_undo_the_rollback() -> None:
    stack = Looks(FakeFlags(exposed(2500)), told=FakeNotifications(broken=True))
    assert stack.watch()["exposure_bps"] == 0


def test_a_second_look_finds_nothing_left_to_do() -> None:
    stack = Looks(FakeFlags(exposed(2500)))
    stack.watch()
    assert stack.watch()["word"] == "NOTHING_TO_DO"
    assert len(stack.told.sent) == 1


# In the world of the fault matrix, with its real adapters


def test_what_the_guard_could_not_do_while_appconfig_was_out_is_done_afterwards() -> None:
    (ramp,) = (scenario for scenario in SCENARIOS if scenario.name == "ramp")
    fault = Fault("AppConfig is out for a while", "Evaluate Metrics", times=1)
    world = ramp.begin(fault)
    world.agenda.settle()
    assert world.letters
    world.agenda.advance(world.clock() + 300)
    assert world.account.appconfigdata.flag().exposure_at(world.clock()) == 500
    world.watch()
    assert world.account.appconfigdata.flag().exposure_at(world.clock()) == 0
    assert "r-1: rolled back by the watchdog" in world.account.sns.told[-1]


def test_a_healthy_rollout_is_never_disturbed() -> None:
    world = World(schedules_fire=True)
    world.start("r-1", launch("r-1"))
    looks = 0
    while world.agenda.due:
        world.agenda.advance(world.clock() + 60)
        world.watch()
        looks += 1
    assert [execution.word for execution in world.ended][-1] == "COMPLETED"
    assert looks > 100
