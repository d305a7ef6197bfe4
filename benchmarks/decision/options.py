"""What a run of the benchmark covers."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.decision.judges import JUDGES
from benchmarks.decision.levels import LEVELS
from benchmarks.decision.run import Task
from benchmarks.decision.scenarios import HEALTHY, SCENARIOS, TOLERABLE, Scenario

COMMAND: Final = "command"
CLOSED_LEVEL: Final = "mid"
# Rollouts of one kind at one level: more of those that should not be rolled back.
FULL: Final = {HEALTHY: 40, TOLERABLE: 60}
FULL_OTHER: Final = 15
CLOSED: Final = 20


@dataclass(frozen=True)
class Options:
    """The options of the command line; empty means everything."""

    quick: bool
    names: tuple[str, ...]
    scenarios: tuple[str, ...]
    levels: tuple[str, ...]
    rollouts: int | None
    command: str | None
    traffic: Path | None
    seed: int
    jobs: int
    out: Path | None
    as_json: bool
    closed: bool

    def judges(self) -> tuple[str, ...]:
        """The judges asked for; a command alone is judged beside the others."""
        known = self.names or tuple(JUDGES)
        if self.command is None or COMMAND in known:
            return known
        return (*known, COMMAND)

    @property
    def whole(self) -> bool:
        """Whether this is the full run, whose result is kept."""
        chosen = (self.names, self.scenarios, self.levels, self.rollouts, self.traffic)
        return not self.quick and not any(chosen)

    def tasks(self) -> list[Task]:
        """Every rollout to simulate."""
        return [*self._fixed(), *(self._led() if self.closed else ())]

    def _chosen(self) -> list[Scenario]:
        return [SCENARIOS[name] for name in self.scenarios or SCENARIOS]

    def _fixed(self) -> Iterator[Task]:
        for level in self.levels or LEVELS:
            for scenario in self._chosen():
                for replicate in range(self._count(FULL.get(scenario.kind, FULL_OTHER))):
                    yield Task(level, scenario.name, replicate)

    def _led(self) -> Iterator[Task]:
        if CLOSED_LEVEL not in (self.levels or LEVELS):
            return
        for scenario in self._chosen():
            for replicate in range(self._count(CLOSED)):
                yield Task(CLOSED_LEVEL, scenario.name, replicate, closed=True)

    def _count(self, full: int) -> int:
        if self.rollouts is not None:
            return self.rollouts
        return 1 if self.quick else full
