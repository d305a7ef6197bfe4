"""How much traffic there is, and the schedule of a rollout at that volume."""

from dataclasses import dataclass
from typing import Any, Final

FIRST_MS: Final = 5.0
RATIO: Final = 1.03
BUCKETS: Final = 256
# Shares of the requests, largest tenant first.
TENANTS: Final = (0.34, 0.21, 0.15, 0.10, 0.08, 0.05, 0.04, 0.03)
DAY: Final = 1440  # minutes
WEIGHTS: Final = (
    ("shadow", 0.0),
    ("canary", 0.01),
    ("ramp5", 0.05),
    ("ramp25", 0.25),
    ("ramp50", 0.50),
    ("full", 1.0),
)
THRESHOLDS: Final = {
    "error": {"go": 0.02, "rollback": 0.02},
    "p95_ratio": {"go": 1.15, "investigate": 1.30},
    "mismatch": {"go": 0.005, "investigate": 0.01},
}


@dataclass(frozen=True)
class Level:
    """A volume in requests a minute (the mean), and the minutes each stage is planned to take."""

    name: str
    per_minute: float
    minutes: int

    @property
    def planned(self) -> int:
        """Minutes of a whole rollout."""
        return self.minutes * len(WEIGHTS)

    def start(self, rollout: str) -> dict[str, Any]:
        """The first message about a rollout."""
        return {
            "type": "start",
            "rollout": rollout,
            "schedule": [
                {"stage": stage, "weight": weight, "minutes": self.minutes}
                for stage, weight in WEIGHTS
            ],
            "hist": {"first_ms": FIRST_MS, "ratio": RATIO, "bins": BUCKETS},
            "tenants": len(TENANTS),
            "thresholds": THRESHOLDS,
        }


LEVELS: Final = {
    level.name: level
    for level in (
        Level("low", 1000 / DAY, 720),
        Level("mid", 100, 60),
        Level("high", 10_000, 60),
    )
}
