"""Users who read all along, through the real read path in two warm sandboxes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from ops.faults import functions
from ops.faults import plan as plans
from rollout.domain.flag import FULL_BPS, Flag
from rollout.domain.step import next_word
from rollout.handlers import read

SANDBOXES: Final = 2


@dataclass
class Users:
    """One user of every cohort. problems: what they must never meet, noted at once.

    certified: the exposure that the evidence allows so far, by rollout.
    """

    clock: Callable[[], float]
    certified: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    reads: int = 0
    most_bps: int = 0

    def __post_init__(self) -> None:
        self.sandboxes = [functions.reader(self.clock) for _ in range(SANDBOXES)]

    def read(self) -> None:
        """Everybody reads once in every sandbox."""
        for ports in self.sandboxes:
            for user in plans.users():
                status = read.read({"userId": user}, "request-1", ports)["statusCode"]
                self.reads += 1
                if status != read.OK:
                    self.problems.append(f"a read failed with {status}")
            self._exposed(ports.flag.flag())

    def flags(self) -> list[Flag]:
        """What the sandboxes obey."""
        return [ports.flag.flag() for ports in self.sandboxes]

    def certify(self, rollout_id: str, phase: str) -> None:
        """The evidence, or a person, lets the rollout go beyond `phase`."""
        plan = plans.plan()
        known = plan.phase(phase)
        canary = next_word(plan, known) == "CANARY"
        following = plan.first("canary") if canary else plan.after(phase)
        allowed = following.exposure_bps if following else FULL_BPS
        self.certified[rollout_id] = max(self.certified.get(rollout_id, 0), allowed)

    def _exposed(self, flag: Flag) -> None:
        bps = flag.exposure_at(self.clock())
        self.most_bps = max(self.most_bps, bps)
        allowed = self.certified.get(flag.rollout_id, 0)
        if bps > allowed:
            problem = f"{bps} bps were exposed where the evidence allows {allowed}"
            if problem not in self.problems:
                self.problems.append(problem)
