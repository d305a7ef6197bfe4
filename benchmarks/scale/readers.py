"""Arrivals on Lambda sandboxes, each with the flag reader of the read path.

A request takes the sandbox that was used last, or a new one while the quota and the scaling rate
allow it, or is throttled. A sandbox takes one request at a time, and the next one a tenth of a
second after it began the last, which is Lambda's ten a second. One that is idle for IDLE_SECONDS
goes. Which idle one Lambda takes, and when it takes one away, is not documented: both are assumed.
"""

from collections import deque
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Final

import numpy as np

from benchmarks.decision.latency import Floats
from benchmarks.scale.quotas import READS_A_SANDBOX, SANDBOXES, SANDBOXES_MORE, Bucket, Quota
from benchmarks.scale.traffic import MINUTE, SWING, chance, rhythms
from benchmarks.stand_ins import FLAG_NAME, document
from rollout.adapters.flag_reader import FlagReader

IDLE_SECONDS: Final = 7 * MINUTE
FLAG_POLL_SECONDS: Final = 45
# A read of the control: log-normal, as long as ops/costs/lines.py guesses it.
READ_SECONDS, READ_SPREAD = 0.010, 0.5
UNLIMITED: Final = Quota("sandboxes", 1e9, "for comparison")
BEFORE: Final = Quota("new sandboxes before the window", 1e9, "an assumption")


@dataclass(frozen=True)
class Found:
    """One window of arrivals.

    served + throttled are the reads. held: sandboxes that could take nothing else, on average;
    peak: the most there were; started: new ones. polls: of the flag; received: documents.
    """

    seconds: float
    reads: int
    served: int
    throttled: int
    held: float
    peak: int
    started: int
    polls: int
    received: int


class Clock:
    """The window's time, for the flag readers."""

    now = 1.0

    def __call__(self) -> float:
        return self.now


class Plane:
    """AppConfig's data plane: a document for each new session, nothing after."""

    def __init__(self) -> None:
        self.polls = self.received = 0

    def start(self) -> str:
        """A session's first token."""
        return "new"

    def fetch(self, token: str) -> tuple[str, bytes]:
        """The next token and the document, if it is new to the session."""
        self.polls += 1
        if token != "new":  # nosec B105  # a name for what has no history
            return token, b""
        self.received += 1
        return "known", document()


@dataclass
class Sandboxes:
    """Those of one function. idle: readers with the moment they came free, the newest last."""

    clock: Clock
    plane: Plane
    most: Bucket
    quota: Quota

    def __post_init__(self) -> None:
        self.idle: deque[tuple[float, FlagReader]] = deque()
        self.busy: list[tuple[float, int, FlagReader]] = []
        self.number = self.peak = self.started = 0

    def take(self, now: float) -> FlagReader | None:
        """A sandbox for a request at `now`, None when it is throttled."""
        while self.busy and self.busy[0][0] <= now:
            freed, _, reader = heappop(self.busy)
            self.idle.append((freed, reader))
        while self.idle and self.idle[0][0] < now - IDLE_SECONDS:
            self.idle.popleft()
        if self.idle:
            return self.idle.pop()[1]
        if len(self.busy) >= self.quota.default or not self.most.take(now):
            return None
        self.started += 1
        return FlagReader(
            self.plane.start, self.plane.fetch, FLAG_NAME, FLAG_POLL_SECONDS, self.clock
        )

    def keep(self, reader: FlagReader, until: float) -> None:
        """It takes nothing else until then."""
        self.number += 1
        heappush(self.busy, (until, self.number, reader))
        self.peak = max(self.peak, self.alive)

    @property
    def alive(self) -> int:
        """How many there are."""
        return len(self.busy) + len(self.idle)

    def counts(self) -> tuple[int, int, int]:
        """(started, polls, documents received) so far."""
        return self.started, self.plane.polls, self.plane.received

    def count_from(self, now: float) -> None:
        """What was before is not counted; from now on the scaling rate holds."""
        self.most, self.peak = Bucket(SANDBOXES_MORE, at=now), self.alive


def arrivals(per_second: float, start: float, seconds: float, draw: np.random.Generator) -> Floats:
    """Moments of a Poisson process in the day's rhythm, in order.

    per_second: on average over a day. start: second of the day. Busier moments are drawn than there
    are, and thinned.
    """
    most = per_second * (1 + SWING)
    moments = np.sort(draw.uniform(0, seconds, draw.poisson(most * seconds)))
    share = per_second * rhythms(start + moments) / most
    return np.asarray(moments[draw.random(len(moments)) < share])


@dataclass(frozen=True)
class Window:
    """A stretch of a day. warm: seconds before it, which are simulated and not counted."""

    start: float
    seconds: float
    warm: float = 0.0


def simulate(per_second: float, window: Window, seed: int, quota: Quota = SANDBOXES) -> Found:
    """Let requests arrive for so long.

    The sandboxes of a warm window are not started at the scaling rate: they have been there.
    """
    draw = chance(seed, "readers", f"{per_second:.6g}", f"{window.start:.0f}")
    whole = window.warm + window.seconds
    moments = arrivals(per_second, window.start - window.warm, whole, draw)
    mu = np.log(READ_SECONDS) - READ_SPREAD**2 / 2
    lasts = np.maximum(draw.lognormal(mu, READ_SPREAD, len(moments)), 1 / READS_A_SANDBOX)
    clock, plane = Clock(), Plane()
    boxes = Sandboxes(clock, plane, Bucket(BEFORE if window.warm else SANDBOXES_MORE), quota)
    served, held, known, cold = 0, 0.0, (0, 0, 0), True
    for at, last in zip(moments.tolist(), lasts.tolist(), strict=True):
        if cold and at >= window.warm:
            cold, known = False, boxes.counts()
            served, held = 0, 0.0
            boxes.count_from(at)
        reader = boxes.take(at)
        if reader is not None:
            clock.now = 1.0 + at
            reader.flag()
            boxes.keep(reader, at + last)
            served, held = served + 1, held + last
    started, polls, received = (now - then for now, then in zip(boxes.counts(), known, strict=True))
    reads = int((moments >= window.warm).sum())
    refused = reads - served
    many = (served, refused, held / window.seconds, boxes.peak, started, polls, received)
    return Found(window.seconds, reads, *many)
