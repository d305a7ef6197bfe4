"""The emulated rules against worked examples of their documented behaviour."""

import math
import shlex
import sys

import numpy as np
import pytest

from benchmarks.decision.judge import Command, JudgeFailedError
from benchmarks.decision.judges import JUDGES, build
from benchmarks.decision.levels import LEVELS
from benchmarks.decision.rivals.alarms import (
    SEED_ALARM,
    SEED_ALARM_5MIN,
    Alarms,
    CodeDeploy,
    Part,
    State,
    candidate_errors,
    state,
)
from benchmarks.decision.rivals.argo import (
    Argo,
    Limits,
    Phase,
    Tally,
    assess,
    effective_count,
    measure,
)
from benchmarks.decision.rivals.brent import root
from benchmarks.decision.rivals.flagger import Flagger
from benchmarks.decision.rivals.kayenta import Effects, Kayenta, Label, classify, score
from benchmarks.decision.rivals.mannwhitney import interval, standardised
from benchmarks.decision.rivals.reading import Schedule
from benchmarks.decision.rivals.ztest import one_proportion, two_proportions

NAN = math.nan
STAGES = ("shadow", "canary", "ramp5", "ramp25", "ramp50", "full")
WEIGHTS = (0.0, 0.01, 0.05, 0.25, 0.5, 1.0)
FAST, SLOW = 100, 120  # buckets: 96 and 174 ms


def minute(t, errors=0, requests=100, stage=1, **other):
    """One minute of the candidate; the control answers 100 requests without an error."""
    control = other.get("control", (100, 0))
    shadow = other.get("shadow", (100, 0, 0))
    return {
        "type": "minute",
        "t": t,
        "stage": STAGES[stage],
        "stage_index": stage,
        "weight": WEIGHTS[stage],
        "stage_minute": other.get("stage_minute", t % 60),
        "control": {"n": control[0], "err": control[1], "lat": [[FAST, control[0]]]},
        "candidate": {"n": requests, "err": errors, "lat": [[other.get("at", FAST), requests]]},
        "shadow": {"n": shadow[0], "mismatch": shadow[1], "err": shadow[2]},
        "tenants": [],
    }


def outage(t, stage=1):
    parts = dict.fromkeys(("control", "candidate", "shadow", "tenants"))
    return minute(t, stage=stage) | parts


def words(judge, messages):
    """The judge's words, up to a rollback."""
    judge.start(LEVELS["mid"].start("test"))
    found = []
    for message in messages:
        found.append(judge.minute(message))
        if found[-1] == "ROLLBACK":
            break
    return found


def rolled_back_after(judge, messages):
    """How many minutes it took, or None."""
    found = words(judge, messages)
    return len(found) if found[-1] == "ROLLBACK" else None


# Readings


def test_a_percentile_is_the_bucket_in_which_it_is_reached():
    schedule = Schedule.of(LEVELS["mid"].start("test"))

    assert schedule.quantile_ms([[0, 95], [10, 5]], 100, 0.95) == pytest.approx(5 * 1.03**0.5)
    assert schedule.quantile_ms([[0, 94], [10, 6]], 100, 0.95) == pytest.approx(5 * 1.03**10.5)
    assert math.isnan(schedule.quantile_ms([], 0, 0.95))


# Argo Rollouts


@pytest.mark.parametrize(
    ("success", "failure", "value", "phase"),
    [
        (None, None, 7, Phase.SUCCESSFUL),
        (lambda v: v < 5, None, 4, Phase.SUCCESSFUL),
        (lambda v: v < 5, None, 7, Phase.FAILED),
        (None, lambda v: v > 5, 7, Phase.FAILED),
        (None, lambda v: v > 5, 4, Phase.SUCCESSFUL),
        (lambda v: v < 5, lambda v: v > 8, 7, Phase.INCONCLUSIVE),
        (lambda v: v < 9, lambda v: v > 5, 7, Phase.FAILED),  # failure is looked at first
        (lambda v: v < 5, None, NAN, Phase.FAILED),
        (None, lambda v: v > 5, NAN, Phase.SUCCESSFUL),
        (lambda v: v < 5, lambda v: v > 8, NAN, Phase.INCONCLUSIVE),
        (lambda v: v < 5, None, math.inf, Phase.FAILED),
    ],
)
def test_argo_measures_with_up_to_two_conditions(success, failure, value, phase):
    assert measure(value, success, failure) is phase


