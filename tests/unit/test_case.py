"""The case on one metric: what it promises on average, over a comparison and full exposure."""

import math
import random
from statistics import mean

import pytest

from rollout.domain.case import ERRORS, Case, Rail
from rollout.domain.harm import When

RAIL = Rail(0.01, 0.02, share=0.5, full=0.01, full_limit=0.02, full_share=0.05)
ROLLOUTS, MINUTES, MUCH = 120, 30, 20


def drawn(chance: random.Random, requests: int, rate: float) -> tuple[int, int]:
    """(events, requests): the gaps between events are geometric, which is quick for rare ones."""
    events, at = 0, 0
    while rate:
        at += 1 + int(math.log(1 - chance.random()) / math.log(1 - rate))
        if at > requests:
            break
        events += 1
    return events, requests


def rollout(
    chance: random.Random, control: float, compared: float, alone: float
) -> tuple[Case, float, float]:
    """Half an hour at 25 %, and at full exposure; rates of the control and of the candidate.

    With the most that the comparison, and the test of full exposure, ever was worth.
    """
    case, most, most_full = Case(ERRORS, RAIL, 2 * MINUTES), 0.0, 0.0
    for minute in range(2 * MINUTES):
        when = When(int(minute >= MINUTES), minute, 0.0002)
        if minute < MINUTES:
            counts = drawn(chance, 60, control)
            case.remember(counts)
            case.see(drawn(chance, 20, compared), counts, when)
        else:
            counts = drawn(chance, 80, alone)
            case.see_full(counts, counts, when)
        most, most_full = max(most, case.value), max(most_full, case.at_full)
    return case, most, most_full / RAIL.full_share


def often(control: float, compared: float, alone: float) -> float:
    """The share of rollouts in which either was ever worth `MUCH`, the more frequent one."""
    chance = random.Random(7)
    found = [rollout(chance, control, compared, alone) for _ in range(ROLLOUTS)]
    return max(mean(one[part] >= MUCH for one in found) for part in (1, 2))


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
def test_within_what_is_promised_evidence_is_seldom_much_whenever_one_looks(
    control: float, compared: float, alone: float
) -> None:
    """Ville's inequality, within what 120 rollouts can tell."""
    assert often(control, compared, alone) <= 1 / MUCH + 3 * (1 / MUCH / ROLLOUTS) ** 0.5


def test_clumps_of_each_arms_own_are_no_evidence_though_the_control_fails_far_too_often() -> None:
    chance, phi, over = random.Random(5), 0.03, 0
    size = 1 / phi - 1

    def clumped(requests: int) -> tuple[int, int]:
        return drawn(chance, requests, chance.betavariate(size * 0.04, size * 0.96))

    for _ in range(ROLLOUTS):
        case, most = Case(ERRORS, RAIL, MINUTES), 0.0
        for minute in range(MINUTES):
            case.see(clumped(100), clumped(2000), When(0, minute, phi, capped=False))
            most = max(most, case.value)
        over += most >= MUCH
    assert over / ROLLOUTS <= 1 / MUCH


@pytest.mark.parametrize("rates", [(0.002, 0.002, 0.04), (0.03, 0.03, 0.12), (0.002, 0.05, 0.05)])
def test_outside_of_it_evidence_is_often_much(rates: tuple[float, float, float]) -> None:
    assert often(*rates) > 0.5


def test_a_candidate_outside_of_it_is_found_though_neither_half_alone_shows_it() -> None:
    chance = random.Random(3)
    cases = [rollout(chance, 0.001, 0.025, 0.025)[0] for _ in range(40)]
    over = [case.weight >= 100 for case in cases]
    before = [case.rail.share * case.value >= 100 for case in map(_compared, range(40))]
    assert sum(over) > 2 * sum(before)
    assert sum(over) > 20


def _compared(seed: int) -> Case:
    chance, case = random.Random(seed), Case(ERRORS, RAIL, MINUTES)
    for minute in range(MINUTES):
        case.see(drawn(chance, 20, 0.025), drawn(chance, 60, 0.001), When(0, minute, 0.0002))
    return case
