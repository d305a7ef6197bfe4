"""For the candidate: what the phase has proven, and what is still to be proven."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from rollout.domain.case import ERRORS, MISMATCHES, SHADOW_FAILURES, SLOW
from rollout.domain.certificate import (
    EVEN,
    Stakes,
    certificate,
    clean_requests_needed,
    stakes_after,
)
from rollout.domain.clumping import Clumping
from rollout.domain.latency import P95
from rollout.domain.minute import Minute
from rollout.domain.promises import Promises

# How much the shadow's evidence may add to the live one, where the two agree.
CREDIT: Final = 0.25
# Of what may certify a metric: events, requests, the design effect, and the stakes.
Sample = tuple[float, float, float, Stakes]


@dataclass
class Tally:
    """Counts since some moment: candidate requests, errors, requests above the certified limit."""

    requests: int = 0
    errors: int = 0
    slow: int = 0

    def see(self, minute: Minute) -> None:
        """One minute's counts of the candidate."""
        if minute.candidate:
            self.requests += minute.candidate.requests
            self.errors += minute.candidate.errors
            self.slow += minute.speed.late[P95] if minute.speed else minute.candidate.slow


class Proven:
    """The counts of one rollout and, begun anew in every phase, the certificates on them.

    clumping: metric -> how its events clump, as it is learnt; without any they do not. here, live:
    what was counted in this phase, and in all that expose users. aside: minutes of this phase that
    count in neither, since the control was in trouble. stakes: of this phase's certificates, per
    metric.
    """

    def __init__(self, promises: Promises, clumping: Mapping[str, Clumping] | None = None) -> None:
        self.promises = promises
        self.stage, self.minutes, self.aside = 0, 0, 0
        self.here, self.live = Tally(), Tally()
        self.compared = self.mismatched = self.asked = self.failed = 0
        self.stakes: dict[str, Stakes] = {}
        self._clumping = clumping or {}

    def enter(self, stage: int) -> None:
        """Be in this phase, also before its first minute."""
        if stage == self.stage:
            return
        self.stage, self.minutes, self.here, self.aside = stage, 0, Tally(), 0
        before = {
            ERRORS: (self.live.errors + self.failed, self.live.requests + self.asked),
            SLOW: (self.live.slow, self.live.requests),
        }
        self.stakes = {
            metric: stakes_after(*before[metric], bound)
            for metric, bound in self.promises.stages[stage].certify.items()
            if metric in before
        }

    def see(self, minute: Minute, *, calm: bool = True) -> None:
        """Add up one minute's counts; a minute without telemetry has none.

        calm: whether the control is as usual. A minute in which it is in trouble itself proves
        nothing, either way.
        """
        self.minutes += 1
        if minute.control is None or minute.candidate is None:
            return
        if minute.shadow:
            self.compared += minute.shadow.compared
            self.mismatched += minute.shadow.mismatched
            self.asked += minute.shadow.asked
            self.failed += minute.shadow.failed
        if minute.exposure > 0:
            if calm:
                self.here.see(minute)
                self.live.see(minute)
            else:
                self.aside += 1

    @property
    def baked(self) -> bool:
        """Whether the phase has lasted long enough, and has any requests to go by."""
        stage = self.promises.stages[self.stage]
        asked = self.here.requests if stage.exposure > 0 else self.asked
        return self.minutes >= stage.least and asked > 0

    @property
    def hurried(self) -> bool:
        """Whether the phase would be left before its planned minutes, and is one of the last two:
        before everyone is exposed, and before the rollout is done.
        """
        last = self.stage + 2 >= len(self.promises.stages)
        return last and self.minutes < self.promises.stages[self.stage].planned

    @property
    def missing(self) -> str:
        """The first metric on which what the next exposure risks is not proven; "" when all are."""
        for metric, bound in self.promises.stages[self.stage].certify.items():
            if not any(
                certificate(events, requests, bound, design, stakes) >= 1 / self.promises.beta
                for events, requests, design, stakes in self._samples(metric)
            ):
                return metric
        return ""

    def bound(self, metric: str) -> float:
        """The rate that the phase must prove the metric to be below; 1 when none."""
        return self.promises.stages[self.stage].certify.get(metric, 1.0)

    def counts(self, metric: str) -> tuple[int, int]:
        """(events, requests): of this phase for live metrics, of the rollout for the shadow's."""
        if metric == MISMATCHES:
            return self.mismatched, self.compared
        if metric == SHADOW_FAILURES:
            return self.failed, self.asked
        return (self.here.errors if metric == ERRORS else self.here.slow), self.here.requests

    def needed(self, metric: str) -> int:
        """How many more clean requests certify the metric in this phase; 0 when it is."""
        bound = self.bound(metric)
        if bound >= 1:
            return 0
        beta = self.promises.beta
        return min(
            clean_requests_needed(events, requests, bound, beta, design, stakes)
            for events, requests, design, stakes in self._samples(metric)
        )

    def _samples(self, metric: str) -> Iterator[Sample]:
        """What may certify the metric."""
        if metric in (MISMATCHES, SHADOW_FAILURES):
            yield *self.counts(metric), 1.0, EVEN
        else:
            yield self._sample(metric, self.here, self.stakes.get(metric, EVEN))
            if self.minutes >= self.promises.stages[self.stage].planned:
                yield self._sample(metric, self.live, EVEN)

    def _sample(self, metric: str, tally: Tally, stakes: Stakes) -> Sample:
        counted = max(1, self.minutes - self.aside)
        known = self._clumping.get(metric)
        design = 1 + max(0.0, tally.requests / counted - 1) * (known.phi() if known else 0.0)
        if metric == SLOW:
            return tally.slow, tally.requests, design, stakes
        credit = min(CREDIT * tally.requests, self.asked) * self._agreement(tally)
        rate = self.failed / self.asked if self.asked else 0.0
        return tally.errors + credit * rate, tally.requests + credit, design, stakes

    def _agreement(self, tally: Tally) -> float:
        """How far the shadow can be believed about live errors: 1 fully, 0 not at all.

        The chance, at most, of as many live errors if shadow and live failed alike (Poisson).
        """
        if not self.asked or not tally.errors:
            return 1.0 if self.asked else 0.0
        mean = tally.requests * (self.failed + 1) / self.asked
        # Terms of the Poisson distribution, each from the one before; nothing is left to add once
        # the first one is too small for a float.
        term = below = math.exp(-mean)
        if not term:
            return 1.0
        for k in range(1, tally.errors):
            term *= mean / k
            below += term
        return max(0.0, 1 - below)