@pytest.mark.parametrize(
    ("measured", "limits", "phase"),
    [
        ("F", Limits(), Phase.FAILED),
        ("FFF", Limits(failure=3), Phase.RUNNING),  # a limit of three tolerates three
        ("FSFSFSF", Limits(failure=3), Phase.FAILED),  # and they need not be consecutive
        ("FFFFFF", Limits(failure=-1), Phase.RUNNING),
        ("I", Limits(), Phase.INCONCLUSIVE),
        ("FI", Limits(), Phase.INCONCLUSIVE),  # the later rule overrides
        ("EEEE", Limits(), Phase.RUNNING),
        ("EEEEE", Limits(), Phase.ERROR),
        ("EEEESE", Limits(), Phase.RUNNING),  # anything but an error resets
        ("FEEEEE", Limits(), Phase.ERROR),
        ("SS", Limits(consecutive_success=3), Phase.RUNNING),
        ("SSS", Limits(consecutive_success=3), Phase.SUCCESSFUL),
        ("SSFSS", Limits(failure=3, consecutive_success=3), Phase.RUNNING),
        ("SSFSSS", Limits(failure=3, consecutive_success=3), Phase.SUCCESSFUL),
        ("SSS", Limits(count=3), Phase.SUCCESSFUL),
        ("SES", Limits(count=3), Phase.RUNNING),  # an error is not counted
        ("SFS", Limits(failure=3, consecutive_success=2, count=3), Phase.INCONCLUSIVE),
        ("SFS", Limits(failure=-1, consecutive_success=2, count=3), Phase.FAILED),
    ],
)
def test_argo_assesses_a_metric_from_its_counters(measured, limits, phase):
    tally = Tally()
    names = {"S": Phase.SUCCESSFUL, "F": Phase.FAILED, "I": Phase.INCONCLUSIVE, "E": Phase.ERROR}
    for letter in measured:
        tally.add(names[letter])

    assert assess(tally, limits) is phase


def test_argo_measures_once_without_interval_and_for_ever_with_one():
    assert [effective_count(0, False), effective_count(0, True), effective_count(7, True)] == [
        1,
        0,
        7,
    ]


def test_argo_aborts_at_the_fourth_failed_measurement_every_five_minutes():
    assert rolled_back_after(Argo(), (minute(t, errors=3) for t in range(60))) == 20
    assert rolled_back_after(Argo(), (minute(t, errors=2) for t in range(60))) is None


def test_argo_takes_no_requests_for_a_failure_unless_the_condition_says_otherwise():
    idle = [minute(t, requests=0) for t in range(60)]

    assert rolled_back_after(Argo(), idle) == 20
    assert rolled_back_after(Argo(pass_nan=True), idle) is None


def test_argo_retries_errors_so_soon_that_an_empty_window_aborts_at_once():
    gap = [*(minute(t) for t in range(10)), *(outage(t) for t in range(10, 30))]

    assert rolled_back_after(Argo(), gap) == 15


def test_argo_with_every_minute_of_the_window_fails_five_times_for_one_bad_minute():
    one_bad = [minute(t, errors=9 * (t == 20)) for t in range(60)]

    assert rolled_back_after(Argo(interval=1, every=True), one_bad) == 24
    assert rolled_back_after(Argo(), one_bad) is None


def test_argo_goes_on_when_the_pause_is_over():
    found = words(Argo(), [minute(t) for t in range(60)])

    assert (found[58], found[59]) == ("HOLD", "GO")


# Flagger


def test_flagger_rolls_back_one_tick_after_the_check_that_reached_the_threshold():
    bad = [minute(t, errors=3) for t in range(60)]

    assert rolled_back_after(Flagger(threshold=1), bad) == 2
    assert rolled_back_after(Flagger(threshold=5), bad) == 6


def test_flagger_never_forgets_a_failed_check():
    now_and_then = [minute(t, errors=3 * (t % 10 == 0)) for t in range(60)]

    assert rolled_back_after(Flagger(threshold=5), now_and_then) == 42


def test_flagger_counts_one_failure_a_tick_however_many_checks_fail():
    all_bad = [minute(t, errors=50, at=SLOW, shadow=(100, 50, 0)) for t in range(60)]

    assert rolled_back_after(Flagger(threshold=5), all_bad) == 6


@pytest.mark.parametrize("silent", [lambda t: minute(t, requests=0), outage])
def test_flagger_takes_no_values_for_a_failed_check(silent):
    assert rolled_back_after(Flagger(threshold=10), map(silent, range(60))) == 11


def test_flagger_does_not_advance_in_the_tick_of_a_failed_check():
    failing = [minute(t, errors=3 * (t == 59)) for t in range(60)]

    assert words(Flagger(threshold=10), failing)[-1] == "HOLD"
    assert words(Flagger(threshold=10), map(minute, range(60)))[-1] == "GO"


# Kayenta


def test_the_rank_sum_is_standardised_with_a_correction_for_continuity():
    x = np.array([0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46])
    y = np.array([1.15, 0.88, 0.90, 0.74, 1.21])

    # 35 of the 50 pairs: (35 - 25 - 0.5) / sqrt(50 x 16 / 12)
    assert standardised(x, y, 0.0) == pytest.approx(9.5 / math.sqrt(50 * 16 / 12))


