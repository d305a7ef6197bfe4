"""The trial of the candidate: all cases against it, fed minute by minute.

What they call for is said in `verdict`; here is only evidence. All of it can be recomputed from
the minutes, in any process, at any time.
"""

from collections.abc import Mapping
from operator import itemgetter
from typing import Final

from rollout.domain.case import (
    ERRORS,
    MISMATCHES,
    SHADOW_FAILURES,
    SLOW,
    TENANTS,
    Case,
    Rail,
)
from rollout.domain.clumping import CLUMPING, Clumping
from rollout.domain.harm import When
from rollout.domain.latency import Speed
from rollout.domain.minute import Minute
from rollout.domain.slowness import Slowness
from rollout.domain.window import Arm

# A minute in which the control itself is in trouble says nothing absolute about the candidate.
TROUBLE_REQUESTS, TROUBLE_ERRORS, TROUBLE_RATE, TROUBLE_RATIO = 20, 3, 0.02, 3.0
TROUBLE_SLOW: Final = 0.15
# Slow requests come in clumps too: the speed of everything drifts.
SLOW_CLUMPING: Final = 0.005


class Trial:
    """All cases of one rollout.

    rails: metric -> Rail. planned: how many minutes the rollout is meant to take. tenant: the Rail
    of each single tenant, its shares those of all of them together. clumping: declared, until the
    control has shown its own. histograms: whether minutes have a `speed`.
    """

    def __init__(
        self,
        rails: Mapping[str, Rail],
        planned: int,
        tenant: Rail | None = None,
        clumping: float = CLUMPING,
        *,
        histograms: bool = False,
    ) -> None:
        self.planned = planned
        self.cases = {name: Case(name, rail, planned) for name, rail in rails.items()}
        self.slowness = Slowness(self.cases[SLOW], planned, histograms=histograms)
        self._weighed: dict[str, Case | Slowness] = {**self.cases, SLOW: self.slowness}
        self.tenant = tenant
        self.tenants: list[Case] = []
        self.clumping, self.slow_clumping = (
            Clumping(clumping),
            Clumping(max(clumping, SLOW_CLUMPING)),
        )
        self.number = 0
        self.calm = True

    def see(self, minute: Minute) -> None:
        """Take one minute in. A minute without telemetry changes nothing."""
        self.number += 1
        control, candidate = minute.control, minute.candidate
        if control is None or candidate is None:
            return
        self.calm = not self._in_trouble(control, minute.speed)
        stage, number, phi = minute.stage, self.number, self.clumping.phi()
        errors = (control.errors, control.requests)
        if minute.shadow:
            failed = (minute.shadow.failed, minute.shadow.asked)
            mismatched = (minute.shadow.mismatched, minute.shadow.compared)
            self.cases[SHADOW_FAILURES].see(failed, errors, When(stage, number, phi, self.calm))
            self.cases[MISMATCHES].see(mismatched, None, When(stage, number, phi))
        # Once the control has shown how its errors clump, one minute may say all there is to say;
        # not in its trouble, which may clump otherwise. Slow requests never: a step of the ramp
        # starts cold sandboxes, which are slow at first.
        known = self.calm and self.clumping.learnt
        loud = When(stage, number, phi, self.calm, capped=not known)
        self.cases[ERRORS].remember(errors)
        if minute.exposure > 0:
            counts = (candidate.errors, candidate.requests)
            if minute.exposure >= 1:
                self.cases[ERRORS].see_full(counts, counts, loud)
            else:
                self.cases[ERRORS].see(counts, errors, loud)
            slow = When(stage, number, self.slow_clumping.phi(), self.calm)
            self.slowness.see(minute, (control, candidate), slow)
        self._see_tenants(minute, loud)
        # Trouble that the candidate shares is a storm; what the control alone has is how it clumps.
        self.clumping.see(*errors, calm=self.calm or _unharmed(minute, candidate))
        self.slow_clumping.see(control.slow, control.requests, calm=self.calm)

    def _see_tenants(self, minute: Minute, when: When) -> None:
        if self.tenant is None:
            return
        while len(self.tenants) < len(minute.tenants):
            self.tenants.append(Case(TENANTS, self.tenant, self.planned))
        for case, (asked, errors, asked_candidate, errors_candidate) in zip(
            self.tenants, minute.tenants, strict=False
        ):
            case.remember((errors, asked))
            counts = (errors_candidate, asked_candidate)
            if minute.exposure >= 1:
                case.see_full(counts, counts, when)
            elif minute.exposure > 0:
                case.see(counts, (errors, asked), when)

    def _in_trouble(self, control: Arm, speed: Speed | None) -> bool:
        """Whether the control is far off what it usually is, so that the minute is no evidence."""
        if control.requests < TROUBLE_REQUESTS:
            return False
        usual = TROUBLE_RATIO * self.clumping.rate
        errors = control.errors >= TROUBLE_ERRORS
        if errors and control.errors / control.requests > max(TROUBLE_RATE, usual):
            return True
        if speed:
            return speed.stormy
        usual_slow = TROUBLE_RATIO * self.slow_clumping.rate
        return control.slow / control.requests > max(TROUBLE_SLOW, usual_slow)

    @property
    def worst_tenant(self) -> int:
        """The number of the tenant with the most evidence."""
        return max(range(len(self.tenants)), key=lambda number: self.tenants[number].weight)

    def onset(self, metric: str) -> int:
        """The number of the minute from which the evidence on a metric speaks of harm."""
        case = self.tenants[self.worst_tenant] if metric == TENANTS else self.cases[metric]
        return case.onset()

    @property
    def shaken(self) -> tuple[str, ...]:
        """The metrics on which minutes lately were bad enough to wait for the next."""
        return tuple([name for name, case in self.cases.items() if case.shaken(self.number)])

    @property
    def worse(self) -> bool:
        """Whether minutes lately speak of more errors than the control's, tolerable or not."""
        relative = self.cases[ERRORS].relative
        return relative is not None and relative.wealth.adds_up

    def values(self) -> dict[str, float]:
        """metric -> its share of alpha times its evidence.

        The sum reaches 1/alpha with a chance of at most alpha while the candidate is tolerable.
        """
        found = {name: one.weight for name, one in self._weighed.items()}
        if self.tenants:
            found[TENANTS] = sum(case.weight for case in self.tenants) / len(self.tenants)
        return found

    def reaches(self, mark: float) -> bool:
        """Whether the sum of `values` is at least so much; no more is compared than it takes."""
        each = 1 / max(1, len(self.tenants))
        bounds = [one.most_weight for one in self._weighed.values()]
        bounds += [each * one.most_weight for one in self.tenants]
        if sum(bounds) < mark:
            return False
        shares = [1.0] * len(self._weighed) + [each] * len(self.tenants)
        suspects = zip(shares, (*self._weighed.values(), *self.tenants), strict=True)
        left = sorted(zip(bounds, suspects, strict=True), key=itemgetter(0))
        known = 0.0
        while left and known + sum([bound for bound, _ in left]) >= mark:
            share, suspect = left.pop()[1]
            known += share * suspect.weight
        return known >= mark

    def evidence(self, values: Mapping[str, float], slower: bool | None = None) -> dict[str, float]:
        """`values` without those that lie on rates below the limit, where nobody need act.

        slower: whether the source itself says that the p95 is above its limit.
        """
        found = dict(values)
        for name, case in self.cases.items():
            accusing = case.above_limit
            if name == SLOW and slower is not None:
                accusing = slower and self.slowness.borne_out
            live = values[name] - case.at_full if accusing else 0
            found[name] = live + case.accusing_at_full
        return found


def _unharmed(minute: Minute, candidate: Arm) -> bool:
    """Whether the candidate was asked enough, by users and by the shadow, and hardly failed."""
    asked, failed = (candidate.requests, candidate.errors) if minute.exposure > 0 else (0, 0)
    if minute.shadow:
        asked, failed = asked + minute.shadow.asked, failed + minute.shadow.failed
    return asked >= TROUBLE_REQUESTS and failed <= TROUBLE_RATE * asked
