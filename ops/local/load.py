"""An open-loop load driver: requests leave when they are due, however slow the answers are."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from rollout.domain.errors import InvalidInputError

FINE: Final = range(200, 300)
LONGEST_WAIT_S: Final = 60


@dataclass(frozen=True)
class Reply:
    """What a caller sees of one read: an HTTP status, and the arm that answered."""

    status: int
    arm: str


@dataclass(frozen=True)
class Snapshot:
    """Totals at one moment.

    requests: reads finished, well or badly. user_errors: those that raised or whose status is
    not 2xx; every visitor exists, so 404 is one too. arms: the other reads, by the arm that
    answered; since_mark: the same since `mark()`. ago_s: by arm, how many seconds ago the latest
    read that it answered left. lag_s, max_lag_s: how late the latest and the latest-ever request
    left, in seconds. in_flight: reads not answered yet.
    """

    requests: int
    user_errors: int
    arms: dict[str, int]
    since_mark: dict[str, int]
    ago_s: dict[str, float]
    lag_s: float
    max_lag_s: float
    in_flight: int


class Load:
    """Sends each arrival at its time, at most `workers` at once, late ones as soon as possible.

    Each worker takes the next arrival, waits until it is due, and reads. Every method may be
    called from any thread.

    Args:
        read: one user's read; whatever it raises counts as a user error.
        arrivals: rising offsets in seconds from start(); the load ends with them.
        visitors: the user id of each arrival.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        read: Callable[[str], Reply],
        arrivals: Iterator[float],
        visitors: Iterator[str],
        workers: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if workers < 1:
            raise InvalidInputError(field="workers", value=workers, expected="1 or more")
        self._read = read
        self._schedule = zip(arrivals, visitors, strict=False)
        self._clock = clock
        self._began = 0.0
        self._stopping = threading.Event()
        self._next = threading.Lock()
        self._counts = threading.Lock()
        self._threads = [
            threading.Thread(target=self._work, name=f"load-{number}", daemon=True)
            for number in range(workers)
        ]
        self._requests = self._user_errors = self._in_flight = 0
        self._arms: Counter[str] = Counter()
        self._marked: Counter[str] = Counter()
        self._left: dict[str, float] = {}
        self._lag_s = self._max_lag_s = 0.0

    def start(self) -> None:
        """Begin; once in the life of a load."""
        self._began = self._clock()
        for thread in self._threads:
            thread.start()

    def stop(self, timeout_s: float = 10) -> None:
        """Send nothing more, and wait so long for the reads in flight; safe to repeat."""
        self._stopping.set()
        self.join(timeout_s)

    def join(self, timeout_s: float | None = None) -> bool:
        """Wait until the arrivals have ended and all is answered; whether that is so."""
        until = None if timeout_s is None else time.monotonic() + timeout_s
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(None if until is None else max(0.0, until - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def mark(self) -> None:
        """Let `since_mark` count from now."""
        with self._counts:
            self._marked = self._arms.copy()

    def snapshot(self) -> Snapshot:
        """The totals, all of the same moment."""
        with self._counts:
            return Snapshot(
                requests=self._requests,
                user_errors=self._user_errors,
                arms=dict(self._arms),
                since_mark=dict(self._arms - self._marked),
                ago_s={arm: self._clock() - left for arm, left in self._left.items()},
                lag_s=self._lag_s,
                max_lag_s=self._max_lag_s,
                in_flight=self._in_flight,
            )

    def _work(self) -> None:
        while not self._stopping.is_set():
            with self._next:  # generators must not be entered twice at a time
                arrival = next(self._schedule, None)
            if arrival is None or not self._wait_until(arrival[0]):
                return
            self._send(*arrival)

    def _wait_until(self, offset_s: float) -> bool:
        """Whether the time came before stop()."""
        while not self._stopping.is_set():
            left = self._began + offset_s - self._clock()
            if left <= 0:
                return True
            self._stopping.wait(min(left, LONGEST_WAIT_S))
        return False

    def _send(self, offset_s: float, user_id: str) -> None:
        left = self._clock()
        with self._counts:
            self._in_flight += 1
            self._lag_s = max(0.0, left - self._began - offset_s)
            self._max_lag_s = max(self._max_lag_s, self._lag_s)
        reply = None
        with suppress(Exception):  # whatever it is, this caller got no answer; the next still asks
            reply = self._read(user_id)
        self._count(reply, left)

    def _count(self, reply: Reply | None, left: float) -> None:
        with self._counts:
            self._in_flight -= 1
            self._requests += 1
            if reply is None or reply.status not in FINE:
                self._user_errors += 1
            else:
                self._arms[reply.arm] += 1
                self._left[reply.arm] = max(left, self._left.get(reply.arm, left))
