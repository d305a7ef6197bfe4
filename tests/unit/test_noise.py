"""Noise: a noisy field is excused, a wrong one is not, and both within known error bounds."""

import math
import random
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.noise import ALPHA, LEAST_PAIRS, SETTLED, Counts, Noise, beyond, chance, counted

COUNTS = st.integers(0, 300)


@given(alone=COUNTS, itself=COUNTS)
def test_the_chance_is_the_exact_tail_of_fair_coins(alone: int, itself: int) -> None:
    pairs = alone + itself
    tail = sum(math.comb(pairs, k) for k in range(alone, pairs + 1)) / 2**pairs
    assert chance(alone, itself) == pytest.approx(tail, rel=1e-9)


@pytest.mark.parametrize(("alone", "itself", "p"), [(0, 0, 1), (1, 0, 0.5), (5, 0, 1 / 32)])
def test_small_chances_by_hand(alone: int, itself: int, p: float) -> None:
    assert chance(alone, itself) == pytest.approx(p)


def test_a_field_beyond_its_noise_is_found_among_others_that_are_not() -> None:
    fields = {"wrong": Counts(alone=20), "noisy": Counts(alone=30, itself=30), "quiet": Counts()}
    assert beyond(fields) == {"wrong"}


def test_fields_that_cannot_be_tested_cost_nothing() -> None:
    quiet = {f"quiet{number}": Counts() for number in range(500)}
    assert beyond({"wrong": Counts(alone=8), **quiet}) == {"wrong"}


def test_many_noisy_fields_hardly_ever_convict_one() -> None:
    """20 fields of pure noise, 200 pairs: with chance at most ALPHA any is taken for worse."""
    coin, wrong, runs = random.Random(7), 0, 600
    for _ in range(runs):
        fields = {}
        for name in range(20):
            pairs = sum(coin.random() < 0.42 for _ in range(200))  # 2 x 0.3 x 0.7
            alone = sum(coin.random() < 0.5 for _ in range(pairs))
            fields[str(name)] = Counts(alone=alone, itself=pairs - alone)
        wrong += bool(beyond(fields))
    # Three standard deviations above what is allowed.
    assert wrong <= runs * ALPHA + 3 * math.sqrt(runs * ALPHA)


# One comparator over many requests


@dataclass
class World:
    """A comparator that meets two fields.

    "seen" differs between any two control answers with chance `noise`: by itself in each answer,
    or, when lasting, because it has changed for good since the first. "balance" is wrong in a share
    of answers, and "seen" in another. asked: how often the control was asked again.
    """

    noise: float = 0
    lasting: bool = False
    wrong: float = 0
    wrong_in_noisy: float = 0
    sample: float = 0.05
    memory: Noise = field(default_factory=Noise)
    asked: int = 0

    def mismatches(self, requests: int, seed: int) -> int:
        """How many of the requests count."""
        coin = random.Random(seed)
        return sum(self._counts(coin) for _ in range(requests))

    def _counts(self, coin: random.Random) -> bool:
        first, answered, second = (coin.random() < self.noise for _ in range(3))
        if self.lasting:
            first, second = False, answered or second
        differing = {"balance"} if coin.random() < self.wrong else set()
        if answered != first or coin.random() < self.wrong_in_noisy:
            differing.add("seen")
        unstable = {"seen"} if second != first else set()
        at_random = coin.random() < self.sample
        asked = at_random or (bool(differing) and self.memory.must_ask(differing))
        if asked:
            self.memory.see(differing, unstable, at_random=at_random)
        self.asked += asked
        return bool(counted(differing, unstable if asked else (), self.memory))


@pytest.mark.parametrize("lasting", [False, True])
@pytest.mark.parametrize("noise", [0.1, 0.3, 0.5, 0.9])
def test_a_noisy_field_does_not_look_like_a_bad_candidate(noise: float, lasting: bool) -> None:
    for seed in range(40):
        assert World(noise, lasting).mismatches(1000, seed) <= 10, seed


@pytest.mark.parametrize("noise", [0.01, 0.05])
def test_rare_noise_that_lasts_does_not_either(noise: float) -> None:
    for seed in range(40):
        assert World(noise, lasting=True).mismatches(1000, seed) == 0


def test_a_field_that_is_wrong_is_caught_beside_one_that_is_noisy() -> None:
    for seed in range(40):
        # 30 are expected; four standard deviations.
        assert World(noise=0.3, wrong=0.03).mismatches(1000, seed) >= 9, seed


def test_every_wrong_answer_counts_when_nothing_is_noisy() -> None:
    world = World(wrong=1)
    assert world.mismatches(2000, 1) == 2000
    assert not world.memory.excuses("balance")


def test_a_noisy_field_that_is_always_wrong_is_convicted_all_the_same() -> None:
    for seed in range(20):
        world = World(noise=0.3, wrong_in_noisy=1)
        assert world.mismatches(2000, seed) > 600, seed
        assert world.memory.worse == {"seen"}


def test_a_field_of_noise_alone_is_hardly_ever_convicted() -> None:
    convicted = 0
    for seed in range(300):
        world = World(noise=0.3, sample=1)
        world.mismatches(1000, seed)
        convicted += bool(world.memory.worse)
    assert convicted <= 300 * ALPHA + 3 * math.sqrt(300 * ALPHA)


def test_the_control_is_not_asked_about_a_field_that_is_known() -> None:
    world = World(wrong=1, sample=0)
    world.mismatches(5000, 3)
    assert world.asked == SETTLED


def test_nothing_is_excused_before_the_control_has_differed_from_itself() -> None:
    memory = Noise()
    assert counted({"a"}, (), memory) == {"a"}
    assert counted({"a", "b"}, {"a"}, memory) == {"b"}
    memory.see({"a"}, {"a"}, at_random=False)
    assert counted({"a", "b"}, (), memory) == {"b"}


def test_one_change_of_the_control_does_not_excuse_a_field_that_is_mostly_wrong() -> None:
    memory = Noise()
    memory.see({"a"}, {"a"}, at_random=False)
    for _ in range(20):
        memory.see({"a"}, (), at_random=False)
    assert counted({"a"}, (), memory) == {"a"}


def test_nothing_is_tested_before_there_are_enough_pairs() -> None:
    memory = Noise()
    for _ in range(LEAST_PAIRS - 1):
        memory.see({"a"}, (), at_random=True)
    assert not memory.worse
    memory.see({"a"}, (), at_random=True)
    assert memory.worse == {"a"}


def test_ever_new_fields_do_not_fill_the_memory() -> None:
    memory = Noise()
    for number in range(3000):
        memory.see({f"field{number}"}, (), at_random=False)
    assert len(memory.fields) == 1000
