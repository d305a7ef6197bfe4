"""One account and region: its quotas, and what is going on in it, on one clock."""

import heapq
from collections import Counter
from collections.abc import Generator

from benchmarks.scale import quotas
from benchmarks.scale.quotas import Bucket
from benchmarks.scale.traffic import chance

Waiting = Generator[float, None, bool]


class Account:
    """The buckets of one account and region, on one clock."""

    def __init__(self, seed: int) -> None:
        self.now, self.draw, self.number = 0.0, chance(seed, "account"), 0
        made = {quota.name: Bucket(quota) for quota in quotas.CALLS.values()}
        self.calls = {call: made[quota.name] for call, quota in quotas.CALLS.items()}
        self.starts, self.points = Bucket(quotas.STARTS), Bucket(quotas.POINTS)
        self.firings, self.transitions = Bucket(quotas.FIRINGS), Bucket(quotas.TRANSITIONS)
        self.busy, self.lambda_refused = 0, 0
        self.ended: Counter[str] = Counter()
        self.late = 0.0
        self.turns: list[tuple[float, int, Waiting]] = []

    def begin(self, at: float, steps: Waiting) -> None:
        """Let something begin at second `at`."""
        self.number += 1
        heapq.heappush(self.turns, (at, self.number, steps))

    def run(self, until: float) -> None:
        """Let everything happen that is due until then."""
        while self.turns and self.turns[0][0] <= until:
            self.now, _, steps = heapq.heappop(self.turns)
            try:
                self.begin(self.now + next(steps), steps)
            except StopIteration:
                continue

    def refused(self) -> dict[str, int]:
        """Attempts that were refused, by quota, where there were any."""
        found = {bucket.quota.name: bucket.refused for bucket in self.calls.values()}
        for bucket in (self.starts, self.points, self.firings, self.transitions):
            found[bucket.quota.name] = bucket.refused
        found[quotas.SANDBOXES.name] = self.lambda_refused
        return {name: many for name, many in found.items() if many}
