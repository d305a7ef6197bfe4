"""One minute of counts, the judge's unit, and what a verdict weighs.

"Minute" is the plan's metric period, whatever its length.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rollout.domain.flag import FULL_BPS
from rollout.domain.latency import Speed
from rollout.domain.plan import Plan
from rollout.domain.step import History
from rollout.domain.window import Arm, Shadow


@dataclass(frozen=True)
class Minute:
    """Counts of one period, all arms over the same interval.

    stage: number of the phase, from 0. exposure: 0..1. control, candidate, shadow: None when
    telemetry is missing, which is not the same as zero requests. tenants: per tenant
    (control requests, control errors, candidate requests, candidate errors). speed: where the
    source has histograms of latencies. at: epoch second it began.
    """

    stage: int
    exposure: float
    control: Arm | None = None
    candidate: Arm | None = None
    shadow: Shadow | None = None
    tenants: tuple[tuple[int, int, int, int], ...] = ()
    speed: Speed | None = None
    at: float = 0.0

    @property
    def expected(self) -> float:
        """The candidate requests that the control's traffic and the exposure let expect."""
        if self.control is None or self.exposure >= 1:
            return 0.0
        return self.control.requests * self.exposure / (1 - self.exposure)


@dataclass(frozen=True)
class Row:
    """One period of a metrics back end: epoch second it began, and the counts it has.

    tenants: as in Minute, in the plan's order.
    """

    at: float
    control: Arm | None = None
    candidate: Arm | None = None
    shadow: Shadow | None = None
    tenants: tuple[tuple[int, int, int, int], ...] = ()


def reads(rows: Iterable[Row | Minute]) -> int:
    """All requests of users in these periods, whoever answered them."""
    arms = (arm for row in rows for arm in (row.control, row.candidate) if arm)
    return sum(arm.requests for arm in arms)


@dataclass(frozen=True)
class Evidence:
    """Everything a verdict weighs.

    minutes: of the whole rollout, in order. period_seconds: how long each is. baked_seconds: time
    at this exposure that they cover. alarms: names in ALARM. unavailable: why counts are missing,
    "" when they are not. end: epoch second up to which counts were asked for, 0 when unknown.
    """

    minutes: tuple[Minute, ...] = ()
    period_seconds: int = 60
    baked_seconds: float = 0
    alarms: tuple[str, ...] = ()
    unavailable: str = ""
    end: float = 0

    @property
    def missing(self) -> int:
        """How many whole periods at the end have no counts at all."""
        if not self.minutes or not self.end:
            return 0
        heard = self.minutes[-1].at + self.period_seconds
        return max(0, int((self.end - heard) // self.period_seconds))


def minutes_of(rows: Iterable[Row], history: History, plan: Plan) -> tuple[Minute, ...]:
    """The rows as minutes, each in the phase that was served when it began.

    history: (phase, epoch second from which it was served), oldest first.
    """
    names = [phase.name for phase in plan.phases]
    starts = [at for _, at in history]
    found = []
    for row in rows:
        place = bisect_right(starts, row.at) - 1
        if place < 0:
            continue
        stage = names.index(history[place][0])
        exposure = plan.phases[stage].exposure_bps / FULL_BPS
        arms = (row.control, row.candidate, row.shadow)
        found.append(Minute(stage, exposure, *arms, tenants=row.tenants, at=row.at))
    return tuple(found)


def by_try(minutes: Iterable[Minute]) -> Iterator[tuple[Minute, bool]]:
    """Each minute, and whether evidence begins anew with it: with the first one, after a step down,
    and when the phase is tried once more after that.
    """
    stage, stepped_down = -1, False
    for minute in minutes:
        down, up = minute.stage < stage, minute.stage > stage
        yield minute, stage < 0 or down or (up and stepped_down)
        if down or up:
            stage, stepped_down = minute.stage, down
