"""The sequential judge: may be asked every minute, and keeps its promises over the whole rollout.

Against the candidate: e-processes (`trial`), whose weighted sum reaches 1/alpha with a chance of at
most alpha while the candidate is tolerable. For it: certificates (`certificate`), begun anew in
every phase. No data is neither.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from rollout.domain.case import ERRORS, MISMATCHES, SHADOW_FAILURES, SLOW, Rail
from rollout.domain.certificate import (
    EVEN,
    Stakes,
    certificate,
    clean_requests_needed,
    stakes_after,
)
from rollout.domain.clumping import CLUMPING
from rollout.domain.latency import P95
from rollout.domain.minute import Minute
from rollout.domain.silence import SILENCE, Listener, Silence
from rollout.domain.trial import Trial

# Evidence of this part of what rolls back withholds a promotion, on whatever rates it lies.
SUSPICION: Final = 0.03
# How much the shadow's evidence may add to the live one, where the two agree.
CREDIT: Final = 0.25
# Of what may certify a metric: events, requests, the design effect, and the stakes.
Sample = tuple[float, float, float, Stakes]


@dataclass(frozen=True)
class Stage:
    """One phase: exposure 0..1, and metric -> the rate to certify before the next.

    planned: minutes it is meant to take. least: minutes before which it is not left.
    """

    name: str
    exposure: float
    planned: int
    least: int
    certify: Mapping[str, float]


@dataclass(frozen=True)
class Promises:
    """What the judge promises, and on what: the plan in the judge's terms.

    histograms: whether the source has them, of latencies.
    """

    alpha: float
    beta: float
    rails: Mapping[str, Rail]
    stages: tuple[Stage, ...]
    tenant: Rail | None = None
    silence: Silence = SILENCE
    clumping: float = CLUMPING
    histograms: bool = False

    @property
    def planned(self) -> int:
        """Minutes of the whole rollout."""
        return max(1, sum(stage.planned for stage in self.stages))


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


class Judge:
    """One rollout's judge. Feed it every minute once, in order.

    here, live: what was counted in this phase, and in all that expose users. aside: minutes of
    this phase that count in neither, since the control was in trouble. stakes: of this phase's
    certificates, per metric.
    """

    def __init__(self, promises: Promises) -> None:
        self.promises = promises
        self.trial = Trial(
            promises.rails,
            promises.planned,
            promises.tenant,
            promises.clumping,
            histograms=promises.histograms,
        )
        self.stage, self.minutes = 0, 0
        self.here, self.live = Tally(), Tally()
        self.aside = 0
        self.stakes: dict[str, Stakes] = {}
        self.compared = self.mismatched = self.asked = self.failed = 0
        self.silence = Listener(promises.silence)
        self.slower: bool | None = None
        self.weight = 1.0
        self.accused: dict[str, float] = {}
        self.since: dict[str, int] = {}

    def see(self, minute: Minute) -> None:
        """Take one minute in."""
        self.enter(minute.stage)
        self.minutes += 1
        self.slower = minute.speed.slower if minute.speed else None
        self.trial.see(minute)
        self.count(minute)
        self.silence.see(minute)
        values = self.trial.values()
        self.weight = sum(values.values())
        if self.weight >= 1 / self.promises.alpha:
            self._accuse(self.trial.evidence(values, self.slower))

    def _accuse(self, found: Mapping[str, float]) -> None:
        """Hold the metrics that made too much evidence against the candidate, for good.

        A metric is one of them from 1/alpha divided by their number: at least one always is, and
        what else is wrong never excuses it.
        """
        if sum(found.values()) < 1 / self.promises.alpha:
            return
        for name, value in found.items():
            if value >= 1 / self.promises.alpha / len(found) and name not in self.accused:
                self.accused[name], self.since[name] = value, self.trial.onset(name)

    def count(self, minute: Minute) -> None:
        """Add up one minute's counts; a minute without telemetry has none."""
        if minute.control is None or minute.candidate is None:
            return
        if minute.shadow:
            self.compared += minute.shadow.compared
            self.mismatched += minute.shadow.mismatched
            self.asked += minute.shadow.asked
            self.failed += minute.shadow.failed
        if minute.exposure > 0:
            # A minute in which the control itself is in trouble proves nothing, either way.
            if self.trial.calm:
                self.here.see(minute)
                self.live.see(minute)
            else:
                self.aside += 1

    def enter(self, stage: int) -> None:
        """Be in this phase, also before its first minute."""
        if stage != self.stage:
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

    @property
    def exposure(self) -> float:
        """The exposure of the phase, 0..1."""
        return self.promises.stages[self.stage].exposure

    @property
    def suspicious(self) -> bool:
        """Whether there is too much evidence against the candidate to promote it now."""
        return bool(self.trial.shaken) or self.weight >= SUSPICION / self.promises.alpha

    @property
    def ready(self) -> bool:
        """Whether everything that the next exposure risks is certified and nothing is suspect."""
        stage = self.promises.stages[self.stage]
        asked = self.here.requests if stage.exposure > 0 else self.asked
        baked = self.minutes >= stage.least
        return (
            baked
            and asked > 0
            and not self.silence.doubtful
            and not self.suspicious
            and self.certified
        )

    @property
    def certified(self) -> bool:
        """Whether the phase has proven what the next exposure risks."""
        stage = self.promises.stages[self.stage]
        return all(
            any(
                certificate(events, requests, bound, design, stakes) >= 1 / self.promises.beta
                for events, requests, design, stakes in self._samples(metric)
            )
            for metric, bound in stage.certify.items()
        )

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
        if metric == MISMATCHES:
            yield self.mismatched, self.compared, 1.0, EVEN
        elif metric == SHADOW_FAILURES:
            yield self.failed, self.asked, 1.0, EVEN
        else:
            yield self._sample(metric, self.here, self.stakes.get(metric, EVEN))
            if self.minutes >= self.promises.stages[self.stage].planned:
                yield self._sample(metric, self.live, EVEN)

    def _sample(self, metric: str, tally: Tally, stakes: Stakes) -> Sample:
        clumping = self.trial.clumping if metric == ERRORS else self.trial.slow_clumping
        counted = max(1, self.minutes - self.aside)
        design = 1 + max(0.0, tally.requests / counted - 1) * clumping.phi()
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
