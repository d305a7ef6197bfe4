"""Latency histograms: the control's p95 makes the cut-offs, and late requests are counted."""

import math
import random
from bisect import bisect_left
from itertools import accumulate

import pytest

from rollout.domain.latency import (
    BODY,
    LEVELS,
    MEMORY,
    NO_LATENCIES,
    WAITING,
    Latencies,
    Reference,
    latencies,
)


def reference() -> Reference:
    """Buckets of 3 %, as they come."""
    return Reference(1.03, 256, 1.15, 1.30)


def spread(first: int, count: int = 1000) -> Latencies:
    """One hundred buckets, alike."""
    return latencies(range(first, first + 100), [count // 100] * 100)


def test_before_anything_is_known_nothing_is_slow() -> None:
    assert reference().cutoffs == (256,) * len(LEVELS)


def test_the_cut_off_lies_at_the_upper_side_of_the_controls_p95() -> None:
    known = reference()
    known.see(spread(0, 100_000), NO_LATENCIES)
    assert 95 <= known.cutoffs[0] <= 97


def test_little_knowledge_makes_a_careful_cut_off() -> None:
    little, much = reference(), reference()
    little.see(spread(0, 100), NO_LATENCIES)
    much.see(spread(0, 100_000), NO_LATENCIES)
    assert little.cutoffs[0] > much.cutoffs[0]


def test_the_reference_follows_the_control() -> None:
    known = reference()
    known.see(spread(0, 10_000), NO_LATENCIES)
    for _ in range(20):
        known.see(spread(100, 1000), NO_LATENCIES)
    assert known.cutoffs[0] >= 190


@pytest.mark.parametrize(("ratio", "buckets"), [(1.03, 1), (1.15, 5), (1.30, 9), (1.0, 0)])
def test_a_ratio_is_rounded_up_to_whole_buckets(ratio: float, buckets: int) -> None:
    assert reference().shift(ratio) == buckets


def test_requests_above_a_bucket_are_counted() -> None:
    found = latencies([1, 2, 5], [5, 7, 1])
    assert [found.above(bucket) for bucket in (0, 1, 2, 4, 5, 9)] == [13, 8, 1, 1, 0, 0]
    assert NO_LATENCIES.above(0) == 0


def test_the_order_of_the_buckets_does_not_matter_nor_whether_one_is_named_twice() -> None:
    found = latencies([5, 1, 2, 1], [1, 3, 7, 2])
    assert found.total == 13
    assert [found.above(bucket) for bucket in (0, 1, 2, 5)] == [13, 8, 1, 0]


def test_the_cut_offs_are_those_of_a_histogram_that_is_made_smaller_every_minute() -> None:
    chance, known, plain = random.Random(4), reference(), [0.0] * 256
    for minute in range(400):
        buckets = sorted(chance.sample(range(60 + minute % 40), 20))
        counts = [chance.randrange(1000) for _ in buckets]
        known.see(latencies(buckets, counts), NO_LATENCIES)
        plain = [count * math.exp(-sum(counts) / MEMORY) for count in plain]
        for bucket, count in zip(buckets, counts, strict=True):
            plain[bucket] += count
        upto, total = list(accumulate(plain)), sum(plain)
        for level, found in zip(LEVELS, known.cutoffs, strict=True):
            upper = level + 1.5 * math.sqrt(level * (1 - level) / (1.5 * total))
            assert found == bisect_left(upto, min(0.999, upper) * total)


@pytest.mark.parametrize("count", [10**6, 10**12])
def test_no_minute_is_too_busy(count: int) -> None:
    known = reference()
    known.see(spread(100, 1000), spread(100, 1000))
    for _ in range(3):
        known.see(spread(0, count), spread(20, count))
    assert 95 <= known.cutoffs[0] <= 97
    assert known.slower() is True


@pytest.mark.parametrize(("shift", "slower"), [(0, False), (8, False), (9, True), (40, True)])
def test_a_p95_above_the_limit_is_seen(shift: int, slower: bool) -> None:
    known = reference()
    known.see(spread(0, 10_000), spread(shift, 10_000))
    assert known.slower() is slower


def test_without_candidate_requests_nothing_is_slower() -> None:
    known = reference()
    known.see(spread(0), NO_LATENCIES)
    assert known.slower() is False


def test_the_body_has_cut_offs_of_its_own() -> None:
    known = reference()
    known.see(spread(0, 100_000), NO_LATENCIES)
    tail, *body = known.cutoffs
    assert len(body) == len(BODY)
    for level, found in zip(BODY, body, strict=True):
        assert 100 * level - 1 <= found <= 100 * level + 2
    assert tail > max(body)


def test_a_storm_before_the_candidate_was_asked_hides_nothing() -> None:
    known = reference()
    for _ in range(60):
        known.see(
            spread(100, 1000), NO_LATENCIES
        )  # the control in trouble, the candidate not yet asked
    for _ in range(60):
        known.see(spread(0, 1000), spread(20, 100))
    assert known.slower() is True


def test_a_storm_while_the_candidate_is_asked_more_accuses_nobody() -> None:
    known = reference()
    known.see(spread(0, 10_000), spread(0, 100))
    known.see(spread(100, 100), spread(100, 10_000))
    assert known.slower() is False


def test_a_quiet_minute_before_full_exposure_does_not_make_the_usual_ones_slow() -> None:
    known = reference()
    for _ in range(30):
        known.see(spread(20, 1000), NO_LATENCIES)
    for _ in range(3):
        known.see(spread(0, 10_000), NO_LATENCIES)
    assert known.cutoffs[0] < 105
    assert known.frozen() >= 114


def test_nothing_is_slow_at_full_exposure_when_no_control_was_ever_seen() -> None:
    assert reference().frozen() == 256


def test_arms_that_are_never_asked_in_the_same_minute_are_compared_all_the_same() -> None:
    alike, slower = reference(), reference()
    for _ in range(200):
        for known, first in ((alike, 0), (slower, 20)):
            known.see(spread(0, 100), NO_LATENCIES)
            known.see(NO_LATENCIES, spread(first, 100))
    assert slower.slower()
    assert not alike.slower()


def test_an_arm_that_waits_for_the_other_keeps_its_last_hour_only() -> None:
    known = reference()
    for _ in range(1000):
        known.see(spread(100, 100), NO_LATENCIES)
    for _ in range(WAITING):
        known.see(spread(0, 100), NO_LATENCIES)
    known.see(NO_LATENCIES, spread(0, 100))
    assert not known.slower()
    known.see(spread(0, 100), spread(40, 10_000))
    assert known.slower()
