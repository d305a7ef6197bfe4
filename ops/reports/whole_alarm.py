"""The alarm on the whole function that a rollout would otherwise rest on, over recorded minutes.

More than 2 % of all answers, of both arms together, are errors in 3 of the newest 5 periods.
"""

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

LIMIT: Final = 0.02
BREACHING, OF = 3, 5


@dataclass(frozen=True)
class Ringing:
    """What the alarm made of the minutes, and would have made of more of the same.

    rang_at: epoch second at which the period ended that made it ring, None if none did. bad: errors
    and slow answers of exposed users until then, or in all. rate: of the whole function, in the
    periods after `since`. more_periods: how many more like them until it rings, None for never;
    more_bad: bad answers in those, or None.
    """

    rang_at: float | None
    bad: int
    rate: float | None = None
    more_periods: int | None = None
    more_bad: int | None = None


def replay(
    minutes: Sequence[Mapping[str, Any]], period_seconds: int, since: float | None = None
) -> Ringing:
    """The alarm over the minutes of a record; since: epoch second from which harm is projected.

    As CloudWatch evaluates it: periods without a request are no data, and are passed over.
    """
    points: deque[bool] = deque(maxlen=OF)
    bad = 0
    for minute in minutes:
        bad += bad_in(minute)
        requests, errors = _whole(minute)
        if not requests:
            continue
        points.append(errors / requests > LIMIT)
        if sum(points) >= BREACHING:
            return Ringing(minute["at"] + period_seconds, bad)
    return _projected(minutes, bad, sum(points), since)


def _projected(
    minutes: Sequence[Mapping[str, Any]], bad: int, breaching: int, since: float | None
) -> Ringing:
    """What the periods since the harm began would have led to, had they gone on."""
    mine = [one for one in minutes if since is not None and one["at"] >= since and _whole(one)[0]]
    if not mine:
        return Ringing(None, bad)
    requests, errors = (sum(column) for column in zip(*map(_whole, mine), strict=True))
    breaches = sum(_whole(one)[1] / _whole(one)[0] > LIMIT for one in mine)
    rate = errors / requests
    if not breaches or rate <= LIMIT:
        return Ringing(None, bad, rate)
    # As many periods breach as did: until as many are in a row of five as must be.
    periods = max(1, math.ceil((BREACHING - min(breaching, BREACHING)) * len(mine) / breaches))
    return Ringing(None, bad, rate, periods, round(periods * sum(map(bad_in, mine)) / len(mine)))


def bad_in(minute: Mapping[str, Any]) -> int:
    """Answers of exposed users that were slow, or for which the control had to stand in."""
    candidate = minute["candidate"]
    if not candidate:
        return 0
    return min(int(candidate["requests"]), int(candidate["errors"] + candidate["slow"]))


def _whole(minute: Mapping[str, Any]) -> tuple[int, int]:
    """(requests, errors) of both arms together."""
    arms = [minute[arm] for arm in ("control", "candidate") if minute[arm]]
    return sum(arm["requests"] for arm in arms), sum(arm["errors"] for arm in arms)