def test_the_interval_lies_between_the_differences_it_was_made_from():
    x, y = np.array([10.0, 20, 30, 40, 50]), np.array([1.0, 2, 3, 4, 5])
    low, estimate, high = interval(x, y, 0.98)

    assert (low, high) == (pytest.approx(5, abs=1e-3), pytest.approx(49, abs=1e-3))
    assert 26 < estimate < 28


def test_a_root_is_found_by_interpolation_and_at_a_step_on_its_smaller_side():
    assert root(lambda x: x**3 - 2, 0, 5, 1e-10) == pytest.approx(2 ** (1 / 3))
    assert root(lambda x: 1.0 if x <= 0 else -9.0, -3, 10, 1e-4) <= 0


@pytest.mark.parametrize(
    ("control", "experiment", "label"),
    [
        ([1, 2, 3], [], Label.NODATA),
        ([1, 2, 3], [NAN, NAN], Label.NODATA),
        ([1, 2, 3], [3, 1, 2], Label.PASS),  # the same values
        ([0, 0], [0, 0, 0], Label.PASS),
        ([1] * 50, [2] * 50, Label.HIGH),  # constants get a little noise
        ([2] * 50, [1] * 50, Label.PASS),  # only an increase is looked for
        ([10, 11, 12, 13] * 15, [20, 21, 22, 23] * 15, Label.HIGH),
        # Five values a side: the interval begins at 5, below a quarter of the shift of 27.
        ([1, 2, 3, 4, 5], [10, 20, 30, 40, 50], Label.PASS),
    ],
)
def test_kayenta_classifies_by_interval_and_band(control, experiment, label):
    assert classify(control, experiment) is label


def test_kayenta_is_blind_to_errors_in_a_minority_of_the_minutes():
    assert classify([0] * 60, [0] * 48 + [100] * 12) is Label.PASS
    assert classify([0] * 60, [0] * 20 + [100] * 40) is Label.HIGH


def test_an_effect_size_asks_for_more_than_significance():
    control, experiment = [100, 101, 102] * 20, [110, 111, 112] * 20

    assert classify(control, experiment) is Label.HIGH
    assert classify(control, experiment, allowed=1.3) is Label.PASS


@pytest.mark.parametrize(
    ("labels", "points"),
    [
        ([Label.PASS, Label.PASS], 100),
        ([Label.PASS, Label.HIGH], 50),
        ([Label.PASS, Label.NODATA], 0),  # half of the metrics
        ([Label.PASS, Label.PASS, Label.NODATA], 100),
        ([Label.PASS, Label.PASS, Label.HIGH], 66.67),
    ],
)
def test_kayenta_scores_the_passing_share(labels, points):
    assert score(labels) == points


def test_kayenta_judges_at_the_end_of_each_part_of_a_stage():
    bad = [minute(t, errors=20 + t % 3) for t in range(60)]

    assert rolled_back_after(Kayenta(), bad) == 60
    assert rolled_back_after(Kayenta(parts=3), bad) == 20


def test_kayenta_passes_a_stage_at_its_end_and_is_not_run_without_a_control():
    found = words(Kayenta(), [minute(t) for t in range(60)])
    full = words(Kayenta(), [minute(t, errors=90, stage=5, control=(0, 0)) for t in range(60)])

    assert (found[58], found[59]) == ("HOLD", "GO")
    assert full[-1] == "GO"


def test_kayenta_with_effect_sizes_lets_a_small_slowdown_pass():
    slower = [minute(t, at=FAST + 4 + t % 2) for t in range(60)]  # 13 to 16 %

    assert rolled_back_after(Kayenta(), slower) == 60
    assert rolled_back_after(Kayenta(Effects(p95=1.3)), slower) is None


# CloudWatch alarms and CodeDeploy


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([3, 0, 3, 0, 3], State.ALARM),  # 3 of 5, not consecutive
        ([3, 3, 0, 0, 0, 3], State.OK),  # only the newest five count
        ([2, 2, 2, 2, 2], State.OK),  # at the threshold is not above it
        ([3, 3, 3], State.ALARM),
        ([3, 3], State.OK),
        ([], State.INSUFFICIENT_DATA),
        ([NAN] * 7, State.INSUFFICIENT_DATA),
        ([3, 3, NAN, NAN, 3, 0, 0], State.ALARM),  # five real points in the evaluation range
    ],
)
def test_an_alarm_counts_the_newest_real_datapoints(points, expected):
    assert state(points, limit=2, breaching=3, of=5) is expected


