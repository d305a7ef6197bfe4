"""How long requests take: a log-normal body with a log-normal tail, in a histogram."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from benchmarks.decision.levels import BUCKETS, FIRST_MS, RATIO

Floats = npt.NDArray[np.float64]

P95: Final = 0.95
_Z: Final = np.linspace(-8.0, 8.0, 8001)
_NORMAL: Final = np.array([0.5 * math.erfc(-z / math.sqrt(2)) for z in _Z])
# The inner edges: the first and the last bucket are open.
_EDGES: Final[Floats] = np.array(
    [math.log(FIRST_MS) + math.log(RATIO) * edge for edge in range(1, BUCKETS)]
)


@dataclass(frozen=True)
class Latency:
    """Medians in milliseconds, spreads of the logarithm, and the share of requests in the tail."""

    body_ms: float
    body_spread: float
    tail_ms: float
    tail_spread: float
    tail_share: float

    def below(self, log_ms: Floats, scale: Floats, tail: Floats) -> Floats:
        """The share of requests faster than exp(log_ms), with times multiplied by `scale`."""
        shift = np.log(scale)
        body = (log_ms - math.log(self.body_ms) - shift) / self.body_spread
        late = (log_ms - math.log(self.tail_ms) - shift) / self.tail_spread
        return (1 - tail) * _normal(body) + tail * _normal(late)

    def shares(self, scale: Floats, tail: Floats) -> Floats:
        """Minutes x buckets: the share of each minute's requests in each bucket."""
        inner = self.below(_EDGES[None, :], scale[:, None], tail[:, None])
        edges = np.concatenate([np.zeros((len(scale), 1)), inner, np.ones((len(scale), 1))], axis=1)
        found = np.diff(edges, axis=1).clip(min=0)
        return np.asarray(found / found.sum(axis=1, keepdims=True))

    def p95_log_ms(self) -> float:
        """The logarithm of the time 95 % of the requests stay below, at scale 1."""
        low, high = math.log(FIRST_MS) - 5, math.log(FIRST_MS) + 15
        one, tail = np.ones(1), np.array([self.tail_share])
        for _ in range(50):
            middle = (low + high) / 2
            if self.below(np.array([middle]), one, tail)[0] < P95:
                low = middle
            else:
                high = middle
        return high

    def excess_slow(self, scale: Floats, tail: Floats, tolerated: float) -> Floats:
        """The share of requests above `tolerated` x p95 that would not be there without harm."""
        cutoff = np.array([self.p95_log_ms() + math.log(tolerated)])
        usual = self.below(cutoff, np.ones(1), np.array([self.tail_share]))
        return np.asarray((usual - self.below(cutoff, scale, tail)).clip(min=0))


def _normal(z: Floats) -> Floats:
    return np.asarray(np.interp(z, _Z, _NORMAL))
