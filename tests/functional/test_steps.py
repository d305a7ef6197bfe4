"""The handlers behind the states: gather, decide, tell, and nothing twice."""

import json
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from rollout.adapters.flags import FlagMissingError
from rollout.domain.errors import InvalidInputError
from rollout.domain.flag import CLOSED, NO_LEASE_END
from rollout.domain.minute import Row
from rollout.domain.window import Arm, Shadow
from rollout.handlers import (
    ask_a_person,
    cleanup,
    compare,
    confirm_exposure,
    evaluate,
    notify,
    preflight,
    schedule_next,
    set_exposure,
)
from tests import fakes
from tests.fakes import (
    NOW,
    FakeAlarms,
    FakeAliases,
    FakeApprovals,
    FakeCandidate,
    FakeFlags,
    FakeMetrics,
    FakeNotifications,
    FakeSchedules,
    FakeServed,
    exposed,
    scheduled,
)

NO_SHADOW = Shadow()


def clock() -> float:
    return NOW


# Preflight


def fit(event: str, **changes: Any) -> dict[str, Any]:
    known: dict[str, Any] = {
        "flags": FakeFlags(),
        "alarms": FakeAlarms(),
        "aliases": FakeAliases(),
        "candidate": FakeCandidate({"user-1": {}}),
        "clock": clock,
    }
    return preflight.preflight(fakes.event(event), preflight.Ports(**{**known, **changes}))


def test_a_launch_into_calm_is_fit() -> None:
    answer = fit("preflight.launch")
    assert (answer["word"], answer["reasons"]) == ("LAUNCH", [])
    assert answer["step"]["rollout_id"] == "beta-1"


def test_a_launch_asks_the_candidate_once_which_also_warms_it() -> None:
    candidate = FakeCandidate({"user-1": {}})
    fit("preflight.launch", candidate=candidate)
    assert candidate.asked == ["user-1"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"flags": FakeFlags(exposed(100, rollout_id="other-1"))},
            "rollout other-1 holds the flag",
        ),
        ({"flags": FakeFlags(state="DEPLOYING")}, "a deployment of the flag is still running"),
        ({"alarms": FakeAlarms({"a": "ALARM"})}, "alarm a is ALARM, it must be OK"),
        ({"alarms": FakeAlarms({"a": "MISSING"})}, "alarm a is MISSING, it must be OK"),
        ({"aliases": FakeAliases(("read:live",))}, "alias read:live splits traffic"),
        ({"candidate": FakeCandidate(error="OSError")}, "the candidate does not answer: OSError"),
    ],
)
def test_a_launch_that_does_not_fit_is_refused_with_the_reason(
    changes: dict[str, Any], reason: str
) -> None:
    answer = fit("preflight.launch", **changes)
    assert answer["word"] == "REFUSED"
    assert reason in answer["reasons"][0]


def test_an_input_that_is_no_plan_is_refused_and_says_what_to_type() -> None:
    answer = fit("preflight.no-plan")
    assert (answer["word"], answer["step"]) == ("REFUSED", {})
    assert "execution input is" in answer["reasons"][0]
    assert "rollout launch --plan" in answer["reasons"][0]


def test_a_plan_with_an_unknown_field_is_refused_by_its_name() -> None:
    event = fakes.event("preflight.launch")
    event["document"]["plan"]["judge"]["gamma"] = 1
    ports = preflight.Ports(FakeFlags(), FakeAlarms(), FakeAliases(), FakeCandidate(), clock)
    answer = preflight.preflight(event, ports)
    assert answer["word"] == "REFUSED"
    assert "judge.gamma is 1; expected no such field" in answer["reasons"][0]


@pytest.mark.parametrize(
    ("execution", "phase", "word"),
    [
        ("execution.ramp", "canary", "RAMP"),
        ("execution.ramp", "ramp-5", "REFUSED"),
        ("execution.ramp", "shadow-soak", "REFUSED"),
        ("execution.cleanup", "ramp-100", "CLEANUP"),
        ("execution.cleanup", "ramp-50", "REFUSED"),
    ],
)
def test_a_step_runs_only_in_its_turn(execution: str, phase: str, word: str) -> None:
    event = {"document": fakes.event(execution), "execution_name": "2d5f"}
    flags = FakeFlags(exposed(10_000 if phase == "ramp-100" else 100, phase=phase))
    ports = preflight.Ports(flags, FakeAlarms(), FakeAliases(), FakeCandidate(), clock)
    assert preflight.preflight(event, ports)["word"] == word


