"""Rolling back: by the machine, the guard or a person; alone, twice, and against resistance."""

from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from rollout.adapters.closing import NotRolledBackError
from rollout.domain.errors import InvalidInputError
from rollout.domain.flag import CLOSED
from rollout.handlers import guard, roll_back
from rollout.handlers.roll_back import Ports
from tests import fakes
from tests.fakes import (
    NOW,
    FakeAlarms,
    FakeApprovals,
    FakeFlags,
    FakeNotifications,
    FakeSchedules,
    FakeServed,
    exposed,
    scheduled,
)


def ports(flags: FakeFlags, **changes: Any) -> Ports:
    known: dict[str, Any] = {
        "flags": flags,
        "served": FakeServed(flags),
        "alarms": FakeAlarms(),
        "schedules": FakeSchedules(),
        "approvals": FakeApprovals(),
        "clock": lambda: NOW,
        "sleep": lambda _: None,
    }
    return Ports(**{**known, **changes})


def pending(*names: str) -> FakeSchedules:
    return FakeSchedules({name: (NOW, "machine", {}) for name in names})


def test_the_flag_is_closed_and_that_is_seen_at_the_data_plane() -> None:
    flags = FakeFlags(exposed(2500))
    outcome = roll_back.roll_back("beta-1", "too slow", ports(flags))
    assert (outcome["word"], outcome["changed"], outcome["exposure_bps"]) == (
        "ROLLED_BACK",
        True,
        0,
    )
    assert flags.flag == CLOSED.closed() or not flags.flag.enabled
    assert flags.urgent == [True]


def test_a_second_rollback_changes_nothing() -> None:
    flags = FakeFlags(exposed(2500))
    roll_back.roll_back("beta-1", "too slow", ports(flags))
    again = roll_back.roll_back("beta-1", "too slow", ports(flags))
    assert (again["changed"], again["exposure_bps"], flags.number) == (False, 0, 2)


def test_what_was_scheduled_is_cancelled_and_nothing_else() -> None:
    schedules = pending(*(scheduled("ramp-5", name) for name in ("beta-1", "beta-10", "other-1")))
    outcome = roll_back.roll_back(
        "beta-1", "w", ports(FakeFlags(exposed(100)), schedules=schedules)
    )
    assert outcome["schedules_deleted"] == [scheduled("ramp-5")]
    assert set(schedules.pending) == {scheduled("ramp-5", name) for name in ("beta-10", "other-1")}


def test_another_rollouts_exposure_is_left_alone() -> None:
    flags = FakeFlags(exposed(2500, rollout_id="other-1"))
    outcome = roll_back.roll_back("beta-1", "stale", ports(flags))
    assert (outcome["changed"], outcome["holder"], outcome["exposure_bps"]) == (
        False,
        "other-1",
        2500,
    )
    assert flags.flag.candidate_bps == 2500


def test_a_person_closes_the_flag_whoever_holds_it() -> None:
    flags = FakeFlags(exposed(2500, rollout_id="other-1"))
    outcome = roll_back.roll_back("", "tickets", ports(flags))
    assert (outcome["holder"], outcome["exposure_bps"]) == ("other-1", 0)


@pytest.mark.parametrize("state", ["ALARM", "INSUFFICIENT_DATA"])
def test_an_alarm_that_is_not_calm_cannot_undo_it(state: str) -> None:
    """AppConfig also rolls back while a monitor has no data."""
    alarms = FakeAlarms({"error-rate": state})
    roll_back.roll_back("beta-1", "alarm", ports(FakeFlags(exposed(2500)), alarms=alarms))
    assert alarms.silences == ["off", "on"]


def test_calm_alarms_are_not_silenced() -> None:
    alarms = FakeAlarms()
    roll_back.roll_back("beta-1", "w", ports(FakeFlags(exposed(2500)), alarms=alarms))
    assert alarms.silences == []


def test_a_deployment_in_progress_is_stopped_first() -> None:
    flags = FakeFlags(exposed(2500), state="BAKING")
    roll_back.roll_back("beta-1", "w", ports(flags))
    assert flags.stopped == [1]
    assert not flags.flag.enabled


def test_a_writer_in_between_is_overcome() -> None:
    flags = FakeFlags(exposed(2500), refusals=3)
    assert roll_back.roll_back("beta-1", "w", ports(flags))["exposure_bps"] == 0


def test_a_rollback_that_is_undone_is_repeated() -> None:
    flags = FakeFlags(exposed(2500), undone=2)
    assert roll_back.roll_back("beta-1", "w", ports(flags))["exposure_bps"] == 0


def test_a_rollback_that_is_always_undone_is_not_called_one() -> None:
    with pytest.raises(NotRolledBackError):
        roll_back.roll_back("beta-1", "w", ports(FakeFlags(exposed(2500), undone=99)))


