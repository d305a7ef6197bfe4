"""A candidate that answers nothing: whether nobody asks it, or it is silent."""

from dataclasses import dataclass
from typing import Final

from rollout.domain.minute import Minute, reads

# What comes in at quiet hours, over what does on average.
QUIET_HOURS: Final = 0.25


@dataclass(frozen=True)
class Silence:
    """When a candidate that answers nothing is handed over: expected requests, and minutes."""

    doubt: float = 5.0
    expected: float = 20.0
    minutes: int = 15


SILENCE: Final = Silence()


@dataclass
class Listener:
    """What the candidate owes since it last answered.

    minutes: how many have passed. due: answers, by the control's traffic. guessed: by the traffic
    so far, where no control says whether anybody asks: at full exposure, or when it is not heard.
    """

    known: Silence
    minutes: int = 0
    due: float = 0.0
    guessed: float = 0.0
    _requests: int = 0
    _told: int = 0

    def see(self, minute: Minute) -> None:
        """One minute; one without telemetry says nothing."""
        if minute.control is None:
            return
        self._requests += reads((minute,))
        self._told += 1
        if minute.exposure == 0:
            return
        if minute.candidate and minute.candidate.requests:
            self.minutes, self.due, self.guessed = 0, 0.0, 0.0
            return
        self.minutes += 1
        self.due += minute.expected
        if minute.exposure >= 1:
            self._guess(1)

    def miss(self, minutes: int) -> None:
        """So many minutes of which nothing was heard, though counts were asked for."""
        if self._told:
            self._guess(minutes)

    def _guess(self, minutes: int) -> None:
        self.guessed += QUIET_HOURS * self._requests / self._told * minutes

    @property
    def silent(self) -> bool:
        """Whether the candidate answers nothing although it surely is asked."""
        return self.due >= self.known.expected and self.minutes >= self.known.minutes

    @property
    def owed(self) -> float:
        """The answers that the candidate owes, or may owe."""
        return self.due + self.guessed

    @property
    def doubtful(self) -> bool:
        """Whether the candidate may owe answers, though not surely enough to be called silent."""
        return self.owed >= self.known.doubt
