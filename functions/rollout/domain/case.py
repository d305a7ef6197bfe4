"""The case on one metric: the evidence that the candidate is worse than tolerated."""

import math
from dataclasses import dataclass
from typing import Final, Generic

from rollout.domain.bets import (
    FRACTIONAL_ODDS,
    ODDS,
    SLOW_ODDS,
    Counts,
    Null,
    Odds,
    Rates,
    ladder,
)
from rollout.domain.harm import Absolute, Relative, When
from rollout.domain.wealth import REMEMBERED, alternatives

ERRORS, SLOW, MISMATCHES, SHADOW_FAILURES = "errors", "slow", "mismatches", "shadow_failures"
TENANTS: Final = "tenants"
# The control's errors, so many times, excuse the candidate's: those of its past at full exposure,
# those of the same minute while it is in trouble.
EXCUSED: Final = 2.0
MOST_USUAL: Final = 0.5
# So many minutes after a gross one of users' errors a second one decides.
LONG_REMEMBERED: Final = 60
# Standard errors added to the control's past rate.
CAUTION: Final = 2.0


@dataclass(frozen=True)
class Rail:
    """One metric's promise: rates 0..1, and the part of alpha spent on it.

    tolerated: at or below it the candidate must not be rolled back. limit: above it somebody must
    act. full, full_limit: the same two at full exposure, where no control is left to compare with,
    and full_share the part of alpha for that.
    """

    tolerated: float
    limit: float
    share: float
    full: float = 0.0
    full_limit: float = 0.0
    full_share: float = 0.0


class Comparison(Generic[Null]):
    """The evidence, absolute and, where a control answers too, relative to it.

    Both must speak against the candidate. An outage that both arms share is not relative, a
    regression below what is tolerated is not absolute. null: what is tolerated.
    """

    def __init__(
        self, null: Null, absolute: Absolute[Null], relative: Relative[Null] | None
    ) -> None:
        self.null, self.absolute, self.relative = null, absolute, relative

    def see(
        self, counts: Counts, control: Counts | None, when: When, usual: Null | None = None
    ) -> None:
        """One minute's counts, per arm.

        usual: what the control's are like, where the source knows better than what is tolerated.
        """
        null = self.null if usual is None else usual
        excused = null if when.calm else self._excused(null, control)
        if excused is not None:
            self.absolute.see(counts, excused, when)
        if self.relative and control:
            self.relative.compare(counts, control, when)

    def see_full(self, counts: Counts, late: Counts, when: When, usual: Null | None = None) -> None:
        """One minute's counts at full exposure; late: those that may not be there."""
        self.absolute.see(counts, self.null if usual is None else usual, when)
        if self.relative:
            self.relative.see(late, self._stand_in() if usual is None else usual, when)

    def _excused(self, null: Null, control: Counts | None) -> Null | None:
        """What a control in trouble excuses; None where nothing is known to be worse than that."""
        return None

    def _stand_in(self) -> Null:
        """What is no worse than a control that is gone."""
        return self.null

    @property
    def value(self) -> float:
        """The e-value of the comparison with the control."""
        most = self.most
        return min(most, self.relative.wealth.value) if self.relative else most

    @property
    def most(self) -> float:
        """What the e-value is at most, which is known without comparing."""
        return self.absolute.wealth.value


class Case(Comparison[float]):
    """The evidence on one metric; counts are (events, requests).

    When the control is gone, at full exposure, its past stands in for it, where it is remembered;
    and a test of its own begins, for harm that was not there before.
    """

    def __init__(self, metric: str, rail: Rail, planned: int) -> None:
        comes_and_goes = metric == ERRORS
        # Errors that come back within an hour are harm; every step of the ramp is slow at first.
        remembered = LONG_REMEMBERED if comes_and_goes else REMEMBERED
        fractional = FRACTIONAL_ODDS if comes_and_goes else ()
        odds = alternatives(SLOW_ODDS if metric == SLOW else ODDS, fractional)
        rates = ladder(rail.tolerated, fractional=comes_and_goes)
        relative = Relative(Odds(odds), planned, remembered)
        super().__init__(
            rail.tolerated,
            Absolute(Rates(rates), planned, remembered),
            None if metric == MISMATCHES else relative,
        )
        self.rail = rail
        self.full: Absolute[float] | None = None
        if rail.full_share:
            self.full = Absolute(Rates(ladder(rail.full)), planned, remembered)
        self.past = (0, 0)

    def see_full(
        self, counts: Counts, late: Counts, when: When, usual: float | None = None
    ) -> None:
        """One minute's counts at full exposure; late: those that may not be there."""
        super().see_full(counts, late, when, usual)
        if self.full:
            self.full.see(late, self._excused_by_past() if usual is None else usual, when)

    def _excused(self, null: float, control: Counts | None) -> float | None:
        twice = EXCUSED * control[0] / control[1] if control and control[1] else 1.0
        return max(null, twice) if twice < 1 else None

    def _excused_by_past(self) -> float:
        """The rate that accuses nobody at full exposure: the control's past excuses as much."""
        events, requests = self.past
        usual = min(MOST_USUAL, EXCUSED * events / requests) if requests else 0.0
        return max(self.rail.full, usual)

    def _stand_in(self) -> float:
        events, requests = self.past
        if not requests:
            return self.rail.full
        # On the upper side of the estimate: a control that never failed may do so yet.
        upper = events + 1 + CAUTION * math.sqrt(events + 1)
        return min(MOST_USUAL, EXCUSED * upper / requests)

    def remember(self, control: Counts) -> None:
        """Add the control's (events, requests) of one minute to its past."""
        self.past = (self.past[0] + control[0], self.past[1] + control[1])

    @property
    def at_full(self) -> float:
        """Its share of alpha times the e-value of full exposure by itself."""
        return self.rail.full_share * self.full.wealth.value if self.full else 0.0

    @property
    def weight(self) -> float:
        """Its share of alpha times all of its evidence."""
        return self.rail.share * self.value + self.at_full

    @property
    def most_weight(self) -> float:
        """What `weight` is at most, which is known without comparing."""
        return self.rail.share * self.most + self.at_full

    def shaken(self, minute: int) -> bool:
        """Whether a minute was gross lately, also compared with the control, or without one."""
        if self.full and self.full.wealth.shaken(minute):
            return True
        if not self.absolute.wealth.shaken(minute):
            return False
        return self.relative is None or self.relative.wealth.shaken(minute)

    @property
    def above_limit(self) -> bool:
        """Whether most of the evidence lies on rates above the limit, not just above tolerated."""
        return self.absolute.wealth.share_above(self.rail.limit) > 0.5

    @property
    def accusing_at_full(self) -> float:
        """`at_full` where most of it lies on rates above the limit, else 0."""
        if self.full and self.full.wealth.share_above(self.rail.full_limit) > 0.5:
            return self.at_full
        return 0.0

    def onset(self) -> int:
        """The number of the minute from which the evidence speaks of harm."""
        if self.full and self.at_full > self.rail.share * self.value:
            return self.full.wealth.onset()
        return self.absolute.wealth.onset()
