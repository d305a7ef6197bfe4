"""X-Ray, when a function is traced; otherwise nothing is imported and no call is wrapped.

The SDK comes from the Powertools layer that the template adds with tracing: it is large, loads
botocore, and an untraced function has no use for it. Lambda makes the segment of a request; ours
are the subsegments: the read, and in it flag, candidate and tee; in the candidate's, the query.
"""

import time
from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

from rollout.adapters.request_log import RequestLog
from rollout.settings import Settings

Port = TypeVar("Port")
ANNOTATED: Final = ("path", "user_hash")


def recorder(known: Settings) -> Any | None:
    """The SDK's recorder, or None when the function is not traced or has no SDK."""
    if known.optional("POWERTOOLS_TRACE_ENABLED") != "true":
        return None
    try:
        from aws_xray_sdk.core import xray_recorder  # costs botocore; only when needed
    except ImportError:
        return None
    # A trace that cannot be written is logged by the SDK; it must not fail a read.
    xray_recorder.configure(context_missing="LOG_ERROR")
    return xray_recorder


def part(recorder: Any, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    """`call` as a subsegment of that name; of what it raises only the class is told.

    The SDK would send the exception's text and its stack, which may repeat an id or a row.
    """

    def inner(*given: Any, **named: Any) -> Any:
        failure: Exception | None = None
        with recorder.in_subsegment(name) as entity:
            try:
                return call(*given, **named)
            except Exception as error:
                failure = error
                _mark(entity, error)
        raise failure

    return inner


def _mark(entity: Any, error: Exception) -> None:
    if entity is not None:  # not sampled, or no trace at all
        entity.add_fault_flag()
        entity.put_annotation("error", type(error).__name__)


class _Traced:
    """A port some of whose methods are replaced."""

    def __init__(self, port: Any, replaced: dict[str, Callable[..., Any]]) -> None:
        self._port = port
        self.__dict__.update(replaced)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._port, name)


def traced(port: Port, recorder: Any, **parts: str) -> Port:
    """The port with methods as subsegments: method="name of the subsegment"."""
    replaced = {
        method: part(recorder, name, getattr(port, method)) for method, name in parts.items()
    }
    return cast(Port, _Traced(port, replaced))


def annotating(log: RequestLog, recorder: Any, version: str) -> RequestLog:
    """The log, each of whose request lines is also told to the subsegment it is written in."""

    def write(
        arm: str,
        units: dict[str, str],
        metrics: dict[str, float],
        facts: dict[str, Any],
        tenant: str = "",
    ) -> None:
        log.write(arm, units, metrics, facts, tenant)
        _annotate(recorder.current_subsegment(), log.service, version, facts)

    return cast(RequestLog, _Traced(log, {"write": write}))


def _annotate(entity: Any, service: str, version: str, facts: dict[str, Any]) -> None:
    """Annotations can be searched for; metadata only be looked at. No user id in either."""
    if entity is None:  # not sampled, or no trace at all
        return
    entity.put_annotation("canary", bool(facts["is_candidate"]))
    for name in ANNOTATED:
        entity.put_annotation(name, facts[name])
    metadata = {
        "timestamp": round(time.time(), 3),
        "version": version,
        "duration_ms": facts["latency_ms"],
        "canaryEnabled": facts["exposure_bps"] > 0,
        "exposure": facts["exposure_bps"],
        "bucket": facts["bucket"],
        "config_version": facts["config_version"],
    }
    for name, value in metadata.items():
        entity.put_metadata(name, value, service)
