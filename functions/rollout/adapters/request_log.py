"""The one line per request: the structured log and, by its `_aws` field, the EMF record.

CloudWatch extracts the metrics from the log line, so nothing is sent and nothing can fail a
read. Powertools would write two records (docs/decisions); the read path writes one, directly.
Zeroes are written as well, so that every series exists. No user id: a keyed hash.
Source: CloudWatch user guide, "Embedded metric format specification".
"""

import json
import sys
import time
from dataclasses import dataclass, field
from hashlib import blake2b, sha256
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
# Made once: json.dumps with separators of one's own makes an encoder at each call.
_encode: Final = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True)
class RequestLog:
    """Writes lines for one service and metric namespace. hash_key: at most 64 bytes."""

    namespace: str
    service: str
    resolution_seconds: int
    hash_key: bytes
    _frames: dict[tuple[str, str], "Frame"] = field(default_factory=dict, compare=False, repr=False)

    def hashed(self, user_id: str) -> str:
        """The user as it may appear in logs and traces: a keyed hash, 16 hexadecimal digits."""
        try:
            text = user_id.encode()  # without arguments it is three times as fast
        except UnicodeEncodeError:
            text = user_id.encode("utf-8", "surrogatepass")
        return blake2b(text, key=self.hash_key, digest_size=8).hexdigest()

    def write(
        self,
        arm: str,
        units: dict[str, str],
        metrics: dict[str, float],
        facts: dict[str, Any],
        tenant: str = "",
    ) -> None:
        """One line: `metrics` (all of `units`) under dimensions service and arm, and `facts`.

        tenant: the metrics are also counted for it alone; one of the few that the flag names.
        """
        frame = self._frames.get((arm, tenant))
        if frame is None or frame.units is not units:
            frame = self._frames[arm, tenant] = self._frame(arm, units, tenant)
        if metrics.keys() != units.keys():
            raise KeyError(*(metrics.keys() ^ units.keys()))
        now_ms = time.time_ns() // 1_000_000
        _print(f"{frame.before}{now_ms}{frame.after}{_encode(metrics | facts)[1:]}\n")

    def note(self, facts: dict[str, Any]) -> None:
        """A line that counts nothing."""
        _print(_encode({"service": self.service, **facts}) + "\n")

    def _frame(self, arm: str, units: dict[str, str], tenant: str) -> "Frame":
        """What is the same in every line of an arm, as text around the time."""
        dimensions = [["service", "arm"]] + ([["service", "arm", "tenant"]] if tenant else [])
        known = {"service": self.service, "arm": arm} | ({"tenant": tenant} if tenant else {})
        directive = {
            "Namespace": self.namespace,
            "Dimensions": dimensions,
            "Metrics": [
                {"Name": name, "Unit": unit, "StorageResolution": self.resolution_seconds}
                for name, unit in units.items()
            ],
        }
        static = _encode(known)[1:-1]
        after = f',"CloudWatchMetrics":{_encode([directive])}}},{static},'
        return Frame(units, '{"_aws":{"Timestamp":', after)


@dataclass(frozen=True)
class Frame:
    """The text before and after the time in a line whose metrics have these units."""

    units: dict[str, str]
    before: str
    after: str


def connect() -> RequestLog:
    """From the environment variables of the function."""
    known = settings()
    return RequestLog(
        known.text("METRIC_NAMESPACE"),
        known.text("SERVICE_NAME"),
        known.whole("METRIC_RESOLUTION_SECONDS"),
        sha256(known.text("USER_HASH_KEY").encode()).digest(),
    )


def _print(text: str) -> None:
    try:
        sys.stdout.write(text)
    except (OSError, ValueError):
        return  # standard output is gone; the user's answer is not
