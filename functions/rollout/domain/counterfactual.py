"""What would change a verdict, in requests and in time."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Final

from rollout.domain.judge import Judge
from rollout.domain.minute import Evidence
from rollout.domain.trial import ERRORS, SHADOW_FAILURES

MOST_FAILURES: Final = 50


def sentence(seen: Judge, needed: Sequence[int], evidence: Evidence) -> str:
    """Both ways out: clean requests that would promote, failures that would roll back."""
    if seen.accused:
        return "nothing: what has been seen is not undone by more requests"
    clean = max(needed, default=0)
    failures = failures_to_roll_back(seen)
    wanted = f"{clean} more clean requests promote" if clean else "nothing more is needed"
    if failures is None:
        return f"{wanted}; the next {MOST_FAILURES} failing would not yet roll back"
    return f"{wanted}; about {failures} failed in a row would roll back"


def eta(needed: int, requests: int, seconds: float) -> str:
    """ ", about N s" for so many more requests at the rate seen so far; "" when unknown."""
    if seconds <= 0 or requests <= 0:
        return ""
    return f", about {needed * seconds / requests:.0f} s"


def failures_to_roll_back(seen: Judge) -> int | None:
    """How many failing requests, one a minute, the absolute test would need; None if very many.

    The comparison with the control may ask for more.
    """
    metric = SHADOW_FAILURES if seen.exposure == 0 else ERRORS
    case = seen.trial.cases[metric]
    test = deepcopy(case.full if seen.exposure >= 1 and case.full else case.absolute)
    share = case.rail.full_share if seen.exposure >= 1 and case.full else case.rail.share
    at = (seen.stage, seen.trial.number)
    for failures in range(1, MOST_FAILURES + 1):
        test.see((1, 1), seen.trial.clumping.phi(), at)
        if share * test.wealth.value >= 1 / seen.promises.alpha:
            return failures
    return None
