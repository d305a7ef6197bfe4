"""Simulated rollouts: counts that fit, seeds that decide, harm that is there when it says so."""

import json
import math

import numpy as np
import pytest

from benchmarks.decision import score
from benchmarks.decision.bounds import upper_bound
from benchmarks.decision.latency import Latency
from benchmarks.decision.levels import BUCKETS, LEVELS, TENANTS, WEIGHTS
from benchmarks.decision.loops import PATIENCE, closed_loop, open_loop
from benchmarks.decision.scenarios import HARMFUL, HEALTHY, SCENARIOS
from benchmarks.decision.simulate import IDLE_MINUTES, Rollout
from ops.local.traffic import Interval

MID, HIGH = LEVELS["mid"], LEVELS["high"]


def whole(name, level=MID, seed=1, trace=None):
    return Rollout(level, SCENARIOS[name], (seed,), trace=trace).whole()


def total(messages, arm, key="n"):
    return sum(message[arm][key] for message in messages if message[arm])


class Script:
    """A judge that says the words it was given, then HOLD."""

    def __init__(self, words):
        self.words = words

    def start(self, _message):
        self.left = list(self.words)

    def minute(self, _message):
        return self.left.pop(0) if self.left else "HOLD"


# The counts


@pytest.mark.parametrize("name", SCENARIOS)
def test_counts_fit_one_another(name):
    for message in whole(name).messages:
        if message["control"] is None:
            assert [message[part] for part in ("candidate", "shadow", "tenants")] == [None] * 3
            continue
        control, candidate, shadow = (message[part] for part in ("control", "candidate", "shadow"))
        for column, arm in ((0, control), (2, candidate)):
            assert 0 <= arm["err"] <= arm["n"]
            assert sum(count for _, count in arm["lat"]) == arm["n"]
            assert all(0 <= bucket < BUCKETS and count > 0 for bucket, count in arm["lat"])
            assert sum(row[column] for row in message["tenants"]) == arm["n"]
            assert sum(row[column + 1] for row in message["tenants"]) == arm["err"]
        assert shadow["n"] in (control["n"], 0)
        assert 0 <= shadow["mismatch"] + shadow["err"] <= shadow["n"]


def test_a_rollout_is_json_in_the_words_of_the_protocol():
    rollout = Rollout(MID, SCENARIOS["clean"], (1,))
    first = rollout.whole().messages[75]

    assert json.loads(json.dumps(first)) == first
    assert (first["t"], first["stage"], first["stage_index"], first["stage_minute"]) == (
        75,
        "canary",
        1,
        15,
    )
    assert [stage["weight"] for stage in rollout.start["schedule"]] == [w for _, w in WEIGHTS]
    assert rollout.start["hist"] == {"first_ms": 5.0, "ratio": 1.03, "bins": 256}


def test_the_same_seed_gives_the_same_rollout_and_another_one_another():
    assert whole("storms").messages == whole("storms").messages
    assert whole("storms").messages != whole("storms", seed=2).messages
    assert whole("storms").messages != whole("clean").messages


def test_volumes_and_weights_are_those_of_the_level():
    chunks = [whole("clean", HIGH, seed) for seed in range(4)]

    for stage, (_, weight) in enumerate(WEIGHTS):
        part = slice(60 * stage, 60 * (stage + 1))
        messages = [message for chunk in chunks for message in chunk.messages[part]]
        control, candidate = total(messages, "control"), total(messages, "candidate")
        assert candidate / (control + candidate) == pytest.approx(weight, abs=0.002)
    everything = sum(total(c.messages, arm) for c in chunks for arm in ("control", "candidate"))
    assert everything / (4 * 360 * 10_000) == pytest.approx(1, abs=0.35)


def test_a_day_at_the_low_level_has_a_thousand_requests():
    chunk = whole("clean", LEVELS["low"])

    assert total(chunk.messages, "control") + total(chunk.messages, "candidate") == pytest.approx(
        3000, abs=400
    )


def test_tenants_have_their_shares():
    rows = np.array([message["tenants"] for message in whole("clean", HIGH).messages])

    assert rows[:300, :, 0].sum(axis=0) / rows[:300, :, 0].sum() == pytest.approx(
        np.array(TENANTS), abs=0.002
    )


