"""Tests for harm that begins at any time: absolute, and relative to the control."""

from dataclasses import dataclass
from operator import add
from typing import Final, Generic, NamedTuple

from rollout.domain.bets import Bets, Counts, Null
from rollout.domain.wealth import REMEMBERED, Wealth

# When harm begins: with the first exposure, with a step of the ramp, or at any minute.
FIRST, STEP, SPREAD = 0.7, 0.04, 0.1
# A block of the relative test: the least control requests that make a comparison.
BLOCK: Final = 15


class When(NamedTuple):
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


class Absolute(Generic[Null]):
    """Is the candidate worse than a null that is known, whatever the control does?"""

    def __init__(self, bets: Bets[Null], planned: int, remembered: int = REMEMBERED) -> None:
        self.bets = bets
        self.wealth = Wealth(bets.alternatives, remembered=remembered)
        self.onset = Onset(planned)

    def see(self, counts: Counts, null: Null, when: When) -> None:
        """One minute's counts, and what they are held against."""
        active = self.bets.asked(counts) > 0
        prior = self.onset.prior(when.phase, active=active)
        if active:
            logs = self.bets.against(counts, null, when.phi)
            self.wealth.bet(logs, prior, when.minute, capped=when.capped)


class Relative(Absolute[Null]):
    """Is it worse than the control in the same minutes, or than what stands in for it?

    block: counts of the candidate and of the control that wait for more of the control's.
    """

    block: tuple[Counts, Counts] | None = None
    _phase = -1

    def compare(self, candidate: Counts, control: Counts, when: When) -> None:
        """One minute's counts of both arms: a part of a block."""
        self._enter(when)
        if self.block:
            candidate, control = _sum(self.block[0], candidate), _sum(self.block[1], control)
        self.block = candidate, control
        if self.bets.asked(control) >= BLOCK:
            self._close(when)

    def see(self, counts: Counts, null: Null, when: When) -> None:
        """The candidate's counts of a minute of full exposure, where there is no control."""
        self._enter(when)
        super().see(counts, null, when)

    def _enter(self, when: When) -> None:
        if when.phase != self._phase:
            self._close(when)
            self._phase = when.phase

    def _close(self, when: When) -> None:
        """Bet on the block so far and begin another."""
        block, self.block = self.block, None
        active = block is not None and all(map(self.bets.asked, block))
        prior = self.onset.prior(self._phase, active=active)
        if block is None or not active:
            return
        logs = self.bets.between(*block, when.phi)
        if logs:
            self.wealth.bet(logs, prior, when.minute, capped=when.capped)
        else:
            self.wealth.wait(prior, when.minute)


def _sum(some: Counts, more: Counts) -> Counts:
    return tuple(map(add, some, more))