@pytest.mark.parametrize("changes", [{"candidate_bps": 5000}, {"candidate_bps": 0}])
def test_an_exposure_that_somebody_changed_between_two_steps_rolls_back(
    changes: dict[str, Any],
) -> None:
    event = {"document": fakes.event("execution.ramp"), "execution_name": "2d5f"}
    flags = FakeFlags(exposed(100, **changes), number=7)
    ports = preflight.Ports(flags, FakeAlarms(), FakeAliases(), FakeCandidate(), clock)
    found = preflight.preflight(event, ports)
    assert found["word"] == "ROLL_BACK"
    assert "the flag was changed since canary was passed: deployment 7" in found["reasons"][0]


def test_a_step_in_its_turn_that_meets_an_alarm_rolls_back() -> None:
    event = {"document": fakes.event("execution.ramp"), "execution_name": "2d5f"}
    alarms = FakeAlarms({"error-rate": "ALARM"})
    ports = preflight.Ports(FakeFlags(exposed(100)), alarms, FakeAliases(), FakeCandidate(), clock)
    assert preflight.preflight(event, ports)["word"] == "ROLL_BACK"


# Set exposure


def set_it(event: str, flags: FakeFlags, metrics: FakeMetrics | None = None) -> dict[str, Any]:
    ports = set_exposure.Ports(flags, metrics or FakeMetrics(), clock)
    return set_exposure.set_exposure(fakes.event(event), ports)


@pytest.mark.parametrize(
    ("case", "before", "phase", "bps"),
    [
        ("shadow", CLOSED, "shadow-soak", 0),
        ("canary", exposed(0, phase="shadow-soak"), "canary", 100),
        ("ramp", exposed(100), "ramp-5", 500),
    ],
)
def test_the_phase_is_deployed_under_a_lease(case: str, before: Any, phase: str, bps: int) -> None:
    flags = FakeFlags(before)
    answer = set_it(f"set_exposure.{case}", flags)
    assert (answer["word"], answer["phase"], answer["deployment"]) == ("DEPLOYING", phase, 2)
    assert (flags.flag.phase, flags.flag.candidate_bps) == (phase, bps)
    assert flags.flag.lease_until > NOW
    assert flags.urgent == [False]


def test_the_slow_cut_offs_come_from_the_controls_recent_p95() -> None:
    flags = FakeFlags()
    set_it("set_exposure.shadow", flags, FakeMetrics(p95_ms=1000.0))
    assert (flags.flag.control_slow_ms, flags.flag.candidate_slow_ms) == (1000.0, 1150.0)


@pytest.mark.parametrize("metrics", [FakeMetrics(p95_ms=None), FakeMetrics(unavailable="late")])
def test_without_a_reference_only_the_absolute_limit_makes_slow(metrics: FakeMetrics) -> None:
    flags = FakeFlags()
    set_it("set_exposure.shadow", flags, metrics)
    assert (flags.flag.control_slow_ms, flags.flag.candidate_slow_ms) == (0.0, 500.0)


def test_a_repeated_call_starts_no_second_deployment() -> None:
    flags = FakeFlags()
    first = set_it("set_exposure.shadow", flags)
    assert set_it("set_exposure.shadow", flags) == first
    assert flags.number == 2


def test_a_flag_held_by_another_rollout_is_left_alone() -> None:
    flags = FakeFlags(exposed(100, rollout_id="other-1"))
    answer = set_it("set_exposure.ramp", flags)
    assert answer["word"] == "LOST"
    assert "held by rollout other-1" in answer["reason"]
    assert flags.number == 1


@pytest.mark.parametrize("case", ["canary", "ramp"])
def test_a_flag_that_was_closed_meanwhile_is_not_opened_again(case: str) -> None:
    flags = FakeFlags(exposed(100).closed())
    assert set_it(f"set_exposure.{case}", flags)["word"] == "LOST"
    assert (flags.number, flags.flag.candidate_bps) == (1, 0)


def test_losing_the_race_for_the_flag_is_said() -> None:
    answer = set_it("set_exposure.shadow", FakeFlags(refusals=1))
    assert (answer["word"], answer["reason"]) == (
        "LOST",
        "another deployment of the flag is running",
    )


def test_the_canary_remembers_when_the_shadow_began() -> None:
    answer = set_it("set_exposure.canary", FakeFlags(exposed(0, phase="shadow-soak")))
    assert answer["history"] == [["shadow-soak", 1_799_992_800.0]]