def test_a_data_plane_that_goes_on_exposing_is_not_called_rolled_back() -> None:
    flags = FakeFlags(exposed(2500))
    served = FakeServed(flags, [exposed(2500)] * 99)
    with pytest.raises(NotRolledBackError, match="still serves 2500 basis points"):
        roll_back.roll_back("beta-1", "w", ports(flags, served=served))


def test_a_data_plane_that_is_late_is_waited_for() -> None:
    flags = FakeFlags(exposed(2500))
    served = FakeServed(flags, [exposed(2500)] * 3)
    assert roll_back.roll_back("beta-1", "w", ports(flags, served=served))["exposure_bps"] == 0


def test_the_machines_reason_is_the_verdict() -> None:
    event = fakes.event("roll_back.verdict")
    reason = roll_back.reason_of(event["document"])
    assert reason.startswith("ROLL_BACK: errors 12 of 55")


# What is around it is out


class Out(FakeAlarms, FakeSchedules, FakeServed):
    """CloudWatch, EventBridge Scheduler or the data plane, and nobody answers."""

    def __init__(self) -> None:
        FakeAlarms.__init__(self)

    def _out(self, *_: Any) -> Any:
        raise EndpointConnectionError(endpoint_url="https://out")

    states = silence = restore = delete = flag = _out


@pytest.mark.parametrize("port", ["alarms", "schedules"])
def test_the_flag_is_closed_even_without_what_is_around_it(port: str) -> None:
    flags = FakeFlags(exposed(2500))
    outcome = roll_back.roll_back("beta-1", "too slow", ports(flags, **{port: Out()}))
    assert (outcome["exposure_bps"], flags.flag.enabled) == (0, False)


def test_what_could_not_be_done_is_told_with_the_reason() -> None:
    broken = ports(FakeFlags(exposed(2500)), alarms=Out(), schedules=Out())
    reason = roll_back.roll_back("beta-1", "too slow", broken)["reason"]
    assert reason.startswith("too slow; the alarm's actions may still be off: Could not connect")
    assert "; its schedules are still there: Could not connect" in reason


def test_a_data_plane_that_does_not_answer_is_not_called_rolled_back() -> None:
    with pytest.raises(NotRolledBackError, match="the data plane does not answer"):
        roll_back.roll_back("beta-1", "w", ports(FakeFlags(exposed(2500)), served=Out()))


def test_a_repeated_rollback_lets_alarms_speak_that_a_dead_one_has_silenced() -> None:
    alarms = FakeAlarms(silences=["off"])
    roll_back.roll_back("beta-1", "w", ports(FakeFlags(), alarms=alarms))
    assert alarms.silences == ["off", "on"]


def test_a_step_that_was_scheduled_meanwhile_is_cancelled_too() -> None:
    flags, schedules = FakeFlags(exposed(2500)), FakeSchedules()
    step = scheduled("ramp-5")

    class Late(FakeServed):
        def flag(self) -> Any:
            schedules.create(step, NOW, "machine", {})
            return super().flag()

    known = ports(flags, schedules=schedules, served=Late(flags))
    assert roll_back.roll_back("beta-1", "w", known)["schedules_deleted"] == [step]
    assert schedules.pending == {}


# The guard


def watch(event: Any, flags: FakeFlags, **changes: Any) -> tuple[dict[str, Any], FakeNotifications]:
    notifications = changes.pop("notifications", FakeNotifications())
    known = guard.Ports(ports(flags, **changes), notifications)
    return guard.guard(event, known), notifications


@pytest.mark.parametrize("status", ["FAILED", "TIMED_OUT", "ABORTED"])
def test_an_execution_that_ended_badly_rolls_its_rollout_back(status: str) -> None:
    event, flags = fakes.event("guard.aborted"), FakeFlags(exposed(2500))
    event["detail"]["status"] = status
    outcome, notifications = watch(event, flags)
    assert (outcome["word"], outcome["exposure_bps"]) == ("ROLLED_BACK", 0)
    assert notifications.sent[0][0] == "beta-1: rolled back by the guard"


@pytest.mark.parametrize("status", ["FAILED", "TIMED_OUT"])
def test_a_failure_that_nobody_was_told_of_is_told_by_the_guard(status: str) -> None:
    event = fakes.event("guard.aborted")
    event["detail"].update(status=status, error="ControlNotConfirmed", cause="see AppConfig")
    _, notifications = watch(event, FakeFlags())
    ((subject, text, _),) = notifications.sent
    assert subject == "beta-1: failed, nothing was left to undo"
    assert "ControlNotConfirmed: see AppConfig" in text


