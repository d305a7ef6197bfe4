"""The judge that is told: it knows the harm, its moment, and the nearest tolerable candidate.

Its promise is that of the judge of this repository: a tolerable candidate is rolled back with a
chance of at most alpha. It knows both laws, so it is a test of one against the other. The
sequential probability ratio test takes the fewest requests on average of all tests with the same
chances of being wrong (Wald and Wolfowitz 1948), up to what the last minute adds beyond the mark;
and no test finds harm more often than that of the whole likelihood ratio (Neyman and Pearson 1933).
"""

import math
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final

import numpy as np

from benchmarks.decision.latency import Floats
from benchmarks.decision.loops import outcome
from benchmarks.decision.oracle.evidence import Evidence
from benchmarks.decision.oracle.truth import evidence
from benchmarks.decision.simulate import Chunk, Rollout
from rollout.domain.protocol import ALPHA

# At 1/alpha (Ville); where all of alpha is spent; and at 1/alpha, not on a single minute alone.
TOLD, SPENT, TWO_MINUTES = "oracle", "oracle-exact", "oracle-2min"
NAMES: Final = (TOLD, SPENT, TWO_MINUTES)
MARK: Final = math.log(1 / ALPHA)
LOWEST: Final = -50.0
HALVINGS: Final = 30
# No logarithm of a ratio weighs more than this: e to its power is still a float.
MOST: Final = 600.0


def judged(
    rollout: Rollout, chunk: Chunk, chance: np.random.Generator, draws: int
) -> dict[str, dict[str, Any]]:
    """Name of the oracle -> its record: that of `Open`, `least_missed`, the smallest chance to
    miss this harm, and `mark`, the logarithm of the likelihood ratio that it rolls back at.

    draws: of counts that might have been, at the same volume of traffic.
    """
    known = evidence(rollout, chunk)
    paths = drawn_paths(known, chance, draws)
    missed = least_missed(paths[-1]) if len(paths) else 1 - ALPHA
    mark = spending_mark(paths)
    seen = known.seen()
    stops = {
        TOLD: crossed(seen, MARK),
        SPENT: crossed(seen, mark),
        TWO_MINUTES: crossed(seen, MARK, least=2),
    }
    return {
        name: {
            **asdict(outcome(chunk, None if stop is None else int(known.minutes[stop]))),
            "least_missed": missed,
            "mark": mark if name == SPENT else MARK,
        }
        for name, stop in stops.items()
    }


def crossed(seen: Floats, mark: float, least: int = 1) -> int | None:
    """The first position at which the sum reaches the mark and so many minutes have accused."""
    there = (np.cumsum(seen) >= mark) & (np.cumsum(seen > 0) >= least)
    return int(there.argmax()) if there.any() else None


def drawn_paths(known: Evidence, chance: np.random.Generator, draws: int) -> Floats:
    """Minutes x draws: what the harm would have summed up to.

    Ends early where that settles everything: all have reached the mark, and together they would
    be so rare without harm that a test of them misses nothing.
    """
    return np.array(list(_sums(known, chance, draws))).reshape(-1, draws)


def _sums(known: Evidence, chance: np.random.Generator, draws: int) -> Iterator[Floats]:
    total, highest = np.zeros(draws), np.zeros(draws)
    for minute in known.minutes:
        total = total + known.drawn(minute, chance, draws)
        highest = np.maximum(highest, total)
        yield total
        if highest.min() >= MARK and _inverse(total).mean() <= ALPHA:
            return


def least_missed(totals: Floats, alpha: float = ALPHA) -> float:
    """The chance to miss the harm for the most powerful test at level alpha.

    totals: logarithms of likelihood ratios, drawn under the harm. What a draw weighs when there is
    no harm is its inverse ratio, so no draws without harm are needed.
    """
    weights = _inverse(np.sort(totals)[::-1]) / len(totals)
    left = alpha - np.cumsum(weights) + weights
    # The draw at the edge is taken in part: there the test tosses a coin.
    taken = (left / weights).clip(0, 1)
    return float(1 - taken.mean())


def spending_mark(paths: Floats, alpha: float = ALPHA) -> float:
    """The lowest mark that is ever reached with a chance of at most alpha when there is no harm.

    The chance is the mean of the inverse ratio at the crossing, over paths drawn under the harm.
    """
    low, high = LOWEST, math.log(1 / alpha)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if _false(paths, middle) > alpha:
            low = middle
        else:
            high = middle
    return high


def _false(paths: Floats, mark: float) -> float:
    there = paths >= mark
    reached = np.flatnonzero(there.any(axis=0))
    crossings = paths[there.argmax(axis=0)[reached], reached] if len(reached) else np.zeros(0)
    return float(_inverse(crossings).sum() / paths.shape[1])


def _inverse(logarithms: Floats) -> Floats:
    """The inverse ratios, kept within what a float can hold."""
    return np.asarray(np.exp(-logarithms.clip(-MOST, MOST)))
