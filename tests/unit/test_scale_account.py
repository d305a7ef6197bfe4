"""Many rollouts in one account: the replay keeps to the quotas, and to the definition's retries."""

from collections import Counter

import pytest

from benchmarks.scale import quotas, replay
from benchmarks.scale.account import Account
from benchmarks.scale.machine import Visit
from benchmarks.scale.replay import Step, simulate
from benchmarks.scale.traffic import chance

LIST, START = "appconfig:list_deployments", "appconfig:start_deployment"
BACK = Visit(0, "Roll Back", 0.0, [LIST, START])
VISITS = [
    Visit(0, "Preflight", 0.0, [LIST]),
    Visit(0, "Raise Exposure", 0.0, [LIST, START]),
    Visit(0, "Bake", 400.0),
    Visit(0, "Evaluate Metrics", 700.0, [LIST, "cloudwatch:get_metric_data"], points=1000),
    Visit(0, "Ramped", 700.0),
]


def test_one_rollout_by_itself_is_refused_nothing_and_is_not_late() -> None:
    found = simulate(VISITS, BACK, 1, 1.0, 1)
    assert (found.refused, found.served, found.late, found.rolled_back) == ({}, 1, 0.0, 0)


def test_every_rollout_ends_in_one_way() -> None:
    found = Account(1)
    for number in range(300):
        found.begin(number / 300, Step(found, VISITS, BACK, number / 300).run())
    found.run(10_000.0)
    ended = found.ended
    ends = ("done", "rolled back", "unconfirmed", "not started")
    assert sum(ended[word] for word in ends) == 300
    assert found.busy == 0
    assert not found.turns


def test_no_bucket_gives_more_than_its_quota() -> None:
    found = Account(1)
    for number in range(300):
        found.begin(0.0, Step(found, VISITS, BACK, float(number)).run())
    found.run(30.0)
    assert found.calls[LIST].taken <= 10 + 30 * 10
    assert found.calls[LIST].refused > 0


def test_refused_lists_roll_back_and_refused_metrics_do_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    metrics = {"cloudwatch:get_metric_data": quotas.Quota("metrics", 1e-9, "a test", burst=0.5)}
    monkeypatch.setattr(quotas, "CALLS", metrics)
    spared = simulate(VISITS, BACK, 5, 60.0, 1)
    assert (spared.served, spared.rolled_back, spared.first) == (5, 0, "metrics")
    lists = {START: quotas.Quota("deployments", 1e-9, "a test", burst=0.5)}
    monkeypatch.setattr(quotas, "CALLS", lists)
    lost = simulate(VISITS, BACK, 5, 60.0, 1)
    assert (lost.served, lost.rolled_back, lost.unconfirmed) == (0, 0, 5)


def test_apart_they_are_served_at_once_and_together_later() -> None:
    close, apart = (simulate(VISITS, BACK, 200, seconds, 1) for seconds in (1.0, 600.0))
    assert (apart.served, apart.refused) == (200, {})
    assert (close.served, close.rolled_back) == (200, 0)
    # Each lists twice before it is served, and ten lists a second are all there are.
    assert close.late > 2 * 200 / 10 - 10


def waited(error: str, state: str = "Raise Exposure") -> list[float]:
    """The waits until a task of that state is given up."""
    rules, tried, luck = replay.MACHINE["States"][state]["Retry"], Counter[int](), chance(1)
    waits = iter(lambda: replay._again(rules, error, tried, luck), None)
    return [float(wait) for wait in waits if wait is not None]


@pytest.mark.parametrize(
    ("error", "waits"),
    [("Lambda.TooManyRequestsException", [2, 4, 8, 16]), ("ClientError", [2, 4])],
)
def test_retries_are_the_definitions(error: str, waits: list[float]) -> None:
    assert waited(error) == waits


@pytest.mark.parametrize(("state", "most"), [("Raise Exposure", 300), ("Evaluate Metrics", 30)])
def test_whoever_was_throttled_waits_a_random_part_of_a_doubled_time(state: str, most: int) -> None:
    waits = waited(replay.REFUSED, state)
    assert len(waits) == replay.MACHINE["States"][state]["Retry"][0]["MaxAttempts"]
    assert all(0 < wait < min(2.0 ** (n + 1), most) for n, wait in enumerate(waits))
    assert len(set(waits)) == len(waits)


def test_a_thousand_starts_at_once_fit_and_more_wait() -> None:
    found = Account(1)
    for _ in range(2000):
        found.begin(0.0, Step(found, VISITS[-1:], BACK, 0.0).run())
    found.run(0.5)
    assert found.ended["done"] == quotas.FIRINGS.default
    found.run(60.0)
    assert found.ended["done"] == 2000
