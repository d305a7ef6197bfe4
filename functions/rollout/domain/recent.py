"""Both arms' latest latencies: is the candidate's p95 above the limit, at the moment?"""

from collections.abc import Sequence
from itertools import accumulate
from typing import Final

from rollout.domain.histogram import Fading, Latencies, quantiles
from rollout.domain.later import Later

LEVEL: Final = 0.95
# Requests, or minutes where these have more, that are remembered.
REQUESTS, MINUTES = 500, 6
# So many minutes of one arm at most wait for the other to have answered as well.
WAITING: Final = 60


class Recent:
    """Fading histograms of both arms.

    Nobody asks while there is nothing to accuse, so all work is put off until somebody does.
    buckets: how many there are. limit: how many buckets above the control's p95 the candidate's is
    too slow.
    """

    def __init__(self, buckets: int, limit: int) -> None:
        self.limit = limit
        self.control, self.candidate = Fading([0.0] * buckets), Fading([0.0] * buckets)
        self._waiting: tuple[list[Latencies], list[Latencies]] = ([], [])
        self._later = Later(self._take)

    def see(self, control: Latencies | None, candidate: Latencies) -> None:
        """One minute; control: None at full exposure, where it says nothing."""
        self._later.put_off(control, candidate)

    def slower(self) -> bool:
        """Whether the candidate's p95 of late is above `limit` times the control's."""
        self._later.catch_up()
        control, candidate = self.control, self.candidate
        if control.requests < 1 or candidate.requests < 1:
            return False
        (p95,) = quantiles(list(accumulate(control.buckets)), [LEVEL * control.weighed])
        # The candidate's lies in this bucket or above where less than 95 % lies below it.
        return sum(candidate.buckets[: p95 + self.limit]) < LEVEL * candidate.weighed

    def _take(self, control: Latencies | None, candidate: Latencies) -> None:
        if control is not None:
            self._compare(control, candidate)
        elif candidate.total:
            self.candidate.add(candidate, _age(candidate.total))

    def _compare(self, control: Latencies, candidate: Latencies) -> None:
        """Add what came in since both arms last had something to compare.

        At a few requests an hour they hardly ever have in the same minute. Such a stretch weighs
        alike in both arms, or a storm in one of them would be compared with calm in the other.
        """
        for waiting, found in zip(self._waiting, (control, candidate), strict=True):
            if found.total:
                waiting.append(found)
                del waiting[:-WAITING]
        if not all(self._waiting):
            return
        asked, answered = (_requests(waiting) for waiting in self._waiting)
        age = _age(answered)
        arms = (self.control, self.candidate)
        for arm, waiting, share in zip(arms, self._waiting, (answered / asked, 1.0), strict=True):
            for index, found in enumerate(waiting):
                arm.add(found, 0.0 if index else age, share)
            waiting.clear()


def _requests(minutes: Sequence[Latencies]) -> int:
    return sum(one.total for one in minutes)


def _age(requests: int) -> float:
    """How much older the comparison gets with so many requests."""
    return requests / max(REQUESTS, MINUTES * requests)
