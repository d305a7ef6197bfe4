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

# No single minute may decide alone: a one-minute blip pays at most this. For a while after a gross
# minute there is no such limit, so that two gross minutes do decide. What a minute may pay is known
# before it begins, so expectations stay <= 1.
CAP: Final = 64.0
GROSS: Final = 8.0
REMEMBERED: Final = 15
# So many minutes after a gross one nobody is promoted.
QUIET: Final = 5
LOG_BOUND: Final = 600.0
# Far above any 1/alpha and far below overflow: wealth beyond it changes no decision.
RICH: Final = 1e60


def absolute(events: int, requests: int, null: float, rate: float, phi: float) -> float:
    """The factor of one minute for "the rate is `rate`" against "it is at most `null`".

    A likelihood ratio of beta-binomials with intra-minute correlation phi, so that errors that
    come in clumps are not taken for many. Its expectation is <= 1 for every count with a mean of
    at most `null` and a correlation of at most phi, provided rate >= null + phi.
    """
    return absolutes(events, requests, null, (rate,), phi)[0]


def absolutes(
    events: int,
    requests: int,
    null: float,
    rates: Sequence[float],
    phi: float,
    least: float = 0.0,
) -> list[float]:
    """`absolute` for several rates, what they share computed once; 1 for rates of at most `least`,
    which are too near to the null to be bet on.
    """
    if requests == 0:
        return [1.0] * len(rates)
    ok = requests - events
    if independent(requests, phi):
        return [
            _factor(events * math.log(rate / null) + ok * math.log((1 - rate) / (1 - null)))
            if rate > least
            else 1.0
            for rate in rates
        ]
    size = 1 / phi - 1
    base = _log_rising(events, requests, size * null, size * (1 - null))
    return [
        _factor(_log_rising(events, requests, size * rate, size * (1 - rate)) - base)
        if rate > least
        else 1.0
        for rate in rates
    ]


def independent(requests: int, phi: float) -> bool:
    """Whether so few requests are as good as independent: then binomials do, and are cheaper."""
    return phi * (requests - 1) < 1e-3


def _factor(log: float) -> float:
    # Never 0, so that wealth is never lost for good by a rounding.
    return math.exp(max(-LOG_BOUND, min(LOG_BOUND, log)))


def _log_rising(events: int, requests: int, a: float, b: float) -> float:
    """ln of B(events + a, requests - events + b) / B(a, b), up to the term both hypotheses share.

    a + b is the same under both, so ln gamma of the sums cancels.
    """
    ok = requests - events
    log = math.lgamma(ok + b) - math.lgamma(b)
    return log + (math.lgamma(events + a) - math.lgamma(a) if events else 0.0)


def relative(
    candidate: tuple[int, int], control: tuple[int, int], odds: float, phi: float
) -> float:
    """The factor of one block for "the candidate's odds are `odds` times the control's".

    candidate, control: (events, requests) of the same minutes. Given how many events there were in
    both arms, the candidate's share of them is at most its share of requests while its odds are not
    the worse ones (Fisher's conditional argument). Correlation tempers the factor, which keeps its
    expectation <= 1 (Jensen).
    """
    (bad, asked), (bad_control, asked_control) = candidate, control
    if asked == 0 or asked_control == 0 or bad + bad_control == 0:
        return 1.0
    fair = asked / (asked + asked_control)
    unfair = odds * asked / (odds * asked + asked_control)
    log = bad * math.log(unfair / fair) + bad_control * math.log((1 - unfair) / (1 - fair))
    return _factor(log / (1 + (asked - 1) * phi))


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
    last minute that spoke loudly against it.
    """

    alternatives: Sequence[Alternative]
    stakes: list[float] = field(default_factory=list)
    unspent: float = 1.0
    sums: list[float] = field(default_factory=list)
    onsets: list[int] = field(default_factory=list)
    gross: int | None = None

    def __post_init__(self) -> None:
        self.stakes = self.stakes or [0.0] * len(self.alternatives)
        self.sums = self.sums or [0.0] * len(self.alternatives)
        self.onsets = self.onsets or [0] * len(self.alternatives)

    def bet(self, factors: Sequence[float], prior: float, minute: int) -> None:
        """Stake `prior` of the first money on harm that begins now, then take the factors."""
        recent = self.gross is not None and minute - self.gross <= REMEMBERED
        most = RICH if recent else CAP
        fresh = min(prior, self.unspent)
        self.unspent -= fresh
        stakes, sums = self.stakes, self.sums
        for index, (one, factor) in enumerate(zip(self.alternatives, factors, strict=True)):
            paid = factor if factor < most else most
            if one.fraction != 1:
                paid = 1 - one.fraction + one.fraction * paid
            stake = (stakes[index] + one.share * fresh) * paid
            stakes[index] = stake if stake < RICH else RICH
            if sums[index] <= 0:
                sums[index], self.onsets[index] = 0.0, minute
            sums[index] += math.log(paid)
        if max(factors) >= GROSS:
            self.gross = minute

    def shaken(self, minute: int) -> bool:
        """Whether a gross minute was so lately that it may be the first of many."""
        return self.gross is not None and minute - self.gross < QUIET

    @property
    def value(self) -> float:
        """The e-value: 1 at the start."""
        return sum(self.stakes) + self.unspent

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
    """Equal shares for every effect; the fractional ones have half of one."""
    parts = len(effects) + len(fractional) / 2
    whole = [Alternative(effect, 1 / parts) for effect in effects]
    return (*whole, *[Alternative(effect, 0.5 / parts, fraction) for effect in fractional])
