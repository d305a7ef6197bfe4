"""The evidence that the candidate is slow: at p95 and, from histograms, in tail and body."""

import math
from collections.abc import Sequence
from copy import deepcopy
from typing import Final

from rollout.domain.body import Tilts, groups
from rollout.domain.case import SLOW, Case, Comparison, Rail
from rollout.domain.harm import Absolute, Relative, When
from rollout.domain.latency import LEVELS, P95, SHARES, TAIL, TAIL_LEVEL, Speed
from rollout.domain.minute import Minute
from rollout.domain.window import Arm

# How it is shared out where there are histograms: to the p95, the tail above it, and the body, in
# which the p95 is a level too.
P95_SHARE, TAIL_SHARE, BODY_SHARE = 0.1, 0.25, 0.65
# The speed of everything drifts, and the body follows at once.
BODY_CLUMPING: Final = 0.01
# A sandbox that nobody has asked for so many minutes may be gone (AWS documents no time), and the
# next request waits for a new one. Such requests accuse nobody unless the e-value of the others is
# at least this.
IDLE: Final = 5
BORNE_OUT: Final = 2.0
# Where at most this part of the requests may have, it makes no difference.
RARE: Final = 0.02
# What is usual is rounded up to so many steps, so that the same rate comes again.
STEPS: Final = 1000


class Slowness:
    """All of it, and what of it cannot be for cold sandboxes.

    case: the one on slow requests, at p95. histograms: whether minutes have a `speed`.
    """

    def __init__(self, case: Case, planned: int, *, histograms: bool) -> None:
        self._rail = case.rail
        self.whole = _Evidence(case, planned, histograms=histograms)
        # The same without those that may have met a cold sandbox, while these are not rare.
        self._warm: _Evidence | None = None
        self._idle, self._cold, self._asked = IDLE, 0, 0

    @property
    def value(self) -> float:
        """The e-value."""
        return self.whole.value

    @property
    def weight(self) -> float:
        """Its share of alpha times all of its evidence."""
        return self._rail.share * self.value + self.whole.case.at_full

    @property
    def most_weight(self) -> float:
        """What `weight` is at most, which is known without comparing."""
        return self._rail.share * self.whole.most + self.whole.case.at_full

    @property
    def borne_out(self) -> bool:
        """Whether the requests that met a warm sandbox, if only few, speak against it as well."""
        return self._warm is None or self._warm.value >= BORNE_OUT

    def see(self, minute: Minute, arms: tuple[Arm, Arm], when: When) -> None:
        """A minute in which users were exposed. arms: its control and its candidate."""
        cold = minute.speed is not None and self._after_idle(arms[1].requests)
        if cold and self._warm is None:
            self._warm = deepcopy(self.whole)
        self.whole.see(minute, arms, when)
        if self._warm and not cold:
            self._warm.see(minute, arms, when)
        if self._cold <= RARE * self._asked:
            self._warm = None

    def _after_idle(self, requests: int) -> bool:
        """Whether a request of this minute may have met a cold sandbox."""
        cold = requests > 0 and self._idle >= IDLE
        self._idle = 0 if requests else self._idle + 1
        self._asked += requests
        self._cold += cold
        return cold


class _Evidence:
    def __init__(self, case: Case, planned: int, *, histograms: bool) -> None:
        rate = 1 - TAIL_LEVEL
        self.case = case
        self.tail = Case(SLOW, Rail(rate, rate, TAIL_SHARE), planned)
        tilts = Tilts(len(LEVELS) - P95 + 1)
        self.body = Comparison[Sequence[float]](
            SHARES[P95:], Absolute(tilts, planned), Relative(tilts, planned)
        )
        self._shared: list[tuple[float, Case | Comparison[Sequence[float]]]] = [(1.0, case)]
        if histograms:
            shares = (P95_SHARE, TAIL_SHARE, BODY_SHARE)
            self._shared = list(zip(shares, (case, self.tail, self.body), strict=True))

    @property
    def value(self) -> float:
        return sum([share * part.value for share, part in self._shared])

    @property
    def most(self) -> float:
        return sum([share * part.most for share, part in self._shared])

    def see(self, minute: Minute, arms: tuple[Arm, Arm], when: When) -> None:
        control, candidate = arms
        requests = (control.requests, candidate.requests)
        full = minute.exposure >= 1
        if minute.speed:
            _see_level(self.case, minute.speed, P95, requests, when, full=full)
            _see_level(self.tail, minute.speed, TAIL, requests, when, full=full)
            self._see_body(minute.speed, requests, when, full=full)
            return
        counts = (candidate.slow, candidate.requests)
        if full:
            self.case.see_full(counts, counts, when)
        else:
            self.case.see(counts, (control.slow, control.requests), when)

    def _see_body(self, speed: Speed, requests: tuple[int, int], when: When, *, full: bool) -> None:
        asked_control, asked = requests
        when = when._replace(phi=max(when.phi, BODY_CLUMPING))
        candidate = groups(speed.candidate[P95:], asked)
        usual = speed.shares[P95:]
        if full:
            late = groups(speed.late[P95:], asked)
            self.body.see_full(candidate, late, when, usual)
        else:
            control = groups(speed.control[P95:], asked_control)
            self.body.see(candidate, control, when, usual)


def _see_level(
    case: Case, speed: Speed, level: int, requests: tuple[int, int], when: When, *, full: bool
) -> None:
    """Slow requests at one of LEVELS. requests: of the control, and of the candidate."""
    asked_control, asked = requests
    counts = (speed.candidate[level], asked)
    usual = math.ceil(STEPS * speed.shares[level]) / STEPS
    if full:
        case.see_full(counts, (speed.late[level], asked), when, usual)
    else:
        case.see(counts, (speed.control[level], asked_control), when, usual)