def test_the_alarm_on_the_whole_function_cannot_see_a_canary_of_one_percent():
    dead = [minute(t, errors=1, requests=1, control=(99, 0)) for t in range(60)]

    assert rolled_back_after(Alarms([SEED_ALARM]), dead) is None
    assert rolled_back_after(Alarms([Part(candidate_errors, 0.02, 3, 5)]), dead) == 3


def test_the_alarm_on_the_whole_function_blames_the_candidate_for_an_outage_of_both():
    both = [minute(t, errors=3, control=(100, 3)) for t in range(60)]

    assert rolled_back_after(Alarms([SEED_ALARM]), both) == 3


def test_idle_minutes_are_without_errors_and_outages_are_missing():
    judge = Alarms([Part(candidate_errors, 0.02, 3, 5)])
    idle = [minute(t, errors=0 if t % 2 else 9, requests=0 if t % 2 else 100) for t in range(60)]
    blind = [outage(t) if t % 2 else minute(t, errors=9) for t in range(60)]

    assert rolled_back_after(judge, idle) == 5
    assert rolled_back_after(judge, blind) == 5
    assert rolled_back_after(judge, [outage(t) for t in range(60)]) is None


def test_a_longer_period_adds_up_its_minutes():
    spike = [minute(t, errors=100 * (t == 7)) for t in range(60)]

    assert rolled_back_after(Alarms([SEED_ALARM_5MIN]), spike) == 10
    assert rolled_back_after(Alarms([SEED_ALARM]), spike) is None


def test_a_period_with_fewer_requests_than_needed_does_not_breach():
    few = [minute(t, errors=5, requests=10) for t in range(60)]

    assert rolled_back_after(Alarms([Part(candidate_errors, 0.02, 3, 5, least=11)]), few) is None
    assert rolled_back_after(Alarms([Part(candidate_errors, 0.02, 3, 5, least=10)]), few) == 3


@pytest.mark.parametrize(("stage", "expected"), [(0, None), (1, 3), (4, 3), (5, None)])
def test_codedeploy_watches_only_while_traffic_is_shifted(stage, expected):
    bad = [minute(t, errors=50, control=(100, 50), stage=stage) for t in range(60)]

    assert rolled_back_after(CodeDeploy([SEED_ALARM]), bad) == expected


def test_codedeploy_stops_a_deployment_whose_alarm_is_red_from_the_start():
    before = [minute(t, control=(100, 9), requests=0, stage=0) for t in range(10)]

    assert rolled_back_after(CodeDeploy([SEED_ALARM]), [*before, minute(10)]) == 11


# The z-test, and all of them


def test_z_of_two_proportions_and_of_one():
    # 12 % against 6 % of 100 each: 0.06 / sqrt(0.09 x 0.91 x 0.02)
    assert two_proportions(12, 100, 6, 100) == pytest.approx(1.4825, abs=1e-4)
    assert one_proportion(9, 400, 0.01) == pytest.approx(2.5126, abs=1e-4)
    assert two_proportions(0, 100, 0, 100) == two_proportions(1, 1, 0, 0) == 0


def test_a_rollback_by_the_z_test_needs_thirty_requests():
    assert rolled_back_after(build("z-test"), (minute(t, 5, 10) for t in range(60))) == 3


@pytest.mark.parametrize("name", JUDGES)
def test_start_forgets_the_last_rollout(name):
    judge = build(name)
    calm = [minute(t, control=(100, t % 2)) for t in range(30)]
    first = words(judge, calm)
    words(judge, [minute(t, errors=90, at=SLOW) for t in range(60)])

    assert words(judge, calm) == first


@pytest.mark.parametrize("name", JUDGES)
def test_every_judge_has_a_word_for_every_minute(name):
    idle = minute(3, requests=0, control=(0, 0), shadow=(0, 0, 0))
    last = minute(4, stage=5, control=(0, 0), shadow=(0, 0, 0))
    found = words(build(name), [minute(0, stage=0, requests=0), outage(1), minute(2), idle, last])

    assert set(found) <= {"GO", "HOLD", "ROLLBACK"}


def test_a_command_answers_line_by_line():
    script = """if True:
        import json, sys
        for line in sys.stdin:
            message = json.loads(line)
            if message["type"] == "minute":
                print("ROLLBACK why" if message["t"] == 2 else "HOLD", flush=True)
    """
    judge = Command(shlex.join([sys.executable, "-c", script]))

    assert words(judge, [minute(t) for t in range(5)]) == ["HOLD", "HOLD", "ROLLBACK"]


def test_a_command_that_ends_or_says_something_else_is_named():
    with pytest.raises(JudgeFailedError, match="minute 0"):
        words(Command("sh -c 'read a; read b; echo MAYBE'"), [minute(0)])
    with pytest.raises(JudgeFailedError, match=r"minute 0|code"):
        words(Command("true"), [minute(0)])
