"""Tests for harm that begins at any time: absolute, and relative to the control."""

from dataclasses import dataclass
from typing import Final

from rollout.domain.likelihood import absolutes, independent, relatives
from rollout.domain.wealth import Alternative, Wealth, alternatives

# When harm begins: with the first exposure, with a step of the ramp, or at any minute.
FIRST, STEP, SPREAD = 0.7, 0.04, 0.1
LADDER: Final = 1.9
HIGHEST: Final = 0.8
ODDS: Final = (2.0, 4.0, 9.0, 20.0, 60.0)
FRACTIONAL_ODDS: Final = (9.0, 60.0)
SLOW_ODDS: Final = (1.5, 2.2, 3.5, 7.0, 15.0)
# A block of the relative test: the least control requests that make a comparison.
BLOCK: Final = 15
ROUNDING: Final = 1e-9
# Events, and the requests they are among.
Counts = tuple[int, int]


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


@dataclass(frozen=True)
class When:
    """Where a minute stands. phase: number of the phase. minute: number of the minute.

    phi: how clumped the metric's events are. calm: whether the control is as usual. capped:
    whether the minute may not decide alone.
    """

    phase: int
    minute: int
    phi: float
    calm: bool = True
    capped: bool = True


@dataclass
class Onset:
    """How much is staked on harm that begins now, over `planned` minutes."""

    planned: int
    began: bool = False
    minutes: int = 0
    idle: int = 0
    stage: int = -1

    def prior(self, stage: int, *, active: bool) -> float:
        """For one minute; what idle minutes have not staked goes with the next active one."""
        self.minutes += 1
        self.idle += 1
        if not active:
            return 0.0
        # Falls with the square of time, so that it lasts however long the rollout is held.
        passed = 1 + (self.minutes - self.idle) / self.planned
        fresh = SPREAD * self.idle / (self.planned * passed * (passed + self.idle / self.planned))
        self.idle = 0
        if not self.began:
            fresh, self.began = FIRST, True
        elif stage != self.stage:
            fresh += STEP
        self.stage = stage
        return fresh


@dataclass
class Absolute:
    """Is the rate above the tolerated one, whatever the control does?"""

    tolerated: float
    wealth: Wealth
    onset: Onset

    def see(self, counts: Counts, when: When, null: float | None = None) -> None:
        """(events, requests) of one minute. null: what is tolerated in it, if not as ever."""
        prior = self.onset.prior(when.phase, active=counts[1] > 0)
        if counts[1]:
            null = self.tolerated if null is None else null
            logs = _against(null, self.wealth.effects, counts, when.phi)
            self.wealth.bet(logs, prior, when.minute, capped=when.capped)


@dataclass
class Relative:
    """Are the candidate's odds worse than the control's in the same minutes?"""

    wealth: Wealth
    onset: Onset
    stage: int = -1
    candidate: Counts = (0, 0)
    control: Counts = (0, 0)

    def see(self, candidate: Counts, control: Counts, when: When) -> None:
        """(events, requests) per arm."""
        self._enter(when)
        self.candidate = _sum(self.candidate, candidate)
        self.control = _sum(self.control, control)
        if self.control[1] >= BLOCK:
            self.close(when)

    def see_alone(self, counts: Counts, usual: float, when: When) -> None:
        """(events, requests) of the candidate in a minute of full exposure, without a control.

        usual: the rate that the control's past lets expect at most.
        """
        self._enter(when)
        prior = self.onset.prior(when.phase, active=counts[1] > 0)
        if counts[1]:
            rates = tuple([at_odds(odds, usual) for odds in self.wealth.effects])
            logs = _against(usual, rates, counts, when.phi)
            self.wealth.bet(logs, prior, when.minute, capped=when.capped)

    def _enter(self, when: When) -> None:
        if when.phase != self.stage:
            self.close(when)
            self.stage = when.phase

    def close(self, when: When) -> None:
        """Bet on the block so far and begin another."""
        (bad, asked), (bad_control, asked_control) = self.candidate, self.control
        active = asked > 0 and asked_control > 0
        prior = self.onset.prior(self.stage, active=active)
        if active and bad + bad_control:
            logs = relatives(self.candidate, self.control, self.wealth.effects, when.phi)
            self.wealth.bet(logs, prior, when.minute, capped=when.capped)
        elif active:
            self.wealth.wait(prior, when.minute)
        self.candidate = self.control = (0, 0)


def _against(
    null: float, rates: tuple[float, ...], counts: Counts, phi: float
) -> tuple[float, ...]:
    """Per rate: the evidence of one minute for it and against the null."""
    # Closer to the null than this, clumped counts could make the expectation exceed 1.
    gap = 0.0 if independent(counts[1], phi) else phi
    return absolutes(counts, null, rates, phi, null + gap - ROUNDING)


def _sum(some: Counts, more: Counts) -> Counts:
    return some[0] + more[0], some[1] + more[1]
