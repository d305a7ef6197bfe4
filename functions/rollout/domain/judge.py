"""The sequential judge: may be asked every minute, and keeps its promises over the whole rollout.

Against the candidate: e-processes (`trial`), whose weighted sum reaches 1/alpha with a chance of at
most alpha while the candidate is tolerable. For it: certificates (`proven`), begun anew in
every phase. No data is neither.
"""

from collections.abc import Mapping
from typing import Final

from rollout.domain.case import ERRORS, SLOW
from rollout.domain.minute import Minute
from rollout.domain.promises import Promises
from rollout.domain.proven import Proven
from rollout.domain.silence import Listener
from rollout.domain.trial import Trial

# Evidence of this part of what rolls back withholds a promotion, on whatever rates it lies.
SUSPICION: Final = 0.03
WORSE: Final = "more errors than the control, so all planned minutes"


class Judge:
    """One rollout's judge. Feed it every minute once, in order.

    trial: what speaks against the candidate. proven: what speaks for it. silence: what is owed.
    void: why the latest minute proves nothing, "" when it does.
    suspected: whether there is too much evidence, on whatever rates, to promote it now.
    accused: the metrics that too much evidence lies on, and how much; since: from which minute on.
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
        clumping = {ERRORS: self.trial.clumping, SLOW: self.trial.slow_clumping}
        self.proven = Proven(promises, clumping)
        self.silence = Listener(promises.silence)
        self.void = ""
        self.suspected = False
        self.accused: dict[str, float] = {}
        self.since: dict[str, int] = {}

    def see(self, minute: Minute) -> None:
        """Take one minute in."""
        self.proven.enter(minute.stage)
        self.trial.see(minute)
        self.proven.see(minute, calm=self.trial.calm)
        self.silence.see(minute)
        self.void = _void(minute, calm=self.trial.calm)
        self.suspected = self.trial.reaches(SUSPICION / self.promises.alpha)
        if self.suspected and self.trial.reaches(1 / self.promises.alpha):
            slower = minute.speed.slower() if minute.speed else None
            self._accuse(self.trial.evidence(self.trial.values(), slower))

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

    @property
    def stage(self) -> int:
        """The number of the phase."""
        return self.proven.stage

    @property
    def exposure(self) -> float:
        """The exposure of the phase, 0..1."""
        return self.promises.stages[self.stage].exposure

    @property
    def weight(self) -> float:
        """All evidence against the candidate; 1/alpha rolls back."""
        return sum(self.trial.values().values())

    @property
    def suspicious(self) -> bool:
        """Whether there is too much evidence against the candidate to promote it now."""
        return bool(self.trial.shaken) or self.suspected

    @property
    def waiting(self) -> str:
        """What a promotion waits for; "" when nothing is suspect and everything that the next
        exposure risks is certified.
        """
        if not self.proven.baked:
            return "baking"
        if self.silence.doubtful:
            return "answers are owed"
        if self.void:
            return self.void
        if self.suspicious:
            lately = " and ".join(self.trial.shaken)
            return f"suspicion: bad minutes lately ({lately})" if lately else "suspicion"
        missing = self.proven.missing
        if missing:
            return f"not certified: {missing}"
        # Asked last: until then nobody need compare.
        return WORSE if self.proven.hurried and self.trial.worse else ""

    @property
    def ready(self) -> bool:
        """Whether everything that the next exposure risks is certified and nothing is suspect."""
        return not self.waiting


def _void(minute: Minute, *, calm: bool) -> str:
    if minute.control is None or minute.candidate is None:
        return "no telemetry"
    return "" if calm else "the control is in trouble"
