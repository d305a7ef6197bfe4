"""How much more likely the counts of a minute are under the harm than under what is tolerated."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Protocol

import numpy as np

from benchmarks.decision.latency import Floats
from benchmarks.decision.simulate import Ints
from benchmarks.decision.world import Flags

# No bucket is impossible, so that no single request is proof.
LEAST_SHARE: Final = 1e-12
# Up to so many requests, times are drawn one by one; above, bucket by bucket.
FEW: Final = 64


class Part(Protocol):
    """One kind of count over a rollout, under two laws: the true one, and the tolerated one."""

    @property
    def speaks(self) -> Flags:
        """The minutes in which the two laws differ and something was asked."""
        ...

    def seen(self, minute: int) -> float:
        """The logarithm of the likelihood ratio of what was counted."""
        ...

    def drawn(
        self, minute: int, chance: np.random.Generator, size: int, *, harmful: bool = True
    ) -> Floats:
        """The same of `size` counts that might have been, under one of the laws."""
        ...


@dataclass(frozen=True)
class Events:
    """Events among requests, minute by minute.

    harmful, tolerated: rates 0..1 of each minute. clump: the correlation within a minute; above 0
    the counts are beta-binomial, else binomial.
    """

    requests: Ints
    events: Ints
    harmful: Floats
    tolerated: Floats
    clump: float = 0.0

    @property
    def speaks(self) -> Flags:
        return (self.requests > 0) & (self.harmful > self.tolerated)

    def ratios(self, minute: int) -> Floats:
        """The logarithm of the likelihood ratio for 0, 1, .. all requests."""
        requests = int(self.requests[minute])
        harmful, tolerated = self.harmful[minute], self.tolerated[minute]
        yes = self._rising(harmful, tolerated, requests)
        no = self._rising(1 - harmful, 1 - tolerated, requests)
        return np.asarray(yes + no[::-1])

    def _rising(self, harmful: float, tolerated: float, most: int) -> Floats:
        """The part of 0, 1, .. most requests of one sort. Each one makes the next likelier: the
        ratio of rising factorials; what depends on the sum of both sorts cancels."""
        steps = np.arange(most)
        weight = 1 / self.clump - 1 if self.clump else 1.0
        more = steps if self.clump else np.zeros(most)
        each = np.log(harmful * weight + more) - np.log(tolerated * weight + more)
        return np.concatenate([np.zeros(1), np.cumsum(each)])

    def seen(self, minute: int) -> float:
        return float(self.ratios(minute)[self.events[minute]])

    def drawn(
        self, minute: int, chance: np.random.Generator, size: int, *, harmful: bool = True
    ) -> Floats:
        rate = (self.harmful if harmful else self.tolerated)[minute]
        rates = np.full(size, rate)
        if self.clump:
            weight = 1 / self.clump - 1
            rates = chance.beta(rate * weight, (1 - rate) * weight, size)
        return np.asarray(self.ratios(minute)[chance.binomial(self.requests[minute], rates)])


@dataclass(frozen=True)
class Times:
    """How long requests took: minutes x buckets, and the shares of the buckets of each minute."""

    counts: Ints
    harmful: Floats
    tolerated: Floats

    @cached_property
    def speaks(self) -> Flags:
        differ = np.any(self.harmful != self.tolerated, axis=1)
        return np.asarray((self.counts.sum(axis=1) > 0) & differ)

    def ratios(self, minute: int) -> Floats:
        """The logarithm of the likelihood ratio for one request in each bucket."""
        harmful, tolerated = self.harmful[minute], self.tolerated[minute]
        return np.asarray(
            np.log(harmful.clip(LEAST_SHARE)) - np.log(tolerated.clip(LEAST_SHARE)),
        )

    def seen(self, minute: int) -> float:
        return float(self.counts[minute] @ self.ratios(minute))

    def drawn(
        self, minute: int, chance: np.random.Generator, size: int, *, harmful: bool = True
    ) -> Floats:
        shares = (self.harmful if harmful else self.tolerated)[minute]
        requests = int(self.counts[minute].sum())
        ratios = self.ratios(minute)
        if requests > FEW:
            return np.asarray(chance.multinomial(requests, shares, size) @ ratios)
        which = np.searchsorted(np.cumsum(shares)[:-1], chance.random((size, requests)), "right")
        return np.asarray(ratios[which].sum(axis=1))


class Evidence:
    """All parts of a rollout, which are independent of one another given the truth."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = parts
        speaks = np.any([part.speaks for part in parts], axis=0)
        self.minutes: Ints = np.flatnonzero(speaks)

    def seen(self) -> Floats:
        """What each of `minutes` says: logarithms of likelihood ratios."""
        return np.array([sum(part.seen(m) for part in self._of(m)) for m in self.minutes])

    def drawn(
        self, minute: int, chance: np.random.Generator, size: int, *, harmful: bool = True
    ) -> Floats:
        """What that one might have said, `size` times."""
        found = [part.drawn(minute, chance, size, harmful=harmful) for part in self._of(minute)]
        return np.asarray(np.sum(found, axis=0))

    def _of(self, minute: int) -> list[Part]:
        return [part for part in self._parts if part.speaks[minute]]
