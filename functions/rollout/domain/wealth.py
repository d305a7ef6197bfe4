"""E-processes for counts: the wealth of bets against "the candidate is tolerable".

A bet's factor has expectation <= 1 while the null holds, so wealth reaches 1/alpha with a chance
of at most alpha, however often and whenever one looks (Ville 1939; Grunwald, de Heide & Koolen,
"Safe testing", arXiv 1906.07801). Averages of e-processes are e-processes, whatever their
dependence; the smaller of two is one for the union of their nulls (Vovk & Wang, arXiv 1912.06116).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

# A minute that may not decide alone pays at most this. For a while after a gross
# minute there is no such limit, so that two gross minutes do decide. What a minute may pay is known
# before it begins, so expectations stay <= 1.
CAP: Final = 64.0
GROSS: Final = 8.0
REMEMBERED: Final = 15
# So many minutes after a gross one nobody is promoted.
QUIET: Final = 5
# What is staked on an effect, over what is on the next smaller one: large ones show soon enough.
TAPER: Final = 0.8
LOG_BOUND: Final = 600.0
# Far above any 1/alpha and far below overflow: wealth beyond it changes no decision.
RICH: Final = 1e60
LOG_CAP, LOG_GROSS, LOG_RICH = math.log(CAP), math.log(GROSS), math.log(RICH)


@dataclass(frozen=True)
class Alternative:
    """One effect size to bet on: a rate or an odds ratio, and its share of the stake.

    fraction < 1 stakes only that part in each minute: little is lost in healthy minutes, so harm
    that comes and goes is found.
    """

    effect: float
    share: float
    fraction: float = 1.0


@dataclass
class Wealth:
    """A mixture over effect sizes and over onsets: money not yet staked waits for later harm.

    onset: for the richest alternative, the minute from which the evidence speaks against the
    candidate (a cumulative sum that restarts whenever it falls below zero; Page 1954). gross: the
    last minute that spoke loudly against it; utmost: the last that said all that one minute may.
    remembered: for how many minutes both are. effects: those of the alternatives. value: the
    e-value, 1 at the start.
    """

    alternatives: Sequence[Alternative]
    stakes: list[float] = field(default_factory=list)
    unspent: float = 1.0
    sums: list[float] = field(default_factory=list)
    onsets: list[int] = field(default_factory=list)
    gross: int | None = None
    utmost: int | None = None
    remembered: int = REMEMBERED

    def __post_init__(self) -> None:
        self.stakes = self.stakes or [0.0] * len(self.alternatives)
        self.sums = self.sums or [0.0] * len(self.alternatives)
        self.onsets = self.onsets or [0] * len(self.alternatives)
        self.effects = tuple(one.effect for one in self.alternatives)
        self._shares = [one.share for one in self.alternatives]
        self._fractions = [
            (index, one.fraction)
            for index, one in enumerate(self.alternatives)
            if one.fraction != 1
        ]
        self.value = sum(self.stakes) + self.unspent

    def bet(self, logs: Sequence[float], prior: float, minute: int, *, capped: bool = True) -> None:
        """Stake `prior` of the first money on harm that begins now, then take the factors.

        logs: their natural logarithms, one per alternative. capped: whether the minute may not
        decide alone.
        """
        recent = self.gross is not None and minute - self.gross <= self.remembered
        most, best = LOG_CAP if capped and not recent else LOG_RICH, max(logs)
        if best >= LOG_GROSS:
            self.gross = minute
        if best >= LOG_CAP:
            self.utmost = minute
        if best > most:
            logs = [log if log < most else most for log in logs]
        if min(logs) < -LOG_BOUND:
            # Never 0, so that wealth is never lost for good by a rounding.
            logs = [log if log > -LOG_BOUND else -LOG_BOUND for log in logs]
        factors = list(map(math.exp, logs))
        if self._fractions:
            logs = list(logs)
            for index, fraction in self._fractions:
                factors[index] = 1 - fraction + fraction * factors[index]
                logs[index] = math.log(factors[index])
        self._stake(prior, factors)
        self._date(logs, minute)

    def wait(self, prior: float, minute: int) -> None:
        """`bet` in a minute that says nothing: every factor is 1."""
        nothing = [0.0] * len(self.stakes)
        self._stake(prior, [1.0] * len(nothing))
        self._date(nothing, minute)

    def _stake(self, prior: float, factors: Sequence[float]) -> None:
        fresh = prior if prior < self.unspent else self.unspent
        self.unspent -= fresh
        stakes = [
            (stake + share * fresh) * factor
            for stake, share, factor in zip(self.stakes, self._shares, factors, strict=True)
        ]
        total = sum(stakes)
        if total > RICH:
            stakes = [min(stake, RICH) for stake in stakes]
            total = sum(stakes)
        self.stakes, self.value = stakes, total + self.unspent

    def _date(self, logs: Sequence[float], minute: int) -> None:
        """Go on with the sums; those that are not above zero begin anew with this minute."""
        if max(self.sums) <= 0:
            self.sums, self.onsets = list(logs), [minute] * len(logs)
            return
        for index, log in enumerate(logs):
            if self.sums[index] <= 0:
                self.sums[index], self.onsets[index] = log, minute
            else:
                self.sums[index] += log

    def shaken(self, minute: int) -> bool:
        """Whether harm may have begun lately: a gross minute, or as much in several; and one that
        said all that it may, for as long as a second one decides.
        """
        if self.utmost is not None and minute - self.utmost < self.remembered:
            return True
        if self.adds_up:
            return True
        return self.gross is not None and minute - self.gross < QUIET

    @property
    def adds_up(self) -> bool:
        """Whether several minutes together say as much as a gross one."""
        return max(self.sums) >= LOG_GROSS

    def share_above(self, limit: float) -> float:
        """The part (0..1) of what was staked that lies on effects above the limit."""
        total = sum(self.stakes)
        pairs = zip(self.alternatives, self.stakes, strict=True)
        above = sum(stake for one, stake in pairs if one.effect > limit)
        return above / total if total > 0 else 0.0

    def onset(self) -> int:
        """The minute since which the richest alternative gains; meaningless while value <= 1."""
        richest = max(range(len(self.stakes)), key=self.stakes.__getitem__)
        return self.onsets[richest]


def alternatives(
    effects: Sequence[float], fractional: Sequence[float] = (), fraction: float = 0.05
) -> tuple[Alternative, ...]:
    """The more is staked on an effect the smaller it is; on a fractional one half of the least."""
    stakes = [TAPER**index for index in range(len(effects))]
    few = stakes[-1] / 2
    total = sum(stakes) + few * len(fractional)
    pairs = zip(effects, stakes, strict=True)
    whole = [Alternative(effect, stake / total) for effect, stake in pairs]
    return (*whole, *[Alternative(effect, few / total, fraction) for effect in fractional])
