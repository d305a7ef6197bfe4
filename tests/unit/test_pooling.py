"""Mismatches counted again with the noise that all comparators have seen together."""

import random
from string import ascii_lowercase
from typing import Any

import pytest

from rollout.domain.difference import Comparison, Difference
from rollout.domain.finding import DIFF, OK, SHOWN, Finding, different, notes
from rollout.domain.noise import Noise, counted
from rollout.domain.pooling import Pool, Recount

SANDBOXES, REQUESTS = 20, 50


def written(finding: Finding) -> dict[str, Any]:
    """The line that a comparator writes of a finding."""
    return {"diff_paths": ",".join(finding.paths[:SHOWN]), **notes(finding, (), first=False)}


class Sandbox:
    """A comparator: "seen" is noise of the control, "balance" is wrong in a share of answers."""

    def __init__(self, seed: int, wrong: float) -> None:
        self.coin, self.wrong, self.noise = random.Random(seed), wrong, Noise()

    def line(self) -> dict[str, Any]:
        first, other, second = (self.coin.random() < 0.3 for _ in range(3))
        differing = {"balance"} if self.coin.random() < self.wrong else set()
        if other != first:
            differing.add("seen")
        unstable = frozenset({"seen"} if second != first else ())
        at_random = self.coin.random() < 0.05
        asked = at_random or (bool(differing) and self.noise.must_ask(differing))
        if asked:
            self.noise.see(differing, unstable, at_random=at_random)
        counts = counted(differing, unstable if asked else (), self.noise)
        found = Comparison(tuple(Difference(name, "value", (name,)) for name in sorted(differing)))
        told = unstable if asked else None
        return written(Finding(DIFF if counts else OK, found, counts, told, at_random))


def recount(*lines: dict[str, Any]) -> Recount:
    pool = Pool()
    for line in lines:
        pool.add(line)
    return pool.recount()


@pytest.mark.parametrize("seed", range(5))
def test_what_each_sandbox_had_to_learn_anew_is_not_counted_again(seed: int) -> None:
    sandboxes = [Sandbox(100 * seed + number, wrong=0) for number in range(SANDBOXES)]
    found = recount(*[one.line() for _ in range(REQUESTS) for one in sandboxes])
    assert found.live >= SANDBOXES / 4
    assert (found.pooled, found.excused) == (0, ("seen",))


@pytest.mark.parametrize("seed", range(5))
def test_a_wrong_field_counts_in_full_beside_the_noise(seed: int) -> None:
    sandboxes = [Sandbox(100 * seed + number, wrong=0.05) for number in range(SANDBOXES)]
    lines = [one.line() for _ in range(REQUESTS) for one in sandboxes]
    wrong = sum(
        "balance:value" in line["diff_paths"].split(",") + line.get("noise_paths", [])
        for line in lines
    )
    found = recount(*lines)
    assert 0 < found.pooled == wrong <= found.live


def test_a_field_that_all_pairs_together_prove_wrong_counts_again() -> None:
    """Each sandbox has too few random pairs to test; together they have enough."""
    noise = {"asked_again": 1, "at_random": 0, "unstable": ["a"], "noise_paths": ["a:value"]}
    pair = {"asked_again": 1, "at_random": 1, "unstable": [], "noise_paths": ["a:value"]}
    found = recount(*[noise] * 10, *[pair] * 40)
    assert (found.live, found.pooled) == (0, 40)
    assert (found.excused, found.beyond_noise) == ((), ("a",))


def test_a_control_that_failed_counts_whatever_the_noise_is() -> None:
    whole = {"asked_again": 1, "unstable": [""], "noise_paths": [":type"]}
    found = recount(*[whole] * 3, written(different("error")))
    assert (found.live, found.pooled, found.excused) == (1, 1, ("",))


def test_a_line_that_may_be_cut_counts_as_it_did() -> None:
    names = [letter * 2 for letter in ascii_lowercase[: SHOWN + 1]]
    noise = [
        {"asked_again": 1, "unstable": [name], "noise_paths": [f"{name}:value"]} for name in names
    ]
    found = Comparison(tuple(Difference(name, "value", (name,)) for name in names))
    assert recount(*noise, written(Finding(DIFF, found, frozenset(names)))).pooled == 1
    fewer = written(Finding(DIFF, Comparison(found.differences[:3]), frozenset(names[:3])))
    assert recount(*noise, fewer).pooled == 0


def test_no_lines_have_no_mismatches() -> None:
    assert recount() == Recount(0, 0, (), ())
