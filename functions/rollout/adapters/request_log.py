"""The one line per request: the structured log and, by its `_aws` field, the EMF record.

CloudWatch extracts the metrics from the log line, so nothing is sent and nothing can fail a
read. Powertools would write two records (docs/decisions); the read path writes one, directly.
Zeroes are written as well, so that every series exists. No user id: a keyed hash.
Source: CloudWatch user guide, "Embedded metric format specification".
"""

import hashlib
import hmac
import json
import sys
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from rollout.settings import settings

ARM_UNITS: Final = {
    "Requests": "Count",
    "Errors": "Count",
    "Slow": "Count",
    "Latency": "Milliseconds",
}
SHADOW_UNITS: Final = {
    "Compared": "Count",
    "Mismatched": "Count",
    "Failed": "Count",
    "Slow": "Count",
    "Latency": "Milliseconds",
}


@dataclass(frozen=True)
class RequestLog:
    """Writes lines for one service and metric namespace."""

    namespace: str
    service: str
    resolution_seconds: int
    hash_key: bytes

    def hashed(self, user_id: str) -> str:
        """The user as it may appear in logs and traces: a keyed hash, 16 hexadecimal digits."""
        return _hashed(self.hash_key, user_id)

    def write(
        self, arm: str, units: dict[str, str], metrics: dict[str, float], facts: dict[str, Any]
    ) -> None:
        """One line: `metrics` (all of `units`) under dimensions service and arm, and `facts`."""
        line = {
            "_aws": {
                "Timestamp": time.time_ns() // 1_000_000,
                "CloudWatchMetrics": [self._directive(units)],
            },
            "service": self.service,
            "arm": arm,
            **{name: metrics[name] for name in units},
            **facts,
        }
        sys.stdout.write(json.dumps(line, separators=(",", ":")) + "\n")

    def _directive(self, units: dict[str, str]) -> dict[str, Any]:
        return {
            "Namespace": self.namespace,
            "Dimensions": [["service", "arm"]],
            "Metrics": [
                {"Name": name, "Unit": unit, "StorageResolution": self.resolution_seconds}
                for name, unit in units.items()
            ],
        }


def connect() -> RequestLog:
    """From the environment variables of the function."""
    known = settings()
    return RequestLog(
        known.text("METRIC_NAMESPACE"),
        known.text("SERVICE_NAME"),
        known.whole("METRIC_RESOLUTION_SECONDS"),
        known.text("USER_HASH_KEY").encode(),
    )


@lru_cache(maxsize=4096)
def _hashed(key: bytes, user_id: str) -> str:
    text = user_id.encode("utf-8", "surrogatepass")
    return hmac.new(key, text, hashlib.sha256).hexdigest()[:16]