def test_recorded_counts_shape_the_volume_and_their_gaps_are_idle():
    trace = [Interval(0, 3600, 10), Interval(3600, 3600, 30), Interval(10_800, 3600, 0)]
    messages = whole("clean", trace=trace).messages
    volumes = np.array([total([m], "control") + total([m], "candidate") for m in messages])

    # The mean is the level's 100: an hour at that, one at three times, two of nothing.
    assert 0.3 < np.mean(volumes == 0) < 0.7
    assert all(min(abs(volume - 100), abs(volume - 300)) < 80 for volume in volumes[volumes > 0])


# The harm


@pytest.mark.parametrize(
    ("name", "rate"), [("error-2.5%", 0.025), ("error-10%", 0.10), ("error-50%", 0.50)]
)
def test_a_failing_candidate_fails_as_often_as_it_says(name, rate):
    messages = whole(name, HIGH).messages[60:]
    failed = total(messages, "candidate", "err") / total(messages, "candidate")

    assert failed == pytest.approx(rate, rel=0.35)


@pytest.mark.parametrize(("name", "scale"), [("p95+15%", 1.15), ("slow-x1.6", 1.6), ("slow-x3", 3)])
def test_a_slow_candidate_is_as_slow_as_it_says(name, scale):
    messages = whole(name, HIGH).messages[240:300]
    middle = [_median_bucket(messages, arm) for arm in ("control", "candidate")]

    assert 1.03 ** (middle[1] - middle[0]) == pytest.approx(scale, rel=0.05)


def _median_bucket(messages, arm):
    counts = np.zeros(BUCKETS)
    for message in messages:
        for bucket, count in message[arm]["lat"]:
            counts[bucket] += count
    return int(np.searchsorted(np.cumsum(counts), counts.sum() / 2))


def test_harm_is_seen_by_the_shadow_only_where_it_should_be():
    hidden, seen = whole("error-10%").messages[:60], whole("shadow-error-10%").messages[:60]

    assert total(hidden, "shadow", "err") / total(hidden, "shadow") < 0.02
    assert total(seen, "shadow", "err") / total(seen, "shadow") == pytest.approx(0.1, abs=0.02)


@pytest.mark.parametrize(("name", "stage"), [("load25-10%", 3), ("load50-10%", 4), ("full-10%", 5)])
def test_harm_under_load_begins_with_its_stage(name, stage):
    chunk = whole(name)

    assert int(chunk.active.argmax()) == 60 * stage
    assert chunk.bad[: 60 * stage].sum() == 0 < chunk.bad[60 * stage :].sum()


@pytest.mark.parametrize("name", ["cold-steps", "warm-up-steps"])
def test_what_a_step_starts_is_over_after_its_first_minute(name):
    found = np.flatnonzero(whole(name).active)
    assert found.tolist() == [MID.minutes * step for step in range(1, len(WEIGHTS))]


def test_a_sandbox_is_cold_after_idle_minutes_only():
    stage = LEVELS["low"].minutes
    cold, warm, last = [], [], -IDLE_MINUTES - 1
    # Those of the stage at 25 %.
    for number, message in enumerate(
        whole("cold-starts", LEVELS["low"]).messages[3 * stage :][:stage]
    ):
        buckets = [bucket for bucket, _ in message["candidate"]["lat"]]
        (cold if number - last > IDLE_MINUTES else warm).extend(buckets)
        last = number if buckets else last
    assert min(len(cold), len(warm)) > 20
    assert np.median(cold) > np.quantile(warm, 0.95)


def test_a_single_tenant_fails_alone():
    rows = np.array([message["tenants"] for message in whole("tenant-5%-of-traffic").messages])
    candidate = rows[60:, :, 2:].sum(axis=0)
    rates = candidate[:, 1] / candidate[:, 0]

    assert rates[5] == pytest.approx(0.6, abs=0.1)
    assert np.delete(rates, 5).max() < 0.05


def test_a_silent_candidate_answers_nothing_and_its_users_are_counted():
    chunk = whole("silent-to-users")

    assert total(chunk.messages, "candidate") == 0
    assert total(chunk.messages[:60], "shadow") > 0
    assert chunk.bad.sum() == chunk.exposed.sum() > 0


@pytest.mark.parametrize(
    "name", [name for name, scenario in SCENARIOS.items() if scenario.kind == HEALTHY]
)
def test_a_healthy_candidate_harms_nobody(name):
    assert whole(name).bad.sum() == 0


