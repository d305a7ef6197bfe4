"""The case on one metric: what it promises on average, over a comparison and full exposure."""

import math
import random
from statistics import mean, stdev

import pytest

from rollout.domain.case import ERRORS, Case, Rail
from rollout.domain.harm import When

RAIL = Rail(0.01, 0.02, share=0.5, full=0.01, full_limit=0.02, full_share=0.05)
ROLLOUTS, MINUTES = 120, 30


def drawn(chance: random.Random, requests: int, rate: float) -> tuple[int, int]:
    """(events, requests): the gaps between events are geometric, which is quick for rare ones."""
    events, at = 0, 0
    while rate:
        at += 1 + int(math.log(1 - chance.random()) / math.log(1 - rate))
        if at > requests:
            break
        events += 1
    return events, requests


def rollout(chance: random.Random, control: float, compared: float, alone: float) -> Case:
    """Half an hour at 25 %, and at full exposure; rates of the control and of the candidate."""
    case = Case(ERRORS, RAIL, 2 * MINUTES)
    for minute in range(MINUTES):
        counts = drawn(chance, 60, control)
        case.remember(counts)
        case.see(drawn(chance, 20, compared), counts, When(0, minute, 0.0002))
    for minute in range(MINUTES, 2 * MINUTES):
        counts = drawn(chance, 80, alone)
        case.see_full(counts, counts, When(1, minute, 0.0002))
    return case


@pytest.mark.parametrize(
    ("control", "compared", "alone"),
    [
        (0.002, 0.002, 0.002),
        (0.002, 0.002, 0.01),
        (0.002, 0.01, 0.01),
        (0.03, 0.03, 0.06),
        (0.0, 0.01, 0.01),
    ],
)
def test_evidence_does_not_grow_on_average_within_what_is_promised(
    control: float, compared: float, alone: float
) -> None:
    chance = random.Random(7)
    cases = [rollout(chance, control, compared, alone) for _ in range(ROLLOUTS)]
    for found in ([case.value for case in cases], [case.full.wealth.value for case in cases]):  # type: ignore[union-attr]
        assert mean(found) <= 1 + 3 * stdev(found) / ROLLOUTS**0.5


def test_a_candidate_outside_of_it_is_found_though_neither_half_alone_shows_it() -> None:
    chance = random.Random(3)
    cases = [rollout(chance, 0.001, 0.025, 0.025) for _ in range(40)]
    over = [case.weight >= 100 for case in cases]
    before = [case.rail.share * case.value >= 100 for case in map(_compared, range(40))]
    assert sum(over) > 2 * sum(before)
    assert sum(over) > 20


def _compared(seed: int) -> Case:
    chance, case = random.Random(seed), Case(ERRORS, RAIL, MINUTES)
    for minute in range(MINUTES):
        case.see(drawn(chance, 20, 0.025), drawn(chance, 60, 0.001), When(0, minute, 0.0002))
    return case
