"""From a simulated rollout to the two laws: its own, and that of the nearest tolerable candidate.

The nearest tolerable candidate has the same kind of change, in the greatest dose that must not be
rolled back. Where the harm is no more than that, both laws are the same.
"""

import math
from typing import Final

import numpy as np

from benchmarks.decision.effect import SLOW_FROM
from benchmarks.decision.latency import P95, Floats, Latency
from benchmarks.decision.levels import BUCKETS, TENANTS, THRESHOLDS
from benchmarks.decision.oracle.evidence import Events, Evidence, Part, Times
from benchmarks.decision.simulate import Chunk, Ints, Rollout

# Half of the limit for all users, twice the limit for a single tenant: as the judge promises.
ERRORS: Final = THRESHOLDS["error"]["rollback"] / 2
TENANT_ERRORS: Final = 2 * THRESHOLDS["error"]["rollback"]
MISMATCHES: Final = THRESHOLDS["mismatch"]["go"]


def evidence(rollout: Rollout, chunk: Chunk) -> Evidence:
    """What can be known about the candidate, minute by minute."""
    effect, clump = chunk.effect, rollout.scenario.weather.clump
    # What the control itself does, or would do at full exposure, is excused.
    tolerated = np.maximum(ERRORS, effect.control_error)
    at_most = np.full(len(tolerated), MISMATCHES)
    requests, errors = _counts(chunk, "candidate", "n", "err")
    asked, failed, mismatched = _counts(chunk, "shadow", "n", "err", "mismatch")
    parts: list[Part] = [
        _events(requests, errors, effect.error, tolerated, clump),
        _events(asked, failed, effect.shadow_error, tolerated, clump),
        _events(asked - failed, mismatched, effect.mismatch, at_most),
        _times(rollout, chunk),
    ]
    if rollout.scenario.change.tenant:
        which, rate = rollout.scenario.change.tenant
        rows = np.array([(m["tenants"] or _NO_TENANTS)[which] for m in chunk.messages])
        harmful = np.where(effect.active, rate, 0.0)
        tolerated = np.maximum(TENANT_ERRORS, effect.control_error)
        parts.append(_events(rows[:, 2], rows[:, 3], harmful, tolerated))
    return Evidence(parts)


_NO_TENANTS: Final = [[0, 0, 0, 0]] * len(TENANTS)


def _counts(chunk: Chunk, part: str, *names: str) -> Ints:
    """Names x minutes; nothing is counted while the telemetry is out."""
    nothing = dict.fromkeys(names, 0)
    found = [[(m[part] or nothing)[name] for name in names] for m in chunk.messages]
    return np.array(found, dtype=np.int64).T


def _events(
    requests: Ints, events: Ints, harmful: Floats, tolerated: Floats, clump: float = 0.0
) -> Events:
    return Events(requests, events, harmful, np.minimum(harmful, tolerated), clump)


def _times(rollout: Rollout, chunk: Chunk) -> Times:
    """Only what is slower than tolerated has shares; other minutes say nothing."""
    effect, latency = chunk.effect, rollout.latency
    scale = np.minimum(effect.scale, SLOW_FROM * effect.control_scale)
    tail = np.minimum(effect.tail, tolerated_tail(latency))
    counts = np.zeros((len(scale), BUCKETS), dtype=np.int64)
    for minute, message in enumerate(chunk.messages):
        for bucket, count in (message["candidate"] or {"lat": ()})["lat"]:
            counts[minute, bucket] = count
    harmful, tolerated = np.zeros(counts.shape), np.zeros(counts.shape)
    worse = (effect.scale > scale) | (effect.tail > tail)
    harmful[worse] = latency.shares(effect.scale[worse], effect.tail[worse])
    tolerated[worse] = latency.shares(scale[worse], tail[worse])
    return Times(counts, harmful, tolerated)


def tolerated_tail(latency: Latency) -> float:
    """The share in the tail with which the p95 is as much slower as is tolerated."""
    cutoff = np.array([latency.p95_log_ms() + math.log(SLOW_FROM)])
    body, tail = (latency.below(cutoff, np.ones(1), np.array([share]))[0] for share in (0.0, 1.0))
    return float((body - P95) / (body - tail))
