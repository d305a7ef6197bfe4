"""What to bet on against a candidate: rates of events, or odds relative to the control."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Final, Generic, TypeVar

from rollout.domain.likelihood import absolutes, independent, relatives
from rollout.domain.wealth import Alternative, alternatives

LADDER: Final = 1.9
HIGHEST: Final = 0.8
ODDS: Final = (2.4, 6.0, 15.0, 40.0, 150.0)
FRACTIONAL_ODDS: Final = (15.0, 150.0)
SLOW_ODDS: Final = (1.7, 2.6, 4.5, 9.0, 20.0)
ROUNDING: Final = 1e-9
# Of one arm: events and the requests they are among, or requests per group.
Counts = tuple[int, ...]
# What counts are held against: a rate, or the shares of the groups.
Null = TypeVar("Null")


def ladder(tolerated: float, *, fractional: bool = False) -> tuple[Alternative, ...]:
    """Rates to bet on, from half above the tolerated one up to 0.8, in equal ratios."""
    rates, rate = [], 1.5 * tolerated
    while rate < HIGHEST:
        rates.append(rate)
        rate *= LADDER
    rates = rates or [(1 + tolerated) / 2]
    return alternatives(rates, rates[-3:] if fractional else ())


def at_odds(odds: float, rate: float) -> float:
    """The rate whose odds are so many times those of `rate`."""
    return odds * rate / (1 + (odds - 1) * rate)


class Bets(ABC, Generic[Null]):
    """What to bet on, and what counts say for each of the alternatives: natural logarithms of
    factors, whose expectation is at most 1 while the null holds.
    """

    def __init__(self, alternatives: Sequence[Alternative]) -> None:
        self.alternatives = alternatives

    @abstractmethod
    def asked(self, counts: Counts) -> int:
        """How many requests these are."""

    @abstractmethod
    def against(self, counts: Counts, null: Null, phi: float) -> Sequence[float]:
        """What one minute's counts say against the null."""

    @abstractmethod
    def between(self, candidate: Counts, control: Counts, phi: float) -> Sequence[float] | None:
        """What both arms' counts of the same minutes say; None when nothing."""


class Rates(Bets[float]):
    """Bets on the rate of events: counts are (events, requests), a null is the highest rate."""

    def __init__(self, alternatives: Sequence[Alternative]) -> None:
        super().__init__(alternatives)
        self._effects = tuple([one.effect for one in alternatives])

    def asked(self, counts: Counts) -> int:
        return counts[1]

    def against(self, counts: Counts, null: float, phi: float) -> Sequence[float]:
        # Closer to the null than this, clumped counts could make the expectation exceed 1.
        gap = 0.0 if independent(counts[1], phi) else phi
        return absolutes(counts, null, self._rates(null), phi, null + gap - ROUNDING)

    def between(self, candidate: Counts, control: Counts, phi: float) -> Sequence[float] | None:
        if not candidate[0] + control[0]:
            return None
        return relatives(candidate, control, self._effects, phi)

    def _rates(self, null: float) -> tuple[float, ...]:
        return self._effects


class Odds(Rates):
    """Bets on how much more frequent events are than the control's, or on odds over a null's."""

    def _rates(self, null: float) -> tuple[float, ...]:
        return tuple([at_odds(odds, null) for odds in self._effects])
