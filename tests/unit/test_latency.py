"""Latency histograms: the control's p95 makes the cut-offs, and late requests are counted."""

import math
import random
from bisect import bisect_left
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.histogram import NO_LATENCIES, Latencies, latencies
from rollout.domain.latency import (
    BODY,
    CAUTION,
    LEVELS,
    LONGEST_STORM,
    MEMORY,
    P95,
    SHARES,
    Reference,
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
    assert 95 <= known.cutoffs[P95] <= 97


def test_little_knowledge_makes_a_careful_cut_off() -> None:
    little, much = reference(), reference()
    little.see(spread(0, 100), NO_LATENCIES)
    much.see(spread(0, 100_000), NO_LATENCIES)
    assert little.cutoffs[P95] > much.cutoffs[P95]


def test_the_reference_follows_the_control() -> None:
    known = reference()
    known.see(spread(0, 10_000), NO_LATENCIES)
    for _ in range(LONGEST_STORM + 20):
        known.see(spread(100, 1000), NO_LATENCIES)
    assert known.cutoffs[P95] >= 190


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
        if known.stormy:
            continue
        plain = [count * math.exp(-sum(counts) / MEMORY) for count in plain]
        for bucket, count in zip(buckets, counts, strict=True):
            plain[bucket] += count
        upto, total = list(accumulate(plain)), sum(plain)
        for level, found in zip(LEVELS, known.cutoffs, strict=True):
            upper = level + CAUTION * math.sqrt(level * (1 - level) / total)
            assert found == bisect_left(upto, min(0.999, upper) * total)


@pytest.mark.parametrize("count", [10**6, 10**12])
def test_no_minute_is_too_busy(count: int) -> None:
    known = reference()
    known.see(spread(100, 1000), spread(100, 1000))
    for _ in range(3):
        known.see(spread(0, count), spread(20, count))
    assert 95 <= known.cutoffs[P95] <= 97
    assert known.recent.slower() is True


def test_the_body_has_cut_offs_of_its_own() -> None:
    known = reference()
    known.see(spread(0, 100_000), NO_LATENCIES)
    tail, p95, *body = known.cutoffs
    assert len(body) == len(BODY)
    for level, found in zip(BODY, body, strict=True):
        assert 100 * level - 1 <= found <= 100 * level + 2
    assert tail > p95 > max(body)


def test_a_quiet_minute_before_full_exposure_does_not_make_the_usual_ones_slow() -> None:
    known = reference()
    for _ in range(30):
        known.see(spread(20, 1000), NO_LATENCIES)
    for _ in range(3):
        known.see(spread(0, 10_000), NO_LATENCIES)
    assert known.cutoffs[P95] < 105
    assert known.frozen()[0][P95] >= 114


def test_a_rollout_that_began_at_night_is_not_measured_by_the_night_at_full_exposure() -> None:
    known = reference()
    for _ in range(30):
        known.see(spread(0, 1000), NO_LATENCIES)
    for first in range(20):
        known.see(spread(first, 1000), NO_LATENCIES)
    cutoffs, _ = known.frozen()
    assert cutoffs == known.cutoffs


def test_nothing_is_slow_at_full_exposure_when_no_control_was_ever_seen() -> None:
    assert reference().frozen() == ((256,) * len(LEVELS), SHARES)


def test_slow_requests_are_counted_by_what_was_known_before_the_minute() -> None:
    known = reference()
    known.see(spread(0, 100_000), NO_LATENCIES)
    _, p95, *body = known.cutoffs
    found = known.measure(spread(p95 + 1), latencies([p95 + 5, p95 + 6, p95 + 10], [1, 2, 4]))
    assert (found.control[P95], found.candidate[P95], found.late[P95]) == (1000, 6, 4)
    assert found.control[P95 + 1 :] == [1000] * len(body)


def test_shares_are_what_lies_above_the_edge_of_a_bucket() -> None:
    known = reference()
    known.see(latencies([10, 20, 30], [9_000, 900, 100]), NO_LATENCIES)
    # 100 of 10,000, and one more, so that nothing is taken to be impossible.
    assert math.isclose(known.shares[P95], 101 / 10_001)


def test_at_full_exposure_they_are_read_on_the_upper_side() -> None:
    """No control in the same minutes excuses an error of the estimate there."""
    known = reference()
    known.see(latencies([10, 20, 30], [9_000, 900, 100]), NO_LATENCIES)
    share = 0.01 + CAUTION * math.sqrt(0.95 * 0.05 / 10_000)
    assert math.isclose(known.frozen()[1][P95], share)


def test_no_share_is_nothing_though_nothing_was_seen_above() -> None:
    known = reference()
    known.see(latencies([10], [3]), NO_LATENCIES)
    assert min(known.shares) > 0


@given(counts=st.lists(st.integers(0, 50), min_size=256, max_size=256), minutes=st.integers(1, 9))
def test_no_share_at_full_exposure_is_more_than_its_level_says_or_less_than_one_further_up(
    counts: list[int], minutes: int
) -> None:
    known = reference()
    for _ in range(minutes):
        known.see(latencies(range(256), counts), NO_LATENCIES)
    shares = known.frozen()[1]
    assert list(known.shares) == sorted(known.shares)
    assert list(shares) == sorted(shares)
    assert all(one <= most + 1e-9 for one, most in zip(shares, SHARES, strict=True))


def test_the_minutes_after_a_storm_are_not_measured_by_it() -> None:
    known = reference()
    for first in [*[0] * 20, *[40] * 15]:
        known.see(spread(first), NO_LATENCIES)
        assert known.stormy is (first == 40)
    known.see(spread(0), NO_LATENCIES)
    assert not known.stormy
    assert known.cutoffs[P95] <= 97


def test_what_lasts_longer_than_any_storm_is_how_the_control_is_now() -> None:
    known = reference()
    for first in [*[0] * 20, *[40] * (LONGEST_STORM + 20)]:
        known.see(spread(first), NO_LATENCIES)
    assert not known.stormy
    assert known.cutoffs[P95] >= 135
