"""What the read path tells of a request, field by field. docs/read-path.md explains the fields."""

from typing import Any

from rollout.adapters.candidate import TIMED_OUT
from rollout.adapters.flag_reader import FlagSource
from rollout.adapters.request_log import ARM_UNITS, RequestLog
from rollout.domain import cohort
from rollout.domain.flag import Flag
from rollout.domain.observation import Observation
from rollout.domain.routing import Route


def facts(
    source: FlagSource, flag: Flag, route: Route, request_id: str, user_hash: str
) -> dict[str, Any]:
    """What is true of the request, whatever comes of it."""
    arm, bucket, exposure_bps = route
    return {
        "event": "read.served",
        "path": arm,
        "request_id": request_id,
        "user_hash": user_hash,
        "bucket": bucket,
        "is_candidate": int(arm == cohort.CANDIDATE),
        "exposure_bps": exposure_bps,
        "flag_bps": flag.candidate_bps,
        "flag_stale": source.stale,
        "config_version": source.version,
        "rollout_id": flag.rollout_id,
        "phase": flag.phase,
    }


def served(
    log: RequestLog,
    flag: Flag,
    charged: Observation,
    known: dict[str, Any],
    user_id: str,
    tenant: str = "",
) -> None:
    """The request's line, charged to the arm the user belongs to, whoever answered in the end.

    known: the facts, with "fallback" 0 or 1; the outcome is added to them.
    """
    arm, failed = known["path"], int(charged.failed)
    limit = flag.candidate_slow_ms if arm == cohort.CANDIDATE else flag.control_slow_ms
    latency_ms = round(charged.duration_ms, 3)
    metrics = {
        "Requests": 1,
        "Errors": failed,
        "Slow": int(limit > 0 and charged.duration_ms > limit),
        "Latency": latency_ms,
    }
    known["ok"], known["failed"], known["latency_ms"] = 1 - failed, failed, latency_ms
    known["timed_out"] = int(charged.error == TIMED_OUT)
    known["error_type"] = charged.error
    known["error_message"] = charged.redacted(user_id, known["user_hash"])
    log.write(arm, ARM_UNITS, metrics, known, tenant if tenant in flag.tenants else "")


def nobody_answered(
    log: RequestLog, control: Observation, known: dict[str, Any], user_id: str
) -> None:
    """The control has failed a user: a line of its own, since another arm may have been charged."""
    failure = {
        "event": "read.error",
        "path": cohort.CONTROL,
        "latency_ms": round(control.duration_ms, 3),
        "error_type": control.error,
        "error_message": control.redacted(user_id, known["user_hash"]),
    }
    log.note({**known, **failure})


def tee_failed(log: RequestLog, failure: str, user_hash: str) -> None:
    """A shadow that could not be handed over."""
    log.note({"event": "tee.failed", "error_type": failure, "user_hash": user_hash})


def flag_observed(log: RequestLog, version: str, flag: Flag) -> None:
    """Once for each flag that a sandbox takes over."""
    known = {"event": "flag.observed", "config_version": version, "flag_bps": flag.candidate_bps}
    log.note({**known, "rollout_id": flag.rollout_id, "phase": flag.phase})
