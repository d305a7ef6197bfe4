"""python -m benchmarks.flag: one exposure decision, against Powertools' FeatureFlags.evaluate.

Both have their configuration in memory and nothing to fetch. Powertools is given two: `share`, a
range of the user's number modulo 10,000 and nothing else, and `alike`, which decides what ours
decides: a lease, an allow-list, the share, in that order. The number is hashed by our own
function for all, because Powertools wants a whole number. Picking a user and calling is the same
for all and no part of a decision: `nothing` does only that, and is subtracted. `ours_listed` has
an allow-list of 100 users besides, by marks as rollouts write them.
"""

import time
from collections.abc import Callable
from typing import Any

import click
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.feature_flags import FeatureFlags
from aws_lambda_powertools.utilities.feature_flags.base import StoreProvider

from benchmarks.stand_ins import FLAG_NAME, flag_source
from benchmarks.timing import medians_us, tell
from rollout.adapters.flag_reader import FlagSource
from rollout.domain.cohort import BUCKETS, CANDIDATE, hashing, mark
from rollout.domain.routing import route

SHARE_BPS = 100
LISTED_USERS = 100
NAMES = [f"user-{number}" for number in range(1, 10_001)]
SHARE = {
    "action": "MODULO_RANGE",
    "key": "bucket",
    "value": {"BASE": BUCKETS, "START": 0, "END": SHARE_BPS - 1},
}
LISTED = {"action": "KEY_IN_VALUE", "key": "user_id", "value": ["user-x", "user-y"]}
LEASE = {
    "action": "SCHEDULE_BETWEEN_DATETIME_RANGE",
    "key": "CURRENT_DATETIME",
    "value": {"START": "2020-01-01T00:00:00", "END": "2096-10-02T07:06:40"},
}


def configuration(**rules: list[dict[str, Any]]) -> dict[str, Any]:
    """A Powertools document: the first rule whose conditions all hold decides."""
    known = {name: {"when_match": True, "conditions": found} for name, found in rules.items()}
    return {FLAG_NAME: {"default": False, "rules": known}}


class Cached(StoreProvider):
    """A store that has its configuration already."""

    def __init__(self, known: dict[str, Any]) -> None:
        self.known = known

    @property
    def get_raw_configuration(self) -> dict[str, Any]:
        return self.known

    def get_configuration(self) -> dict[str, Any]:
        return self.known


@click.command()
@click.option("--rounds", type=click.IntRange(1), default=30, show_default=True)
def main(rounds: int) -> None:
    """Measure one decision; one JSON line."""
    marks = [mark("salt-1", f"listed-{number}") for number in range(LISTED_USERS)]

    def nothing(number: int) -> bool:
        user_id = NAMES[number % len(NAMES)]
        return user_id == CANDIDATE

    calls = {
        "nothing": nothing,
        "ours": ours(flag_source(candidate_bps=SHARE_BPS)),
        "ours_listed": ours(flag_source(candidate_bps=SHARE_BPS, allow_list=marks)),
        "powertools_share": powertools(configuration(share=[SHARE])),
        "powertools_alike": powertools(configuration(list=[LEASE, LISTED], share=[LEASE, SHARE])),
    }
    answers = {name: [call(number) for number in range(2000)] for name, call in calls.items()}
    answers.pop("nothing")
    assert all(found == answers["ours"] for found in answers.values())
    found = medians_us(calls, rounds=rounds, calls_a_round=1000)
    nothing_us = found.pop("nothing")
    found = {name: value - nothing_us for name, value in found.items()}
    ratios = {
        f"{name}_over_ours": round(value / found["ours"], 1)
        for name, value in found.items()
        if name != "ours"
    }
    tell("flag", {**{f"{name}_us": round(us, 2) for name, us in found.items()}, **ratios})


def ours(source: FlagSource) -> Callable[[int], bool]:
    def decide(number: int) -> bool:
        user_id = NAMES[number % len(NAMES)]
        return route(source.flag(), user_id, time.time())[0] == CANDIDATE

    return decide


def powertools(known: dict[str, Any]) -> Callable[[int], bool]:
    hash_of = hashing("salt-1")
    features = FeatureFlags(store=Cached(known), logger=Logger(service="read", level="WARNING"))

    def decide(number: int) -> bool:
        user_id = NAMES[number % len(NAMES)]
        context = {"user_id": user_id, "bucket": hash_of(user_id) % BUCKETS}
        return bool(features.evaluate(name=FLAG_NAME, context=context, default=False))

    return decide


if __name__ == "__main__":
    main()
