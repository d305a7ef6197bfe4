"""The shadow in the simulation of scale: nothing is lost, nor dropped below what comparators do."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from benchmarks.scale import evidence, shadow
from benchmarks.scale.evidence import Setting, soak, under
from benchmarks.scale.shadow import Template, compared
from benchmarks.scale.traffic import DAY, DIFFERING, GOOD, HOUR, LEVELS, chance
from ops.templates import read_template
from rollout.domain.cohort import sampled
from tests.fakes import ROOT

TWENTY = Template(20, 60)
BUSY = LEVELS[4]
CAPACITY = shadow.capacity(TWENTY)


def moments(per_second: float, seconds: float) -> shadow.Floats:
    draw = chance(1, "moments")
    return np.sort(draw.uniform(0, seconds, int(per_second * seconds)))


def test_the_template_is_read() -> None:
    assert Template.read() == TWENTY
    parameters = read_template(ROOT / "template.yaml")["Parameters"]
    assert parameters["CompareConcurrency"]["Default"] == 20


@pytest.mark.parametrize("per_second", [1, 20, 150, 240])
def test_nothing_is_dropped_below_what_the_comparators_do(per_second: float) -> None:
    found = compared(moments(per_second, 100), TWENTY, 1)
    assert (found.dropped, found.done) == (0, found.asked)
    assert found.waited_p95 <= 3


def test_above_it_they_do_what_they_can_and_the_rest_is_dropped() -> None:
    found = compared(moments(1000, 190), TWENTY, 1, (90, 120))
    assert found.done + found.dropped == found.asked == pytest.approx(30_000, rel=0.05)
    assert found.done / 30 == pytest.approx(CAPACITY, rel=0.05)
    assert 1 <= found.waited_p95 <= TWENTY.oldest_seconds


def test_three_comparators_are_enough_for_the_ceiling_and_two_are_not() -> None:
    dropped = [compared(moments(20, 3600), Template(many, 60), 1).dropped for many in (2, 3)]
    assert dropped[0] > 0 == dropped[1]


def test_the_share_holds_the_ceiling_in_the_busiest_hour() -> None:
    for level in LEVELS[:5]:
        plan = under(level.plan, 20)
        found = shadow.asked_in_rollout(plan, level, CAPACITY)
        assert found.a_second <= 1.01 * 20
        assert found.asked == found.done


def test_the_read_path_picks_the_share_that_the_flag_says() -> None:
    """What is drawn as a binomial here is drawn by a hash there."""
    plan, bps, reads = BUSY.plan, 300, 20_000
    picked = sum(sampled(plan.salt, f"request-{number}", bps) for number in range(reads))
    assert picked == pytest.approx(reads * bps / 10_000, rel=0.15)


def test_a_dropped_comparison_costs_a_message_and_no_comparison() -> None:
    free = shadow.asked_in_rollout(under(BUSY.plan, None), BUSY, CAPACITY)
    assert free.asked > free.done > 0
    asked = replace(free, asked=free.done)
    assert free.usd(1.0) - asked.usd(1.0) == pytest.approx((free.asked - free.done) * 4e-7)


def test_phases_fill_the_rollout_without_a_gap() -> None:
    plan = BUSY.plan
    found = shadow.stretches(plan)
    assert [phase.name for phase, _, _ in found] == [phase.name for phase in plan.phases]
    assert all(before[2] == after[1] for before, after in pairwise(found))
    assert found[-1][2] == plan.cleanup_after_seconds == 8 * DAY


# The evidence


def test_a_good_candidate_is_certified_and_a_bad_one_is_not() -> None:
    plan = under(BUSY.plan, 20)
    good = soak(Setting(BUSY, plan, GOOD, CAPACITY), 1)
    bad = soak(Setting(BUSY, plan, DIFFERING, CAPACITY), 1)
    assert (good.call, bad.call) == ("PROMOTE", "INVESTIGATE")
    assert good.certified * 60 <= HOUR
    assert bad.ended < evidence.NEVER == bad.certified


def test_less_evidence_takes_longer() -> None:
    def median(ceiling: float) -> float:
        plan = under(BUSY.plan, ceiling)
        soaks = [soak(Setting(BUSY, plan, DIFFERING, CAPACITY), seed) for seed in range(5)]
        return evidence.quantiles([one.ended for one in soaks])[0]

    assert median(20) < median(1)


def test_what_the_comparators_cannot_do_is_no_evidence() -> None:
    setting = Setting(BUSY, under(BUSY.plan, None), GOOD, capacity=1.0)
    minutes = setting.minutes(1)
    asked = [
        minute.shadow.asked for minute, _ in zip(minutes, range(20), strict=False) if minute.shadow
    ]
    assert sum(asked) == pytest.approx(20 * 60, rel=0.1)


def test_the_look_is_the_verdicts_own() -> None:
    """The judge that is fed along the way says what the verdict says from all minutes."""
    plan = under(BUSY.plan, 20)
    setting = Setting(BUSY, plan, DIFFERING, CAPACITY)
    found = soak(setting, 1)
    coming = setting.minutes(1)
    known = [next(coming) for _ in range(int(found.ended) - 3)]
    said = evidence.verdict(known, setting, found.ended * 60 - 180)
    assert said.call.value == found.call
    before = evidence.verdict(known[:-5], setting, found.ended * 60 - 480)
    assert before.call.value == "HOLD"
