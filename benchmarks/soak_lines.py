"""The lines of a soak, counted as they are written: as log records, and apart as metric records."""

import io
import json
import sys
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ops.local.emf import parse


@dataclass
class Lines(io.TextIOBase):
    """Standard output: each line is counted as a log record, and apart as a metric record."""

    logged: Counter[tuple[str, str]] = field(default_factory=Counter)
    counted: Counter[tuple[str, str]] = field(default_factory=Counter)
    arms: dict[tuple[str, int], dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    flips: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def write(self, text: str) -> int:
        with self.lock:
            for line in text.splitlines():
                if line:
                    self._take(line)
        return len(text)

    def _take(self, line: str) -> None:
        told = json.loads(line)
        self.logged[told["event"], "lines"] += 1
        if told["event"] == "read.served":
            self._read(told)
        elif told["event"] in ("shadow.compared", "shadow.failed"):
            failed = int(told["event"] == "shadow.failed")
            self.logged["shadow", "Compared"] += 1 - failed
            self.logged["shadow", "Failed"] += failed
            self.logged["shadow", "Mismatched"] += told["mismatch"]
        for metric, value in parse(line):
            if metric.name not in ("Latency", "Slow"):
                self.counted[dict(metric.dimensions)["arm"], metric.name] += int(value)

    def _read(self, told: dict[str, Any]) -> None:
        self.logged[told["path"], "Requests"] += 1
        self.logged[told["path"], "Errors"] += told["failed"]
        self.logged["read", "fallbacks"] += told["fallback"]
        self.logged["read", "stale"] += int(told["flag_stale"] > 0)
        known = self.arms[told["rollout_id"], told["exposure_bps"]]
        if known.setdefault(told["user_hash"], told["path"]) != told["path"]:
            self.flips += 1

    def left_the_cohort(self) -> int:
        """Users whom a higher exposure took away from the candidate."""
        lost, cohort = 0, set[str]()
        for _, arms in sorted(self.arms.items(), key=lambda item: item[0][1]):
            lost += len(cohort & {user for user, arm in arms.items() if arm == "control"})
            cohort |= {user for user, arm in arms.items() if arm == "candidate"}
        return lost

    def metrics_unlike_log(self) -> dict[str, list[int]]:
        """Counts that differ: [in the log, in the metrics]."""
        return {
            " ".join(key): [self.logged[key], self.counted[key]]
            for key in self.counted.keys() | {key for key in self.logged if key[1][0].isupper()}
            if self.logged[key] != self.counted[key]
        }


@contextmanager
def lines_taken() -> Iterator[Lines]:
    """Standard output goes to the lines instead."""
    before, lines = sys.stdout, Lines()
    sys.stdout = lines
    try:
        yield lines
    finally:
        sys.stdout = before