def test_a_ramp_phase_remembers_the_phases_of_the_executions_before() -> None:
    answer = set_it("set_exposure.ramp", FakeFlags(exposed(100)))
    assert [name for name, _ in answer["history"]] == ["shadow-soak", "canary"]


def test_a_launch_without_an_id_takes_the_executions_name() -> None:
    event = fakes.event("preflight.launch")
    del event["document"]["rollout_id"]
    event["execution_name"] = "from-the-console"
    ports = preflight.Ports(FakeFlags(), FakeAlarms(), FakeAliases(), FakeCandidate(), clock)
    assert preflight.preflight(event, ports)["step"]["rollout_id"] == "from-the-console"


def test_an_environment_without_any_flag_is_refused_and_says_what_to_deploy() -> None:
    class Empty(FakeFlags):
        def current(self) -> Any:
            raise FlagMissingError("no deployment of flag x; deploy the template")

    answer = fit("preflight.launch", flags=Empty())
    assert (answer["word"], answer["step"]) == ("REFUSED", {})
    assert "deploy the template" in answer["reasons"][0]


def test_a_ramp_step_does_not_ask_the_candidate_that_users_are_served_by() -> None:
    candidate = FakeCandidate()
    event = {"document": fakes.event("execution.ramp"), "execution_name": "2d5f"}
    ports = preflight.Ports(FakeFlags(exposed(100)), FakeAlarms(), FakeAliases(), candidate, clock)
    preflight.preflight(event, ports)
    assert candidate.asked == []


# Confirm exposure


def confirm(flags: FakeFlags, served: FakeServed, **changes: Any) -> dict[str, Any]:
    known = changes.pop("notifications", FakeNotifications())
    event = fakes.event("confirm_exposure.canary")
    event["exposure"].update({"started_at": NOW - 10, **changes})
    ports = confirm_exposure.Ports(flags, served, known, 45, clock)
    return confirm_exposure.confirm_exposure(event, ports)


def test_an_exposure_is_served_when_every_reader_has_polled_twice() -> None:
    flags = FakeFlags(exposed(100))
    answer = confirm(flags, FakeServed(flags), seen_at=NOW - 90)
    assert (answer["word"], answer["served_at"]) == ("SERVED_LIVE", NOW)


def test_an_exposure_just_seen_still_spreads() -> None:
    flags = FakeFlags(exposed(100))
    answer = confirm(flags, FakeServed(flags))
    assert (answer["word"], answer["seen_at"], answer["wait_seconds"]) == ("SPREADING", NOW, 90)


def test_an_old_document_on_the_data_plane_is_no_confirmation() -> None:
    flags = FakeFlags(exposed(100))
    answer = confirm(flags, FakeServed(flags, [exposed(0, phase="shadow-soak")]), seen_at=NOW - 90)
    assert answer["word"] == "SPREADING"


def test_a_data_plane_that_serves_nonsense_confirms_nothing() -> None:
    class Broken(FakeServed):
        def flag(self) -> Any:
            raise InvalidInputError(field="flag", value=1, expected="ours")

    flags = FakeFlags(exposed(100))
    assert confirm(flags, Broken(flags))["word"] == "SPREADING"


def test_a_deployment_that_was_rolled_back_is_lost_with_its_cause() -> None:
    flags = FakeFlags(CLOSED, state="ROLLED_BACK", ended_by="CLOUDWATCH_ALARM: error-rate")
    answer = confirm(flags, FakeServed(flags))
    assert answer["word"] == "LOST"
    assert "CLOUDWATCH_ALARM: error-rate" in answer["reason"]


def test_what_is_lost_stays_lost() -> None:
    flags = FakeFlags(exposed(100))
    answer = confirm(flags, FakeServed(flags), word="LOST", reason="held by another")
    assert (answer["word"], answer["reason"]) == ("LOST", "held by another")


def test_a_served_exposure_is_told_once_and_one_that_spreads_is_not() -> None:
    flags, notifications = FakeFlags(exposed(100)), FakeNotifications()
    confirm(flags, FakeServed(flags), notifications=notifications)
    assert notifications.sent == []
    confirm(flags, FakeServed(flags), seen_at=NOW - 90, notifications=notifications)
    assert notifications.events == ["phase_passed"]
    assert "the candidate answers 1 % of users" in notifications.sent[0][1]


