"""What would change a verdict, in requests and in time."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Final

from rollout.domain.case import ERRORS, SHADOW_FAILURES
from rollout.domain.harm import When
from rollout.domain.judge import Judge
from rollout.domain.minute import Evidence

MOST_FAILURES: Final = 50


def sentence(seen: Judge, needed: Sequence[int], evidence: Evidence) -> str:
    """Both ways out: clean requests that would promote, failures that would roll back."""
    if seen.accused:
        return "nothing: what has been seen is not undone by more requests"
    failures = failures_to_roll_back(seen)
    wanted = _wanted(max(needed, default=0), seen)
    if failures is None:
        return f"{wanted}; the next {MOST_FAILURES} failing would not yet roll back"
    return f"{wanted}; about {failures} failed in a row would roll back"


def _wanted(clean: int, seen: Judge) -> str:
    wanted = f"{clean} more clean requests promote" if clean else "nothing more is needed"
    over = ["the control's trouble is over"] if not seen.trial.calm else []
    over += ["the suspicion has faded"] if seen.suspicious else []
    return f"{wanted}, once {' and '.join(over)}" if over else wanted


def eta(needed: int, requests: int, seconds: float) -> str:
    """ ", about N s" for so many more requests at the rate seen so far; "" when unknown."""
    if seconds <= 0 or requests <= 0:
        return ""
    return f", about {needed * seconds / requests:.0f} s"


def failures_to_roll_back(seen: Judge) -> int | None:
    """How many failing requests, one a minute, roll back; None if very many.

    Below full exposure by the absolute test alone: the comparison with the control may ask for
    more.
    """
    case = deepcopy(seen.trial.cases[SHADOW_FAILURES if seen.exposure == 0 else ERRORS])
    when = When(seen.stage, seen.trial.number, seen.trial.clumping.phi())
    for failures in range(1, MOST_FAILURES + 1):
        if seen.exposure >= 1:
            case.see_full((1, 1), (1, 1), when)
            weight = case.weight
        else:
            case.absolute.see((1, 1), case.null, when)
            weight = case.rail.share * case.absolute.wealth.value
        if weight >= 1 / seen.promises.alpha:
            return failures
    return None
