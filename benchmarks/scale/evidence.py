"""What arrives of the shadow, fed to the real judge: when it says yes, and when it rolls back.

The soak of a plan, minute by minute from its launch at nine, with as much compared as the share of
the flag and the comparators let through. Looked at as often as the plan says.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from typing import Final

import numpy as np

from benchmarks.scale.shadow import share_bps
from benchmarks.scale.traffic import GOOD, Candidate, Level, chance
from rollout.domain.flag import FULL_BPS
from rollout.domain.judge import Judge
from rollout.domain.minute import Evidence, Minute
from rollout.domain.plan import Plan
from rollout.domain.promises import promises_of
from rollout.domain.verdict import Call, Verdict, judge
from rollout.domain.window import Arm, Shadow

NEVER: Final = float("inf")


@dataclass(frozen=True)
class Soak:
    """One soak, in minutes after the shadow was served, at the look that found it.

    certified: everything that the next phase risks is proven. ended: a verdict that is neither HOLD
    nor PROMOTE; call: which. compared: until then.
    """

    certified: float
    ended: float
    call: str
    compared: int


def under(plan: Plan, ceiling: float | None) -> Plan:
    """The plan with another ceiling on its shadow."""
    return replace(plan, most_compared_per_second=ceiling)


@dataclass(frozen=True)
class Setting:
    """A soak to simulate. capacity: comparisons a second that the comparators do at most."""

    level: Level
    plan: Plan
    candidate: Candidate
    capacity: float

    def minutes(self, seed: int) -> Iterator[Minute]:
        """What CloudWatch has of each period of the soak."""
        plan, known = self.plan, self.candidate
        phase, period = plan.phases[0], plan.evaluation.period_seconds
        draw = chance(seed, "evidence", self.level.name, known.name)
        bps = share_bps(plan, phase, self.level, 0.0)
        for begin in count(0, period):
            reads = int(draw.poisson(self.level.at(begin + period / 2) * period))
            asked = int(draw.binomial(reads, bps / FULL_BPS))
            reached = min(1.0, self.capacity * period / asked) if asked else 1.0
            done = int(draw.binomial(asked, reached))
            failed = int(draw.binomial(done, known.shadow_failures))
            differ = int(draw.binomial(done - failed, known.mismatches))
            errors, slow = draw.binomial(reads, [GOOD.errors, GOOD.slow]).tolist()
            control, shadow = Arm(reads, errors, slow), Shadow(done - failed, differ, failed)
            yield Minute(0, 0.0, control, Arm(), shadow, at=float(begin))


def soak(setting: Setting, seed: int) -> Soak:
    """Look until the verdict is one that ends the phase, or the longest bake is over."""
    plan = setting.plan
    phase, seen = plan.phases[0], Judge(promises_of(plan, plan.evaluation.period_seconds))
    every, settle = plan.evaluation.every_seconds, plan.evaluation.settle_seconds
    coming, minutes, certified = setting.minutes(seed), list[Minute](), NEVER
    for look in range(every, phase.maximum_bake_seconds + every + settle, every):
        while (len(minutes) + 1) * plan.evaluation.period_seconds <= look - settle:
            minutes.append(next(coming))
            seen.see(minutes[-1])
        if not minutes:
            continue
        proven = not seen.proven.missing and not seen.suspicious
        certified = min(certified, look / 60) if proven else certified
        over = look - settle >= phase.bake_seconds and (proven or not seen.suspicious)
        if seen.accused or over or look - settle >= phase.maximum_bake_seconds:
            # The judge has been fed once; the verdict itself is asked where it can end the phase.
            found = verdict(minutes, setting, look - settle)
            if found.call is not Call.HOLD:
                ended = NEVER if found.call is Call.PROMOTE else look / 60
                return Soak(certified, ended, found.call.value, seen.proven.asked)
    return Soak(certified, NEVER, Call.HOLD.value, seen.proven.asked)


def verdict(minutes: list[Minute], setting: Setting, baked: float) -> Verdict:
    """What Evaluate Shadow would say."""
    plan = setting.plan
    evidence = Evidence(tuple(minutes), plan.evaluation.period_seconds, float(baked))
    return judge(evidence, plan.phases[0], plan)


def quantiles(values: list[float]) -> tuple[float, float]:
    """The median and the 95th percentile; never is later than any moment."""
    ordered = np.sort(values)
    return (
        float(np.quantile(ordered, 0.5, method="higher")),
        float(np.quantile(ordered, 0.95, method="higher")),
    )