def test_an_exposure_that_nobody_can_be_told_of_is_served_all_the_same() -> None:
    flags, broken = FakeFlags(exposed(100)), FakeNotifications(broken=True)
    answer = confirm(flags, FakeServed(flags), seen_at=NOW - 90, notifications=broken)
    assert answer["word"] == "SERVED_LIVE"


# Evaluate


def test_a_hold_is_told_at_the_first_look_after_the_bake() -> None:
    notifications = FakeNotifications()
    verdict = weigh("canary", minutes(60, Arm(1, 0, 0)), notifications=notifications)
    assert verdict["word"] == "HOLD"
    (notice,) = notifications.notices
    assert (notice.event, notice.happened[0]) == ("hold", verdict["sentence"])
    broken = FakeNotifications(broken=True)
    assert weigh("canary", minutes(60, Arm(1, 0, 0)), notifications=broken) == verdict


def test_a_promotion_is_not_told_by_the_judge() -> None:
    notifications = FakeNotifications()
    assert weigh("shadow", minutes(60, Arm(), Shadow(100, 0, 0)), notifications=notifications)
    assert notifications.sent == []


def minutes(count: int, candidate: Arm, shadow: Shadow = NO_SHADOW) -> list[Row]:
    began = NOW - 3780
    return [Row(began + 60 * i, Arm(100, 0, 5), candidate, shadow) for i in range(count)]


def weigh(case: str, rows: list[Row], **changes: Any) -> dict[str, Any]:
    shadow = case == "shadow"
    flag = exposed(0, phase="shadow-soak") if shadow else exposed(100)
    known: dict[str, Any] = {
        "flags": FakeFlags(flag),
        "metrics": FakeMetrics(rows),
        "alarms": FakeAlarms(),
        "notifications": FakeNotifications(),
        "clock": clock,
    }
    ports = evaluate.Ports(**{**known, **changes})
    return evaluate.evaluate(fakes.event(f"evaluate.{case}"), ports)


def test_a_clean_soak_promotes_to_the_canary() -> None:
    verdict = weigh("shadow", minutes(60, Arm(), Shadow(100, 0, 0)))
    assert (verdict["word"], verdict["next"]) == ("PROMOTE", "CANARY")


def test_a_clean_canary_promotes_to_the_ramp() -> None:
    verdict = weigh("canary", minutes(60, Arm(2, 0, 0), Shadow(100, 0, 0)))
    assert (verdict["word"], verdict["next"]) == ("PROMOTE", "RAMP")


def test_no_data_holds() -> None:
    verdict = weigh("canary", [])
    assert verdict["word"] == "HOLD"
    assert "errors: no data" in verdict["sentence"]


def test_counts_that_stop_arriving_hold_though_those_before_certify() -> None:
    heard = minutes(50, Arm(2, 0, 0), Shadow(100, 0, 0))
    verdict = weigh("canary", heard)
    assert verdict["word"] == "HOLD"
    assert verdict["reasons"] == ["no answer to about 255 requests, no counts at all for 600 s"]


def test_metrics_that_cannot_be_read_hold_and_say_so() -> None:
    verdict = weigh("canary", [], metrics=FakeMetrics(unavailable="CloudWatch answered Forbidden"))
    assert verdict["word"] == "HOLD"
    assert "CloudWatch answered Forbidden" in verdict["sentence"]


def test_a_failing_canary_rolls_back_with_counts_and_limit() -> None:
    verdict = weigh("canary", minutes(60, Arm(2, 1, 0)))
    assert verdict["word"] == "ROLL_BACK"
    assert (
        "errors 60 of 120 (50.00%) since 2027-01-15T06:57:00+00:00, limit 2.00%"
        in verdict["sentence"]
    )


def test_an_alarm_rolls_back_whatever_the_counts_say() -> None:
    rows = minutes(60, Arm(2, 0, 0), Shadow(100, 0, 0))
    verdict = weigh("canary", rows, alarms=FakeAlarms({"error-rate": "ALARM"}))
    assert (verdict["word"], verdict["reasons"]) == (
        "ROLL_BACK",
        ["alarm error-rate is in ALARM"],
    )


@pytest.mark.parametrize(
    "flag", [exposed(200), exposed(100, rollout_id="other"), exposed(100, enabled=False), CLOSED]
)
def test_a_flag_changed_under_the_phase_rolls_back(flag: Any) -> None:
    rows = minutes(60, Arm(2, 0, 0), Shadow(100, 0, 0))
    verdict = weigh("canary", rows, flags=FakeFlags(flag))
    assert verdict["word"] == "ROLL_BACK"
    assert "the flag was changed under this phase" in verdict["sentence"]


