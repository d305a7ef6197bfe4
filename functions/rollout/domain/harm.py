"""Tests for harm that begins at any time: absolute, and relative to the control."""

from dataclasses import dataclass
from operator import add
from typing import Final, Generic, NamedTuple

from rollout.domain.bets import Bets, Counts, Null
from rollout.domain.later import Later
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


class Relative(Generic[Null]):
    """Is it worse than the control in the same minutes, or than what stands in for it?

    Nobody asks while the absolute evidence is small, which is most of the time, so all work is put
    off until somebody does. block: counts of the candidate and of the control that wait for more of
    the control's.
    """

    def __init__(self, bets: Bets[Null], planned: int, remembered: int = REMEMBERED) -> None:
        self.block: tuple[Counts, Counts] | None = None
        self._bets = bets
        self._test = Absolute(bets, planned, remembered)
        self._phase = self._latest = -1
        self._later = Later(self._take)

    @property
    def wealth(self) -> Wealth:
        """After all that was seen, which is taken in now."""
        self._later.catch_up()
        return self._test.wealth

    def compare(self, candidate: Counts, control: Counts, when: When) -> None:
        """One minute's counts of both arms: a part of a block."""
        # Without a request there is nothing to compare; but a new phase ends the block.
        if when.phase != self._latest or any(candidate) or any(control):
            self._latest = when.phase
            self._later.put_off(when, candidate, control)

    def see(self, counts: Counts, null: Null, when: When) -> None:
        """The candidate's counts of a minute of full exposure, where there is no control."""
        self._later.put_off(when, counts, None, null)

    def _take(
        self, when: When, candidate: Counts, control: Counts | None, null: Null | None = None
    ) -> None:
        if when.phase != self._phase:
            self._close(when)
            self._phase = when.phase
        if control is not None:
            self._add(candidate, control, when)
        elif null is not None:
            self._test.see(candidate, null, when)

    def _add(self, candidate: Counts, control: Counts, when: When) -> None:
        if self.block:
            candidate, control = _sum(self.block[0], candidate), _sum(self.block[1], control)
        self.block = candidate, control
        if self._bets.asked(control) >= BLOCK:
            self._close(when)

    def _close(self, when: When) -> None:
        """Bet on the block so far and begin another."""
        block, self.block = self.block, None
        active = block is not None and all(map(self._bets.asked, block))
        prior = self._test.onset.prior(self._phase, active=active)
        if block is None or not active:
            return
        logs = self._bets.between(*block, when.phi)
        if logs:
            self._test.wealth.bet(logs, prior, when.minute, capped=when.capped)
        else:
            self._test.wealth.wait(prior, when.minute)


def _sum(some: Counts, more: Counts) -> Counts:
    return tuple(map(add, some, more))