def test_a_guard_that_cannot_roll_back_says_so_and_is_tried_again() -> None:
    notifications, flags = FakeNotifications(), FakeFlags(exposed(2500), undone=99)
    with pytest.raises(NotRolledBackError):
        watch(fakes.event("guard.aborted"), flags, notifications=notifications)
    ((subject, text, _),) = notifications.sent
    assert subject == "beta-1: the guard could not roll back"
    assert "were undone" in text


def test_the_guard_leaves_another_rollout_alone() -> None:
    flags = FakeFlags(exposed(2500, rollout_id="other-1"))
    outcome, notifications = watch(fakes.event("guard.aborted"), flags)
    assert (outcome["changed"], flags.flag.candidate_bps, notifications.sent) == (False, 2500, [])


def test_an_event_without_its_input_is_known_by_the_executions_name() -> None:
    event, flags = fakes.event("guard.aborted"), FakeFlags(exposed(2500))
    del event["detail"]["input"]
    assert watch(event, flags)[0]["exposure_bps"] == 0


def test_an_alarm_rolls_back_whoever_holds_the_flag() -> None:
    flags = FakeFlags(exposed(2500, rollout_id="other-1"))
    outcome, _ = watch(fakes.event("guard.alarm"), flags)
    assert (outcome["holder"], outcome["exposure_bps"]) == ("other-1", 0)


def test_an_alarm_without_a_rollout_has_nothing_to_do() -> None:
    outcome, notifications = watch(fakes.event("guard.alarm"), FakeFlags())
    assert (outcome["word"], notifications.sent) == ("NOTHING_TO_DO", [])


def test_a_duplicate_event_changes_nothing_and_tells_nobody() -> None:
    flags = FakeFlags(exposed(2500))
    watch(fakes.event("guard.aborted"), flags)
    outcome, notifications = watch(fakes.event("guard.aborted"), flags)
    assert (outcome["changed"], notifications.sent, flags.number) == (False, [], 2)


def test_a_message_that_fails_does_not_undo_or_repeat_the_rollback() -> None:
    flags = FakeFlags(exposed(2500))
    outcome, _ = watch(
        fakes.event("guard.aborted"), flags, notifications=FakeNotifications(broken=True)
    )
    assert (outcome["exposure_bps"], flags.number) == (0, 2)


@pytest.mark.parametrize(
    "event", [{}, {"source": "aws.states", "detail": {"status": "SUCCEEDED"}}, {"source": "me"}]
)
def test_an_event_of_another_kind_is_refused(event: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError) as caught:
        watch(event, FakeFlags())
    assert caught.value.field == "event.source"


# Repeated, and neighbours


def test_a_repeated_rollback_verifies_the_data_plane_again() -> None:
    flags = FakeFlags(exposed(2500))
    served = FakeServed(flags, [exposed(2500)] * 99)
    with pytest.raises(NotRolledBackError):
        roll_back.roll_back("beta-1", "w", ports(flags, served=served))
    with pytest.raises(NotRolledBackError):
        roll_back.roll_back("beta-1", "w", ports(flags, served=served))


def test_a_rollout_that_was_finished_but_not_confirmed_can_be_rolled_back() -> None:
    flags = FakeFlags(exposed(10_000, phase="ramp-100").finished())
    outcome = roll_back.roll_back("beta-1", "not served", ports(flags))
    assert (outcome["exposure_bps"], flags.flag.exposure_at(NOW)) == (0, 0)


def test_a_rollout_whose_id_begins_like_anothers_leaves_its_schedules() -> None:
    mine, other = scheduled("ramp-5", "beta"), scheduled("ramp-5", "beta-eu")
    schedules = pending(mine, other)
    roll_back.roll_back("beta", "w", ports(FakeFlags(exposed(100)), schedules=schedules))
    assert list(schedules.pending) == [other]


def test_schedules_go_before_the_flag_so_that_no_step_starts_in_between() -> None:
    schedules = pending(scheduled("ramp-5"))
    with pytest.raises(NotRolledBackError):
        broken = ports(FakeFlags(exposed(2500), undone=99), schedules=schedules)
        roll_back.roll_back("beta-1", "w", broken)
    assert schedules.pending == {}


def test_a_long_reason_is_cut_to_what_appconfig_takes() -> None:
    flags = FakeFlags(exposed(2500))
    roll_back.roll_back("beta-1", "é" * 2000, ports(flags))
    (note,) = flags.notes
    assert note.isascii()
    assert len(note) <= 1024


def test_the_alarms_speak_again_after_a_rollback_that_failed() -> None:
    alarms = FakeAlarms({"error-rate": "ALARM"})
    with pytest.raises(NotRolledBackError):
        roll_back.roll_back("beta-1", "w", ports(FakeFlags(exposed(1), undone=99), alarms=alarms))
    assert alarms.silences == ["off", "on"]
