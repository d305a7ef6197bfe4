"""Sandboxes in the simulation of scale: what must hold of any queue, and of Lambda's rules."""

import numpy as np
import pytest

from benchmarks.scale import readers
from benchmarks.scale.quotas import SANDBOXES, Bucket, Quota
from benchmarks.scale.readers import Window, arrivals, simulate
from benchmarks.scale.traffic import DAY, SWING, chance, rhythm

NOON, BUSY = 12 * 3600.0, 17 * 3600.0
FEW = Quota("sandboxes", 5, "a test")


@pytest.mark.parametrize("per_second", [5, 100, 1000])
def test_sandboxes_are_what_little_says(per_second: float) -> None:
    """On average as many are taken as arrive while one is: ten reads a second each."""
    found = simulate(per_second, Window(BUSY, 120, warm=10), 1, readers.UNLIMITED)
    rate = found.served / found.seconds
    assert found.held == pytest.approx(rate / 10, rel=0.02)
    assert found.held <= found.peak


@pytest.mark.parametrize("quota", [FEW, SANDBOXES])
def test_no_request_is_lost(quota: Quota) -> None:
    found = simulate(100, Window(BUSY, 60), 1, quota)
    assert found.served + found.throttled == found.reads
    assert found.peak <= quota.default


def lost(offered: float, places: int) -> float:
    """The share that finds all places taken, by Erlang's formula."""
    found = 1.0
    for place in range(1, places + 1):
        found = offered * found / (place + offered * found)
    return found


def test_above_the_quota_reads_are_throttled_as_erlang_says_and_below_they_are_not() -> None:
    window = Window(BUSY, 60, warm=5)
    few, many = simulate(100, window, 1, FEW), simulate(100, window, 1, SANDBOXES)
    rate = few.reads / few.seconds
    assert few.throttled / few.reads == pytest.approx(lost(rate / 10, 5), rel=0.02)
    assert many.throttled == 0


def test_the_scaling_rate_throttles_a_cold_start() -> None:
    """A thousand at once, a hundred a second after: 15,000 reads a second want 2,100."""
    cold = simulate(15_000, Window(BUSY, 4), 1, readers.UNLIMITED)
    warm = simulate(15_000, Window(BUSY, 4, warm=1), 1, readers.UNLIMITED)
    assert cold.throttled > 0.2 * cold.reads
    assert cold.started == pytest.approx(1000 + 4 * 100, abs=20)
    assert warm.throttled < 0.01 * warm.reads


def test_a_sandbox_polls_once_an_interval_and_receives_the_document_once() -> None:
    found = simulate(100, Window(BUSY, 900, warm=100), 1, readers.UNLIMITED)
    assert found.received == found.started
    most = found.peak * (found.seconds / readers.FLAG_POLL_SECONDS + 1)
    assert 10 * found.seconds / 45 < found.polls <= most


def test_idle_sandboxes_go() -> None:
    """One read an hour: each finds a new sandbox."""
    found = simulate(1 / 3600, Window(0, DAY), 1, SANDBOXES)
    assert found.started > 0.8 * found.reads > 0


def test_arrivals_follow_the_day() -> None:
    moments = arrivals(1.0, 0.0, DAY, chance(1, "day"))
    assert len(moments) == pytest.approx(DAY, rel=0.02)
    busy = ((moments > BUSY - 3600) & (moments < BUSY + 3600)).sum() / 7200
    assert busy == pytest.approx(1 + SWING, rel=0.05)
    assert (rhythm(BUSY), rhythm(BUSY - DAY / 2)) == (1 + SWING, pytest.approx(1 - SWING))
    gaps = np.diff(moments[(moments > NOON) & (moments < NOON + 3600)])
    assert gaps.std() == pytest.approx(gaps.mean(), rel=0.05)  # exponential, so Poisson


def test_the_same_seed_gives_the_same() -> None:
    window = Window(BUSY, 30)
    assert simulate(50, window, 1) == simulate(50, window, 1) != simulate(50, window, 2)


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    bucket = Bucket(Quota("calls", 10, "a test", burst=30))
    assert sum(bucket.take(0.0) for _ in range(100)) == 30
    assert sum(bucket.take(1.0) for _ in range(100)) == 10
    assert sum(bucket.take(60.0) for _ in range(100)) == 30
    assert (bucket.taken, bucket.refused) == (70, 230)