def test_latency_is_a_share_in_every_bucket_and_the_excess_follows_from_it():
    latency = Latency(60, 0.35, 400, 0.5, 0.03)
    usual = latency.shares(np.ones(1), np.array([0.03]))

    assert usual.shape == (1, BUCKETS)
    assert usual.sum() == pytest.approx(1)
    excess = latency.excess_slow(np.array([1.0, 1.15, 100.0]), np.full(3, 0.03), 1.15)
    assert excess[0] == 0
    assert excess[1] == pytest.approx(0.05 - _share_above(latency, 1.15), abs=1e-3)
    assert excess[2] == pytest.approx(1 - _share_above(latency, 1.15), abs=1e-3)


def _share_above(latency, factor):
    cutoff = np.array([latency.p95_log_ms() + math.log(factor)])
    return 1 - latency.below(cutoff, np.ones(1), np.array([latency.tail_share]))[0]


# The loops and the measures


def test_on_a_fixed_schedule_only_a_rollback_ends_the_harm():
    rollout = Rollout(MID, SCENARIOS["error-50%"], (1,))
    chunk = rollout.whole()
    never = open_loop(Script(["GO"] * 360), rollout, chunk)
    soon = open_loop(Script(["HOLD"] * 69 + ["ROLLBACK"]), rollout, chunk)

    assert (never.rolled_back, never.go, never.blind) == (None, 6, 0)
    assert never.bad == pytest.approx(chunk.bad.sum())
    assert (soon.rolled_back, soon.onset, soon.minutes) == (69, 60, 70)
    assert soon.bad == pytest.approx(chunk.bad[:70].sum())
    assert soon.exposed == chunk.exposed[60:70].sum()


def test_a_go_on_silence_is_blind():
    rollout = Rollout(MID, SCENARIOS["silent-to-users"], (1,))

    assert open_loop(Script(["GO"] * 360), rollout, rollout.whole()).blind == 5
    assert open_loop(Script(["HOLD"] * 360), rollout, rollout.whole()).blind == 0


def test_the_judge_leads_a_rollout_or_leaves_it_to_a_person():
    def led(words, name="clean"):
        return closed_loop(Script(words), Rollout(MID, SCENARIOS[name], (1,), PATIENCE))

    done = led(["GO"] * 6, "error-50%")
    assert (done.outcome, done.minutes, done.harmed, done.reached) == ("completed", 6, True, True)
    assert (led([]).outcome, led([]).minutes) == ("paused", 240)
    stopped = led(["GO", "HOLD", "ROLLBACK"], "error-50%")
    assert (stopped.outcome, stopped.minutes, stopped.reached) == ("rolled back", 3, False)
    assert not led(["GO"] * 6, "full-10%").reached  # it was only there at 100 %


def _record(judge, rolled_back, bad, **other):
    usual = {"level": "mid", "scenario": "error-10%", "kind": HARMFUL, "closed": False}
    found = {"judge": judge, "rolled_back": rolled_back, "onset": 60, "bad": bad, "exposed": 5}
    return usual | found | {"blind": 0, "seconds": 0.1, "minutes": 100} | other


def test_measures_of_a_judge():
    records = [
        _record("a", 69, 10.0),
        _record("a", None, 90.0),
        _record("a", 12, 0.0),  # before any harm
        _record("a", 7, 0.0, kind=HEALTHY, scenario="clean"),
        _record("a", None, 0.0, kind=HEALTHY, scenario="clean"),
    ]
    level = score.summary(records)["a"]["levels"]["mid"]

    assert level["missed_harmful"] == pytest.approx(1 / 3)
    assert level["early_harmful"] == pytest.approx(1 / 3)
    assert level["delay_median"] == 10
    assert level["false_healthy_count"] == [1, 2]


def test_the_ratio_is_a_geometric_mean_with_one_added():
    judges = score.summary(
        [
            _record("a", 69, 99.0),
            _record("a", 69, 0.0, level="high"),
            _record("b", 69, 0.0),
            _record("b", 69, 0.0, level="high"),
        ]
    )

    assert score.ratio(judges["a"], judges["b"], "bad_mean") == pytest.approx(10)


def test_an_upper_bound_for_no_event_in_three_hundred_is_about_one_percent():
    assert upper_bound(0, 300, 0.05) == pytest.approx(1 - 0.05 ** (1 / 300), rel=1e-6)
    assert upper_bound(5, 5, 0.05) == 1
