"""How much errors come in clumps within a minute, learnt from the control against itself."""

import math
from dataclasses import dataclass, field
from typing import Final

# What is taken for granted until there is something better to go by.
CLUMPING: Final = 0.005
# Never less, so that no count is believed to be perfectly regular; and never more.
LEAST: Final = 0.0002
MOST: Final = 0.3
# Standard errors added to the estimate, and the precision and the minutes from which it is
# believed: one minute, however busy, says nothing of how much minutes differ.
CAUTION: Final = 3.0
PRECISE: Final = 0.001
ENOUGH_MINUTES: Final = 30
STEPS: Final = 20


@dataclass
class Clumping:
    """Running moments of the control's events per minute.

    declared: used until the control has shown enough to be believed.

    phi is the correlation of two requests in the same minute: the variance of a minute's count is
    n p (1 - p) (1 + (n - 1) phi). Moment estimator of the beta-binomial (Williams 1975).
    """

    declared: float = CLUMPING
    events: float = 0.0
    requests: float = 0.0
    squares: float = 0.0
    cross: float = 0.0
    pairs: float = 0.0
    spread: float = 0.0
    minutes: int = 0
    all_events: float = 0.0
    all_requests: float = 0.0
    _phi: float | None = field(default=None, init=False, repr=False, compare=False)

    def see(self, events: int, requests: int, *, calm: bool = True) -> None:
        """One minute of the control; one that is not calm says only how usual trouble is."""
        self.all_events += events
        self.all_requests += requests
        if not calm:
            return
        self._phi = None
        self.minutes += requests > 0
        self.events += events
        self.requests += requests
        self.squares += events * events
        self.cross += events * requests
        self.spread += requests * requests
        self.pairs += requests * (requests - 1)

    @property
    def rate(self) -> float:
        """The control's usual rate of events."""
        return self.all_events / self.all_requests if self.all_requests else 0.0

    def phi(self) -> float:
        """An upper estimate; `declared` until the control has shown enough."""
        if self._phi is None:
            self._phi = self._estimate()
        return self._phi

    @property
    def learnt(self) -> bool:
        """Whether the control has shown enough to go by its own clumps."""
        return self.minutes >= ENOUGH_MINUTES and self._error() <= PRECISE

    def _error(self) -> float:
        """The standard error of the estimate."""
        if self.pairs <= 0 or self.events < 1 or self.events == self.requests:
            return math.inf
        rate = self.events / self.requests
        # Var[(k - n p)^2 / variance] is about 2 n^2 + n / variance for independent requests.
        return math.sqrt(2 * self.spread + self.requests / (rate * (1 - rate))) / self.pairs

    def _estimate(self) -> float:
        error = self._error()
        if math.isinf(error):
            return self.declared
        rate = self.events / self.requests
        variance = rate * (1 - rate)
        # sum (k - n p)^2 = sum k^2 - 2 p sum k n + p^2 sum n^2
        squared = self.squares - 2 * rate * self.cross + rate * rate * self.spread
        estimate = (squared / variance - self.requests) / self.pairs
        if not self.learnt:
            return min(MOST, max(self.declared, estimate - error))
        # A variance over so few minutes is itself this uncertain (chi-squared).
        spread = 1 + CAUTION * math.sqrt(2 / self.minutes)
        upper = max(1.5 * estimate, spread * estimate, estimate + CAUTION * error)
        return min(MOST, _rounded(upper)) if upper > LEAST else LEAST


def _rounded(phi: float) -> float:
    """Up, by one part in STEPS at most: what follows from the same phi need not be found anew."""
    return math.exp(math.ceil(math.log(phi) * STEPS) / STEPS)
