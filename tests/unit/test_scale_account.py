"""Many rollouts in one account: the replay keeps to the quotas, and to the definition's retries."""

from collections import Counter

import pytest

from benchmarks.scale import quotas, replay
from benchmarks.scale.account import Account
from benchmarks.scale.machine import Visit
from benchmarks.scale.replay import Step, simulate

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


def test_apart_they_are_served() -> None:
    close, apart = (simulate(VISITS, BACK, 200, seconds, 1) for seconds in (1.0, 600.0))
    assert close.rolled_back + close.unconfirmed > 0
    assert (apart.served, apart.refused) == (200, {})


@pytest.mark.parametrize(
    ("error", "waits"),
    [("Lambda.TooManyRequestsException", [2, 4, 8, 16, None]), ("ClientError", [2, 4, None])],
)
def test_retries_are_the_definitions(error: str, waits: list[float | None]) -> None:
    rules = replay.MACHINE["States"]["Raise Exposure"]["Retry"]
    tried = Counter[str]()
    assert [replay._again(rules, error, tried) for _ in waits] == waits


def test_a_thousand_starts_at_once_fit_and_more_wait() -> None:
    found = Account(1)
    for _ in range(2000):
        found.begin(0.0, Step(found, VISITS[-1:], BACK, 0.0).run())
    found.run(0.5)
    assert found.ended["done"] == quotas.FIRINGS.default
    found.run(60.0)
    assert found.ended["done"] == 2000
