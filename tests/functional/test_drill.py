"""The drill before a launch: that it proves the way back, exposes nobody, and refuses otherwise."""

from dataclasses import replace
from typing import Any

import pytest

from rollout.domain import telling
from rollout.domain.drill import LEASE_SECONDS, NOT_PROVEN, PHASE, PROVEN
from rollout.domain.flag import CLOSED, Flag
from rollout.domain.messages import reason_of
from rollout.handlers.roll_back import answer
from tests import fakes
from tests.fakes import NOW, FakeAlarms, FakeFlags, FakeServed, exposed
from tests.functional.test_roll_back import Out, ports
from tests.functional.worlds import followed, healthy, reason, undo_next, words, world

DRILLING = Flag(
    enabled=True, shadow_bps=10_000, lease_until=int(NOW) + 60, rollout_id="beta-1", phase=PHASE
)


def drill(flags: FakeFlags, **changes: Any) -> dict[str, Any]:
    return answer(fakes.event("roll_back.drill"), ports(flags, **changes))


class Watched(FakeFlags):
    """Notes every flag that was deployed."""

    def deploy(self, *given: Any, **options: Any) -> int:
        self.seen = [*getattr(self, "seen", []), given[1]]
        return super().deploy(*given, **options)


def test_a_flag_that_exposes_nobody_is_set_and_rolled_back() -> None:
    flags = Watched()
    found = drill(flags)
    assert (found["word"], found["reason"], flags.flag.enabled) == (PROVEN, "", False)
    asked, closed = flags.seen
    assert (asked.candidate_bps, asked.allow_list, asked.phase) == (0, (), PHASE)
    assert asked.shadow_bps > 0
    assert closed == CLOSED.closed() or not closed.enabled


def test_a_drill_that_dies_halfway_leaves_a_lease_that_ends() -> None:
    flags = Watched()
    drill(flags)
    left = flags.seen[0]
    assert (left.exposure_at(NOW), left.shadow_at(NOW + LEASE_SECONDS)) == (0, 0)


def test_a_drill_that_died_is_begun_anew() -> None:
    assert drill(FakeFlags(DRILLING))["word"] == PROVEN


def test_the_seconds_are_those_until_the_data_plane_served_it() -> None:
    clock = iter(range(int(NOW), int(NOW) + 1000))
    found = drill(FakeFlags(), clock=lambda: float(next(clock)))
    assert found["set_seconds"] > 0
    assert found["seconds"] > 0


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        (FakeFlags(exposed(0, rollout_id="other-1")), "rollout other-1 holds the flag"),
        (FakeFlags(exposed(100)), "rollout beta-1 is in phase canary already"),
        (FakeFlags(exposed(0).finished()), "already exposes 10000 basis points"),
        (FakeFlags(state="BAKING"), "a deployment of the flag is running"),
        (FakeFlags(refusals=1), "another deployment of the flag is running"),
    ],
)
def test_a_flag_that_is_not_free_is_left_alone(flags: FakeFlags, why: str) -> None:
    before = (flags.flag, flags.number)
    found = drill(flags)
    assert found["word"] == NOT_PROVEN
    assert why in found["reason"]
    assert (flags.flag, flags.number) == before


def test_a_set_that_is_undone_or_never_served_proves_nothing() -> None:
    assert "was undone" in drill(FakeFlags(undone=1))["reason"]
    flags = FakeFlags()
    late = FakeServed(flags, [CLOSED] * 99)
    assert "is not served" in drill(flags, served=late)["reason"]


class Stuck(FakeServed):
    """A data plane that goes on serving the drill's flag."""

    def flag(self) -> Flag:
        return DRILLING


def test_a_rollback_that_is_not_served_proves_nothing() -> None:
    flags = FakeFlags()
    found = drill(flags, served=Stuck(flags))
    assert found["word"] == NOT_PROVEN
    assert "the data plane still serves the shadow" in found["reason"]


@pytest.mark.parametrize("port", ["alarms", "schedules"])
def test_what_a_rollback_would_only_tell_of_refuses_a_launch(port: str) -> None:
    found = drill(FakeFlags(), **{port: Out()})
    assert found["word"] == NOT_PROVEN
    assert "Could not connect" in found["reason"]


def test_a_flag_that_somebody_else_closed_meanwhile_proves_nothing() -> None:
    flags = FakeFlags()

    class Meddled(FakeServed):
        def flag(self) -> Flag:
            found = flags.flag
            flags.flag = replace(CLOSED, salt=found.salt)
            return found

    found = drill(flags, served=Meddled(flags))
    assert found["reason"].endswith("somebody else closed the flag meanwhile")


def test_the_alarm_may_ring_and_the_drill_still_proves_the_way_back() -> None:
    alarms = FakeAlarms({"error-rate": "ALARM"})
    assert drill(FakeFlags(), alarms=alarms)["word"] == PROVEN
    assert alarms.silences == ["off", "on"]


# In the machine


def test_only_the_launch_drills() -> None:
    drilled = ["Drill Rollback" in execution.path for execution in healthy().executions]
    assert drilled == [True, *[False] * 5]


def test_without_a_proven_way_back_nothing_is_launched() -> None:
    found = world()
    undo_next(found)
    (execution,) = followed(found).executions
    assert (words(found), found.users.most_bps) == (["ROLLED_BACK"], 0)
    assert "Start Shadow" not in execution.path
    assert reason(found).startswith("the rollback is not proven: ")
    assert "the rollback is not proven" in found.account.sns.told[0]


def test_the_seconds_are_in_the_output_and_in_every_message_of_the_launch() -> None:
    drill = healthy().executions[0].document["drill"]
    assert drill["word"] == PROVEN
    assert drill["seconds"] >= 0
    topic = healthy().account.sns
    launched = [document["event"] for document in topic.documents].index("phase_passed", 2)
    assert "A rollback was drilled before the launch: served after 0.0 s." in topic.told[launched]
    assert topic.documents[launched]["facts"]["drill"]["word"] == PROVEN


def test_a_drill_that_proved_it_is_no_reason_to_turn_back() -> None:
    document = {"drill": {"word": PROVEN, "reason": "", "seconds": 2.5}, "outcome": {"word": "X"}}
    assert "not a word to go on with" in reason_of(document)
    assert "served after 2.5 s" in telling.ended(document).text()
