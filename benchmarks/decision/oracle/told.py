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

from benchmarks.decision.bounds import first_at_most
from benchmarks.decision.latency import Floats
from benchmarks.decision.loops import outcome
from benchmarks.decision.oracle.evidence import Evidence
from benchmarks.decision.oracle.truth import evidence
from benchmarks.decision.simulate import Chunk, Rollout
from benchmarks.decision.world import Flags
from rollout.domain.protocol import ALPHA

# Name -> how many minutes must have accused, and whether all of alpha is spent: else the mark is
# 1/alpha (Ville), which the last minute overshoots, so that less than alpha is spent.
ORACLES: Final = {
    "oracle": (1, False),
    "oracle-exact": (1, True),
    "oracle-2min": (2, False),
    "oracle-2min-exact": (2, True),
}
FEWEST: Final = max(least for least, _ in ORACLES.values())
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
    seen = known.seen()
    paths = drawn_paths(known, chance, draws)
    missed = least_missed(paths[-1]) if len(paths) else 1 - ALPHA
    found = {}
    for name, (least, exact) in ORACLES.items():
        mark = spending_mark(paths, least=least) if exact else MARK
        stop = crossed(seen, mark, least)
        record = asdict(outcome(chunk, None if stop is None else int(known.minutes[stop])))
        found[name] = {**record, "least_missed": missed, "mark": mark}
    return found


def crossed(seen: Floats, mark: float, least: int = 1) -> int | None:
    """The first position at which the sum reaches the mark and so many minutes have accused."""
    there = _there(np.cumsum(seen)[:, None], mark, least)[:, 0]
    return int(there.argmax()) if there.any() else None


def _there(paths: Floats, mark: float, least: int) -> Flags:
    """Where in minutes x paths there may be a rollback."""
    # The mark alone decides: where it is below 0, the rest of alpha is spent on no accusation.
    if least == 1:
        return np.asarray(paths >= mark)
    accusing = np.diff(paths, axis=0, prepend=0) > 0
    return np.asarray((paths >= mark) & (np.cumsum(accusing, axis=0) >= least))


def drawn_paths(known: Evidence, chance: np.random.Generator, draws: int) -> Floats:
    """Minutes x draws: what the harm would have summed up to.

    Ends early where that settles everything: all have reached the mark in minutes enough, and
    together they would be so rare without harm that a test of them misses nothing.
    """
    return np.array(list(_sums(known, chance, draws))).reshape(-1, draws)


def _sums(known: Evidence, chance: np.random.Generator, draws: int) -> Iterator[Floats]:
    total, crossings = np.zeros(draws), np.zeros(draws, dtype=np.bool_)
    accusing = np.zeros(draws, dtype=np.int64)
    for minute in known.minutes:
        said = known.drawn(minute, chance, draws)
        total, accusing = total + said, accusing + (said > 0)
        crossings |= (total >= MARK) & (accusing >= FEWEST)
        yield total
        if crossings.all() and _inverse(total).mean() <= ALPHA:
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


def spending_mark(paths: Floats, alpha: float = ALPHA, least: int = 1) -> float:
    """The lowest mark that is ever reached with a chance of at most alpha when there is no harm.

    The chance is the mean of the inverse ratio at the crossing, over paths drawn under the harm.
    """
    highest = math.log(1 / alpha)
    return first_at_most(alpha, lambda mark: _false(paths, mark, least), LOWEST, highest, HALVINGS)


def _false(paths: Floats, mark: float, least: int) -> float:
    there = _there(paths, mark, least)
    reached = np.flatnonzero(there.any(axis=0))
    crossings = paths[there.argmax(axis=0)[reached], reached] if len(reached) else np.zeros(0)
    return float(_inverse(crossings).sum() / paths.shape[1])


def _inverse(logarithms: Floats) -> Floats:
    """The inverse ratios, kept within what a float can hold."""
    return np.asarray(np.exp(-logarithms.clip(-MOST, MOST)))
