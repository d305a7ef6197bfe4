"""What the emulations have in common: they see readings, and wait out the planned minutes."""

from abc import ABC, abstractmethod
from typing import Any, Final

from benchmarks.decision.judge import GO, HOLD, ROLLBACK
from benchmarks.decision.rivals.reading import SHARED, Reading, Schedule

ERROR_LIMIT: Final = 0.02
P95_LIMIT: Final = 1.30
MISMATCH_LIMIT: Final = 0.01


class Rival(ABC):
    """A rule over readings. None of them goes on before a stage's planned minutes are over."""

    schedule: Schedule

    def start(self, message: dict[str, Any]) -> None:
        SHARED.start(message)
        self.schedule = Schedule.of(message)
        self.reset()

    def minute(self, message: dict[str, Any]) -> str:
        reading = SHARED.read(self.schedule, message)
        word = self.judge(reading)
        if word == GO and not self.schedule.over(reading):
            return HOLD
        return word

    @abstractmethod
    def reset(self) -> None:
        """A new rollout."""

    @abstractmethod
    def judge(self, reading: Reading) -> str:
        """The word after one more minute; GO as soon as nothing speaks against it."""


__all__ = ["ERROR_LIMIT", "GO", "HOLD", "MISMATCH_LIMIT", "P95_LIMIT", "ROLLBACK", "Rival"]
