"""The case against the candidate: e-processes per metric, fed minute by minute.

What they call for is said in `verdict`; here is only evidence. All of it can be recomputed from
the minutes, in any process, at any time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from rollout.domain.clumping import CLUMPING, Clumping
from rollout.domain.harm import (
    FRACTIONAL_ODDS,
    ODDS,
    SLOW_ODDS,
    Absolute,
    Onset,
    Relative,
    ladder,
    odds_ladder,
)
from rollout.domain.latency import BODY
from rollout.domain.minute import Minute
from rollout.domain.wealth import Wealth, alternatives
from rollout.domain.window import Arm

ERRORS, SLOW, MISMATCHES, SHADOW_FAILURES = "errors", "slow", "mismatches", "shadow_failures"
TENANTS: Final = "tenants"
# A minute in which the control itself is in trouble says nothing absolute about the candidate.
TROUBLE_REQUESTS, TROUBLE_ERRORS, TROUBLE_RATE, TROUBLE_RATIO = 20, 3, 0.02, 3.0
TROUBLE_SLOW: Final = 0.15
# Slow requests come in clumps too: the speed of everything drifts, and the body follows at once.
SLOW_CLUMPING, BODY_CLUMPING = 0.005, 0.01
# How the evidence on slow requests is shared out: to the p95, and to the body of the distribution.
TAIL_SHARE: Final = 0.5
# At full exposure the control's past errors, so many times, are the candidate's excuse.
FULL_RATIO: Final = 2.0


@dataclass(frozen=True)
class Rail:
    """One metric's promise: rates 0..1, and the part of alpha spent on it.

    tolerated: at or below it the candidate must not be rolled back. limit: above it somebody must
    act. full: what is tolerated at full exposure, where no control is left to compare with, and
    full_share the part of alpha for that.
    """

    tolerated: float
    limit: float
    share: float
    full: float = 0.0
    full_share: float = 0.0


class Case:
    """The evidence on one metric: absolute and, where a control answers too, relative to it.

    Both must speak against the candidate. An outage that both arms share is not relative, a
    regression below what is tolerated is not absolute.
    """

    def __init__(self, metric: str, rail: Rail, planned: int, *, body: bool = False) -> None:
        self.rail = rail
        rates = ladder(rail.tolerated, fractional=metric == ERRORS)
        if body:
            rates = odds_ladder(rail.tolerated)
        self.absolute = Absolute(rail.tolerated, Wealth(rates), Onset(planned))
        self.relative: Relative | None = None
        if metric == SLOW:
            self.relative = Relative(Wealth(alternatives(SLOW_ODDS)), Onset(planned))
        elif metric != MISMATCHES:
            odds = alternatives(ODDS, FRACTIONAL_ODDS)
            self.relative = Relative(Wealth(odds), Onset(planned))
        self.full: Absolute | None = None
        if rail.full_share:
            self.full = Absolute(rail.full, Wealth(ladder(rail.full)), Onset(planned))

    @property
    def value(self) -> float:
        """The e-value while there is a control."""
        found = self.absolute.wealth.value
        return min(found, self.relative.wealth.value) if self.relative else found

    @property
    def at_full(self) -> float:
        """Its share of alpha times the e-value of full exposure, where no control is left."""
        return self.rail.full_share * self.full.wealth.value if self.full else 0.0

    def shaken(self, minute: int) -> bool:
        """Whether a minute was gross lately, also compared with the control, or without one."""
        if self.full and self.full.wealth.shaken(minute):
            return True
        if self.relative and not self.relative.wealth.shaken(minute):
            return False
        return self.absolute.wealth.shaken(minute)

    @property
    def above_limit(self) -> bool:
        """Whether most of the evidence lies on rates above the limit, not just above tolerated."""
        return self.absolute.wealth.share_above(self.rail.limit) > 0.5


class Trial:
    """All cases of one rollout.

    rails: metric -> Rail. planned: how many minutes the rollout is meant to take. tenant: the Rail
    of each single tenant, its share that of all of them together. clumping: declared, until the
    control has shown its own.
    """

    def __init__(
        self,
        rails: Mapping[str, Rail],
        planned: int,
        tenant: Rail | None = None,
        clumping: float = CLUMPING,
    ) -> None:
        self.planned = planned
        self.cases = {name: Case(name, rail, planned) for name, rail in rails.items()}
        self.body = [
            Case(SLOW, Rail(1 - level, 1 - level, 0.0), planned, body=True) for level in BODY
        ]
        self.tenant = tenant
        self.tenants: list[Case] = []
        self.clumping, self.slow_clumping = (
            Clumping(clumping),
            Clumping(max(clumping, SLOW_CLUMPING)),
        )
        self.number = 0

    def see(self, minute: Minute) -> None:
        """Take one minute in. A minute without telemetry changes nothing."""
        self.number += 1
        control, candidate = minute.control, minute.candidate
        if control is None or candidate is None:
            return
        at = (minute.stage, self.number)
        phi, slow_phi = self.clumping.phi(), self.slow_clumping.phi()
        calm = not self._in_trouble(control)
        errors = (control.errors, control.requests)
        if minute.shadow:
            failed = (minute.shadow.failed, minute.shadow.asked)
            mismatched = (minute.shadow.mismatched, minute.shadow.compared)
            self._see(self.cases[SHADOW_FAILURES], failed, errors, phi, at, calm)
            self._see(self.cases[MISMATCHES], mismatched, None, phi, at, True)
        bad, slow = (candidate.errors, candidate.requests), (candidate.slow, candidate.requests)
        if minute.exposure >= 1:
            self._see_full(bad, slow, phi, slow_phi, at)
        elif minute.exposure > 0:
            self._see(self.cases[ERRORS], bad, errors, phi, at, calm)
            self._see(self.cases[SLOW], slow, (control.slow, control.requests), slow_phi, at, calm)
            self._see_body(minute, max(slow_phi, BODY_CLUMPING), at, calm)
            self._see_tenants(minute, phi, at, calm)
        self.clumping.see(*errors, calm=calm)
        self.slow_clumping.see(control.slow, control.requests, calm=calm)

    def _see(
        self,
        case: Case,
        counts: tuple[int, int],
        control: tuple[int, int] | None,
        phi: float,
        at: tuple[int, int],
        calm: bool,
    ) -> None:
        if calm:
            case.absolute.see(counts, phi, at)
        if case.relative and control:
            case.relative.see(counts, control, phi, at)

    def _see_full(
        self,
        bad: tuple[int, int],
        slow: tuple[int, int],
        phi: float,
        slow_phi: float,
        at: tuple[int, int],
    ) -> None:
        """Full exposure: no control is left, so the limits alone count, and its past."""
        errors, latency = self.cases[ERRORS].full, self.cases[SLOW].full
        if errors:
            errors.see(bad, phi, at, FULL_RATIO * self.clumping.rate)
        if latency:
            latency.see(slow, slow_phi, at)

    def _see_body(self, minute: Minute, phi: float, at: tuple[int, int], calm: bool) -> None:
        asked_control = minute.control.requests if minute.control else 0
        asked = minute.candidate.requests if minute.candidate else 0
        for case, (slow_control, slow) in zip(self.body, minute.body, strict=False):
            self._see(case, (slow, asked), (slow_control, asked_control), phi, at, calm)

    def _see_tenants(self, minute: Minute, phi: float, at: tuple[int, int], calm: bool) -> None:
        if self.tenant is None:
            return
        while len(self.tenants) < len(minute.tenants):
            self.tenants.append(Case(TENANTS, self.tenant, self.planned))
        for case, (asked, errors, asked_candidate, errors_candidate) in zip(
            self.tenants, minute.tenants, strict=False
        ):
            counts = (errors_candidate, asked_candidate)
            self._see(case, counts, (errors, asked), phi, at, calm)

    def _in_trouble(self, control: Arm) -> bool:
        """Whether the control is far off what it usually is, so that the minute is no evidence."""
        if control.requests < TROUBLE_REQUESTS:
            return False
        usual = TROUBLE_RATIO * self.clumping.rate
        errors = control.errors >= TROUBLE_ERRORS
        if errors and control.errors / control.requests > max(TROUBLE_RATE, usual):
            return True
        usual_slow = TROUBLE_RATIO * self.slow_clumping.rate
        return control.slow / control.requests > max(TROUBLE_SLOW, usual_slow)

    @property
    def worst_tenant(self) -> int:
        """The number of the tenant with the most evidence."""
        return max(range(len(self.tenants)), key=lambda number: self.tenants[number].value)

    def onset(self, metric: str) -> int:
        """The number of the minute from which the evidence on a metric speaks of harm."""
        if metric == TENANTS:
            return self.tenants[self.worst_tenant].absolute.wealth.onset()
        case = self.cases[metric]
        if case.full and case.at_full > case.rail.share * case.value:
            return case.full.wealth.onset()
        return case.absolute.wealth.onset()

    def _slow(self) -> float:
        """The e-value on slow requests: of the tail, and of the body where it is known."""
        tail = self.cases[SLOW].value
        body = sum(case.value for case in self.body) / len(self.body)
        return TAIL_SHARE * tail + (1 - TAIL_SHARE) * body

    @property
    def shaken(self) -> bool:
        """Whether one of the last minutes was bad enough to wait for the next."""
        return any(case.shaken(self.number) for case in self.cases.values())

    def values(self) -> dict[str, float]:
        """metric -> its share of alpha times its e-value.

        The sum reaches 1/alpha with a chance of at most alpha while the candidate is tolerable.
        """
        found = {name: case.rail.share * case.value for name, case in self.cases.items()}
        found[SLOW] = self.cases[SLOW].rail.share * self._slow()
        for name, case in self.cases.items():
            found[name] += case.at_full
        if self.tenant and self.tenants:
            mean = sum(case.value for case in self.tenants) / len(self.tenants)
            found[TENANTS] = self.tenant.share * mean
        return found

    def evidence(self, values: Mapping[str, float], slower: bool | None = None) -> dict[str, float]:
        """`values` without those that lie on rates below the limit, where nobody need act.

        slower: whether the source itself says that the p95 is above its limit.
        """
        found = dict(values)
        for name, case in self.cases.items():
            holds = slower if name == SLOW and slower is not None else case.above_limit
            if not holds:
                found[name] = case.at_full
        return found
