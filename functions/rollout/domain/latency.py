"""From latency histograms to slow requests: "p95 within 15 %" as a count.

Slow is, for the control, above its own recent p95 x; for the candidate, above `tolerance` times x.
So "the candidate's p95 is at most 15 % higher" becomes "at most 5 % of its requests are slow", a
rate that can be tested exactly. Lower levels say the same of the body of the distribution, where a
shift of all requests shows long before it shows at p95, and one further up of the tail, where more
stragglers do.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from rollout.domain.histogram import Fading, Latencies, quantiles
from rollout.domain.recent import LEVEL, Recent

TAIL_LEVEL: Final = 0.975
BODY: Final = (0.8, 0.6, 0.4, 0.2)
LEVELS: Final = (TAIL_LEVEL, LEVEL, *BODY)
# Where in LEVELS they stand.
TAIL, P95 = 0, 1
SHARES: Final = tuple([1 - level for level in LEVELS])
# The standard deviation of what part of one request is below each.
SPREADS: Final = tuple([(level, math.sqrt(level * (1 - level))) for level in LEVELS])
# Requests the reference remembers.
MEMORY: Final = 2000
# Standard errors added to a level.
CAUTION: Final = 1.5
MOST_LEVEL: Final = 0.999
# A minute of so many of the control's requests, of which such a share is slow, is a storm; a longer
# one, in minutes, is no storm.
STORM_REQUESTS, STORM_SHARE, LONGEST_STORM = 20, 0.15, 30
# Once no control is left, it is taken to have been as slow as in the slowest third of its minutes.
FROZEN: Final = 0.7


@dataclass(frozen=True)
class Speed:
    """How fast the requests of one minute were, at each of LEVELS, the highest first.

    control, candidate: requests above the cut-off, the candidate's after what is tolerated has been
    taken off. late: the candidate's after the limit has. shares: what part of the control's
    requests is above. slower: to be asked before the next minute, whether the candidate's p95 of
    late is above the limit. stormy: whether the control's are far off what they were.
    """

    control: Sequence[int]
    candidate: Sequence[int]
    late: Sequence[int]
    shares: Sequence[float] = SHARES
    slower: Callable[[], bool] = lambda: False
    stormy: bool = False


@dataclass
class Reference:
    """The control's recent latencies, and both arms' latest ones, as fading histograms.

    ratio: width of a bucket, upper over lower edge. tolerance, limit: the ratios of p95 that are
    tolerated and that call for somebody. cutoffs: the buckets above which the control is slow, at
    each of LEVELS, read on the upper side of the estimate, so that its error does not count as
    harm; above the last bucket, where nothing is, while nothing is known. shares: what part of the
    control's requests that is. It is less than the level says, also since a cut-off is the edge of
    a bucket. An error in it is no false evidence while a control answers in the same minutes, since
    the comparison with it must agree; at full exposure the shares are on the upper side too.
    """

    ratio: float
    buckets: int
    tolerance: float
    limit: float
    cutoffs: tuple[int, ...] = ()
    shares: tuple[float, ...] = SHARES

    def __post_init__(self) -> None:
        self.cutoffs = self.cutoffs or (self.buckets,) * len(LEVELS)
        self._tolerated, self._above = self.shift(self.tolerance), self.shift(self.limit)
        self._known = Fading([0.0] * self.buckets)
        self.recent = Recent(self.buckets, self._above)
        # In how many minutes each bucket was a cut-off, and the sum of the shares above it.
        self._usual = [[0] * (self.buckets + 1) for _ in LEVELS]
        self._usual_shares = [0.0] * len(LEVELS)
        self._frozen: tuple[tuple[int, ...], tuple[float, ...]] | None = None
        # The shares, read on the upper side.
        self._careful = self.shares
        self._storm = 0

    def measure(self, control: Latencies, candidate: Latencies, *, alone: bool = False) -> Speed:
        """Count one minute by what was known before it, and take it in.

        alone: at full exposure, where the control's past is all that there is to go by.
        """
        cutoffs, shares = self.frozen() if alone else (self.cutoffs, self.shares)
        slow = [candidate.above(cutoff + self._tolerated) for cutoff in cutoffs]
        late = [candidate.above(cutoff + self._above) for cutoff in cutoffs]
        slow_control = [control.above(cutoff) for cutoff in cutoffs]
        self.see(control, candidate, alone=alone)
        return Speed(slow_control, slow, late, shares, self.recent.slower, self.stormy)

    def frozen(self) -> tuple[tuple[int, ...], tuple[float, ...]]:
        """The cut-offs to go by at full exposure, where load can no longer be told from harm, and
        the shares above them: the usual ones, since the last minutes before it may have been quiet,
        or the last, since a rollout may have begun at night.
        """
        if self._frozen is None:
            minutes = max(1, sum(self._usual[0]))
            found = [
                max((cutoff, share), (_usual(seen), total / minutes))
                for cutoff, share, seen, total in zip(
                    self.cutoffs, self._careful, self._usual, self._usual_shares, strict=True
                )
            ]
            cutoffs, shares = zip(*found, strict=True)
            self._frozen = cutoffs, tuple(accumulate(shares, max))
        return self._frozen

    def shift(self, ratio: float) -> int:
        """A ratio of latencies, in whole buckets, rounded up."""
        return math.ceil(math.log(ratio) / math.log(self.ratio) - 1e-9)

    def see(self, control: Latencies, candidate: Latencies, *, alone: bool = False) -> None:
        """One minute; alone as in `measure`."""
        self._watch(control)
        if control.total and not self.stormy:
            self._known.add(control, control.total / MEMORY)
            self._cut()
        self.recent.see(None if alone else control, candidate)

    def _watch(self, control: Latencies) -> None:
        slow = control.above(self.cutoffs[P95])
        if control.total >= STORM_REQUESTS and slow > STORM_SHARE * control.total:
            self._storm += 1
        elif control.total:
            self._storm = 0

    @property
    def stormy(self) -> bool:
        """Whether the control is far off what it was: a storm, which is over some day and must not
        be what the minutes after it are measured by. What lasts is how the control is now.
        """
        return 0 < self._storm <= LONGEST_STORM

    def _cut(self) -> None:
        total, weighed = self._known.requests, self._known.weighed
        if total < 1:
            return
        errors = CAUTION / math.sqrt(total)
        uppers = [min(MOST_LEVEL, level + errors * spread) for level, spread in SPREADS]
        upto = list(accumulate(self._known.buckets))
        self.cutoffs = quantiles(upto, [upper * weighed for upper in uppers])
        above = [1 - upto[cutoff] / weighed for cutoff in self.cutoffs]
        # One request more than was seen, so that nothing is taken to be impossible.
        self.shares = tuple([(share * total + 1) / (total + 1) for share in above])
        careful = [
            share + upper - level for share, level, upper in zip(above, LEVELS, uppers, strict=True)
        ]
        # Never less above a lower level, though its estimate may be the surer one.
        self._careful = tuple(accumulate(careful, max))
        for index, cutoff in enumerate(self.cutoffs):
            self._usual[index][cutoff] += 1
            self._usual_shares[index] += self._careful[index]
        self._frozen = None


def _usual(seen: Sequence[int]) -> int:
    """The cut-off of the slowest third of the minutes. seen: in how many each bucket was it."""
    return quantiles(list(accumulate(seen)), [FROZEN * sum(seen)])[0]
