"""The traffic that is to be expected."""

import math
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from rollout.domain import fields
from rollout.domain.errors import InvalidInputError

# Forecasts are repeated from their beginning this often before a phase counts as impossible.
LONGEST_SECONDS: Final = 366 * 86400


@dataclass(frozen=True)
class Forecast:
    """Requests per interval of `seconds`, repeated for ever; the first begins at the launch."""

    counts: tuple[float, ...]
    seconds: float

    def __post_init__(self) -> None:
        if not self.counts or self.seconds <= 0 or min(self.counts) < 0:
            raise InvalidInputError(
                field="forecast", value=self.counts[:5], expected="counts >= 0 of equal intervals"
            )

    @classmethod
    def constant(cls, requests_per_day: float) -> "Forecast":
        """The same at any time. Raises InvalidInputError for what is no traffic."""
        known = fields.number(requests_per_day, "requests_per_day", most=fields.MOST_COUNT)
        return cls((known / 24,), 3600)

    def requests(self, start: float, seconds: float) -> float:
        """Expected requests in [start, start + seconds), seconds after the launch."""
        return self._until(start + seconds) - self._until(start)

    def _until(self, at: float) -> float:
        sums = [0.0, *accumulate(self.counts)]
        rounds, rest = divmod(at / self.seconds, len(self.counts))
        whole = int(rest)
        part = (rest - whole) * self.counts[whole] if whole < len(self.counts) else 0.0
        return rounds * sums[-1] + sums[whole] + part

    def seconds_for(self, requests: float, start: float, share: float) -> float:
        """How long from `start` until `share` of the traffic made so many; infinity if never."""
        if requests <= 0:
            return 0.0
        if share <= 0 or share * self.requests(start, LONGEST_SECONDS) < requests:
            return math.inf
        low, high = 0.0, float(LONGEST_SECONDS)
        while high - low > 0.5:
            middle = (low + high) / 2
            if share * self.requests(start, middle) < requests:
                low = middle
            else:
                high = middle
        return high
