"""What is due when, on a clock that only moves by what is due."""

from collections.abc import Callable
from dataclasses import dataclass, field

from ops.faults.appconfig import Clock


@dataclass
class Agenda:
    """afterwards: done after everything that happens."""

    clock: Clock
    afterwards: Callable[[], None]
    due: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _number: int = 0

    def at(self, when: float, what: Callable[[], None]) -> None:
        """Let something happen at epoch second `when`; of two at the same time, the first first."""
        self._number += 1
        self.due.append((when, self._number, what))

    def advance(self, until: float) -> None:
        """Let everything happen that is due up to epoch second `until`."""
        while self.due and min(self.due)[0] <= until:
            following = min(self.due)
            self.due.remove(following)
            self.clock.now = max(self.clock.now, following[0])
            following[2]()
            self.afterwards()
        self.clock.now = max(self.clock.now, until)
        self.afterwards()

    def settle(self) -> None:
        """Let everything happen that is due, until nothing is."""
        while self.due:
            self.advance(min(self.due)[0])
