"""Tests for harm that begins at any time: absolute, and relative to the control."""

from dataclasses import dataclass
from typing import Final

from rollout.domain.likelihood import absolutes, independent, relatives
from rollout.domain.wealth import Alternative, Wealth, alternatives

# When harm begins: with the first exposure, with a step of the ramp, or at any minute.
FIRST, STEP, SPREAD = 0.6, 0.04, 0.2
LADDER: Final = 1.9
HIGHEST: Final = 0.8
ODDS: Final = (2.0, 4.0, 9.0, 20.0, 60.0)
FRACTIONAL_ODDS: Final = (9.0, 60.0)
SLOW_ODDS: Final = (1.5, 2.2, 3.5, 7.0, 15.0)
# A block of the relative test: the least control requests that make a comparison.
BLOCK: Final = 15
ROUNDING: Final = 1e-9


def ladder(tolerated: float, *, fractional: bool = False) -> tuple[Alternative, ...]:
    """Rates to bet on, from half above the tolerated one up to 0.8, in equal ratios."""
    rates, rate = [], 1.5 * tolerated
    while rate < HIGHEST:
        rates.append(rate)
        rate *= LADDER
    rates = rates or [(1 + tolerated) / 2]
    return alternatives(rates, rates[-3:] if fractional else ())


def odds_ladder(tolerated: float) -> tuple[Alternative, ...]:
    """Rates to bet on where the tolerated one is large: worse by the same odds as the relative."""
    return alternatives([odds * tolerated / (1 + (odds - 1) * tolerated) for odds in SLOW_ODDS])


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

    def see(
        self, counts: tuple[int, int], phi: float, at: tuple[int, int], floor: float = 0.0
    ) -> None:
        """(events, requests) of one minute; at: (stage, number of the minute).

        floor: tolerated in this minute if more than what always is.
        """
        (_, requests), (stage, number) = counts, at
        prior = self.onset.prior(stage, active=requests > 0)
        if requests:
            null = max(self.tolerated, floor)
            # Closer to the null than this, clumped counts could make the expectation exceed 1.
            gap = 0.0 if independent(requests, phi) else phi
            logs = absolutes(counts, null, self.wealth.effects, phi, null + gap - ROUNDING)
            self.wealth.bet(logs, prior, number)


@dataclass
class Relative:
    """Are the candidate's odds worse than the control's in the same minutes?"""

    wealth: Wealth
    onset: Onset
    stage: int = -1
    candidate: tuple[int, int] = (0, 0)
    control: tuple[int, int] = (0, 0)

    def see(
        self, candidate: tuple[int, int], control: tuple[int, int], phi: float, at: tuple[int, int]
    ) -> None:
        """(events, requests) per arm; at: (stage, number of the minute)."""
        stage, number = at
        if stage != self.stage:
            self.close(phi, number)
            self.stage = stage
        self.candidate = _sum(self.candidate, candidate)
        self.control = _sum(self.control, control)
        if self.control[1] >= BLOCK:
            self.close(phi, number)

    def close(self, phi: float, number: int) -> None:
        """Bet on the block so far and begin another."""
        (bad, asked), (bad_control, asked_control) = self.candidate, self.control
        active = asked > 0 and asked_control > 0
        prior = self.onset.prior(self.stage, active=active)
        if active and bad + bad_control:
            logs = relatives(self.candidate, self.control, self.wealth.effects, phi)
            self.wealth.bet(logs, prior, number)
        elif active:
            self.wealth.wait(prior, number)
        self.candidate = self.control = (0, 0)


def _sum(some: tuple[int, int], more: tuple[int, int]) -> tuple[int, int]:
    return some[0] + more[0], some[1] + more[1]