def test_counts_too_young_to_be_complete_are_not_used() -> None:
    young = [Row(NOW - 100, Arm(100, 0, 0), Arm(50, 50, 0))]
    assert weigh("canary", young)["word"] == "HOLD"


# Ask, schedule, clean up, notify, compare


def test_asking_keeps_the_token_secret_and_says_what_to_type() -> None:
    approvals, notifications = FakeApprovals(), FakeNotifications()
    event = fakes.event("ask_a_person.investigate")
    ask_a_person.ask_a_person(event, ask_a_person.Ports(approvals, notifications, clock))
    assert approvals.pending["beta-1"].token == "token-1"
    ((subject, text, facts),) = notifications.sent
    assert subject.startswith("beta-1: approval wanted by 2027-01-15T")
    assert "rollout approve beta-1 --evidence" in text
    assert "rollout reject beta-1 --why" in text
    assert "token-1" not in f"{subject}{text}{facts}"


def test_a_question_that_nobody_could_be_told_of_fails_so_that_the_machine_rolls_back() -> None:
    ports = ask_a_person.Ports(FakeApprovals(), FakeNotifications(broken=True), clock)
    with pytest.raises(ConnectionError):
        ask_a_person.ask_a_person(fakes.event("ask_a_person.investigate"), ports)


@pytest.mark.parametrize(
    ("case", "name", "action", "phase", "word"),
    [
        ("canary", scheduled("ramp-5"), "ramp", "ramp-5", "LAUNCHED"),
        ("full", scheduled(), "cleanup", "", "RAMPED"),
    ],
)
def test_the_next_step_is_scheduled_with_all_it_needs(
    case: str, name: str, action: str, phase: str, word: str
) -> None:
    schedules = FakeSchedules()
    event = fakes.event(f"schedule_next.{case}")
    flags = FakeFlags(exposed(100))
    answer = schedule_next.schedule_next(event, schedule_next.Ports(flags, schedules, clock))
    at, machine, document = schedules.pending[name]
    assert answer["word"] == word
    assert at > NOW
    assert machine == event["machine_arn"]
    assert (document["action"], document["phase"], document["plan"]) == (
        action,
        phase,
        event["plan"],
    )
    assert document["history"][-1][0] == event["exposure"]["phase"]


def test_a_step_scheduled_twice_is_scheduled_once() -> None:
    schedules = FakeSchedules()
    for _ in range(2):
        event = fakes.event("schedule_next.canary")
        ports = schedule_next.Ports(FakeFlags(exposed(100)), schedules, clock)
        schedule_next.schedule_next(event, ports)
    assert list(schedules.pending) == [scheduled("ramp-5")]


def test_a_rollout_that_was_rolled_back_meanwhile_is_not_called_launched() -> None:
    event = fakes.event("schedule_next.canary")
    ports = schedule_next.Ports(FakeFlags(), FakeSchedules(), clock)
    with pytest.raises(schedule_next.FlagLostError, match="it was closed meanwhile"):
        schedule_next.schedule_next(event, ports)


def clean(flags: FakeFlags, schedules: FakeSchedules | None = None) -> dict[str, Any]:
    ports = cleanup.Ports(flags, FakeServed(flags), schedules or FakeSchedules(), lambda _: None)
    return cleanup.cleanup(fakes.event("cleanup.finished"), ports)


class NoSchedules(FakeSchedules):
    """EventBridge Scheduler is out."""

    def delete(self, prefix: str) -> list[str]:
        raise EndpointConnectionError(endpoint_url="https://scheduler")


def test_a_finished_rollout_does_not_depend_on_the_scheduler() -> None:
    flags = FakeFlags(exposed(10_000, phase="ramp-100"))
    assert clean(flags, NoSchedules())["word"] == "COMPLETED"


def test_cleanup_lifts_the_lease_and_gives_the_flag_back() -> None:
    flags = FakeFlags(exposed(10_000, phase="ramp-100"))
    assert clean(flags)["word"] == "COMPLETED"
    assert (flags.flag.lease_until, flags.flag.holder) == (NO_LEASE_END, "")
    assert (flags.flag.candidate_bps, flags.flag.shadow_bps) == (10_000, 0)


def test_cleanup_twice_changes_nothing_more() -> None:
    flags = FakeFlags(exposed(10_000, phase="ramp-100"))
    first = clean(flags)
    assert clean(flags) == first
    assert flags.number == 2


def test_cleanup_does_not_open_a_flag_that_was_closed_meanwhile() -> None:
    flags = FakeFlags(exposed(10_000).closed())
    with pytest.raises(cleanup.NotCleanedUpError):
        clean(flags)
    assert (flags.number, flags.flag.candidate_bps) == (1, 0)


def test_cleanup_that_is_not_served_is_no_cleanup() -> None:
    flags = FakeFlags(exposed(10_000, phase="ramp-100"))
    served = FakeServed(flags, [exposed(10_000)] * 99)
    ports = cleanup.Ports(flags, served, FakeSchedules(), lambda _: None)
    with pytest.raises(cleanup.NotCleanedUpError, match="not served"):
        cleanup.cleanup(fakes.event("cleanup.finished"), ports)


def test_cleanup_leaves_another_rollouts_flag_alone() -> None:
    flags = FakeFlags(exposed(10_000, rollout_id="other-1"))
    with pytest.raises(cleanup.NotCleanedUpError, match="held by rollout other-1"):
        clean(flags)
    assert flags.number == 1


def test_the_notification_says_how_it_ended_and_why() -> None:
    notifications = FakeNotifications()
    notify.notify(fakes.event("notify.rolled-back"), notifications)
    ((subject, text, facts),) = notifications.sent
    assert subject == "beta-1: rolled back, the control serves everyone"
    assert "errors 12 of 55" in text
    assert "plan" not in facts


def compared(candidate: FakeCandidate, **control: Any) -> dict[str, Any]:
    event = fakes.event("compare.shadow")
    event["control"].update(control)
    ports = compare.Ports(candidate, fakes.request_log(), lambda _: event["control"]["value"])
    return compare.compare(event, ports)


@pytest.mark.parametrize(
    ("candidate", "outcome"),
    [
        (FakeCandidate({"user-1": {"id": "user-1", "tags": ["a"]}}), "SHADOW-OK"),
        (FakeCandidate({"user-1": {"id": "user-1", "tags": ["b"]}}), "SHADOW-DIFF"),
        (FakeCandidate(), "SHADOW-DIFF"),
        (FakeCandidate(error="TimedOut"), "SHADOW-FAILED"),
    ],
)
def test_a_shadow_is_ok_differs_or_failed(candidate: FakeCandidate, outcome: str) -> None:
    assert compared(candidate)["outcome"] == outcome


def test_a_difference_names_its_path_and_kind() -> None:
    candidate = FakeCandidate({"user-1": {"id": "user-1", "tags": []}})
    assert compared(candidate)["paths"] == ["tags:size"]


def test_a_control_that_failed_where_the_candidate_answered_differs() -> None:
    candidate = FakeCandidate({"user-1": {"id": "user-1"}})
    assert compared(candidate, error="KeyError", value=None)["outcome"] == "SHADOW-DIFF"


def reverse(value: Any, control: Any) -> tuple[dict[str, Any], FakeCandidate]:
    """The comparison of a read that the candidate served, and the candidate, who is not asked."""
    event, candidate = fakes.event("compare.shadow"), FakeCandidate()
    del event["control"]
    event.update(served="candidate", candidate={"value": value, "error": "", "duration_ms": 7.0})
    ports = compare.Ports(candidate, fakes.request_log(), control)
    return compare.compare(event, ports), candidate


def test_what_the_candidate_served_is_compared_with_the_control() -> None:
    user = {"id": "user-1", "tags": ["a"]}
    answer, candidate = reverse(user, {"user-1": dict(user)}.get)
    assert (answer["outcome"], candidate.asked) == ("SHADOW-OK", [])
    assert reverse(user, {}.get)[0]["outcome"] == "SHADOW-DIFF"


def test_the_line_of_a_comparison_says_who_served_and_whom(
    capsys: pytest.CaptureFixture[str],
) -> None:
    reverse(None, {}.get)
    told = json.loads(capsys.readouterr().out)
    assert (told["arm"], told["served"], told["bucket"]) == ("shadow", "candidate", 4711)
    assert (told["Compared"], told["Failed"], told["candidate_ms"]) == (1, 0, 7.0)


def test_a_finished_flag_is_not_taken_for_a_holder() -> None:
    finished = replace(exposed(10_000).finished(), candidate_bps=10_000)
    answer = fit("preflight.launch", flags=FakeFlags(finished))
    assert "already exposes 10000 basis points" in answer["reasons"][0]
