"""The read path (huntaze-mock-read): choose the arm, answer, send the shadow.

Control answers any doubt: no flag, no lease, a failing or late candidate, all end in a control
read. What the candidate did is charged to the candidate's arm; the user never sees it.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Final

from rollout.adapters import flag_reader, request_log, tracing, users_control
from rollout.adapters.candidate import TIMED_OUT, Candidate, LambdaCandidate
from rollout.adapters.flag_reader import FlagSource
from rollout.adapters.observed import observed
from rollout.adapters.request_log import ARM_UNITS, RequestLog
from rollout.adapters.shadow import LambdaTee, Shadow, Tee
from rollout.domain import cohort, routing
from rollout.domain.errors import InvalidInputError
from rollout.domain.flag import Flag
from rollout.domain.observation import Observation
from rollout.domain.request import user_id_of
from rollout.domain.routing import Route
from rollout.settings import SettingInvalidError, SettingMissingError, settings

OK, BAD_REQUEST, NOT_FOUND, UNAVAILABLE = 200, 400, 404, 503
ARM_HEADER: Final = "x-rollout-arm"


@dataclass(frozen=True)
class Ports:
    """What a read needs from outside."""

    flag: FlagSource
    control: Callable[[str], dict[str, Any] | None]
    candidate: Candidate
    tee: Tee
    log: RequestLog
    clock: Callable[[], float] = time.time


def read(event: Any, request_id: str, ports: Ports) -> dict[str, Any]:
    """Answer one request, in the shape of an HTTP API response.

    Event: {"userId": str} or an HTTP API event. 200 with the user, 404 when there is none, 400
    when the request names nobody; 503 only when the control itself fails.
    """
    try:
        user_id = user_id_of(event)
    except InvalidInputError as error:
        return _response(BAD_REQUEST, {"error": str(error)}, cohort.CONTROL)
    now, flag = ports.clock(), ports.flag.flag()
    route = routing.route(flag, user_id, now)
    first = _candidate_first(user_id, ports) if route.arm == cohort.CANDIDATE else None
    fallback = first is not None and first.failed
    answer = observed(ports.control, user_id) if first is None or fallback else first
    facts = _facts(ports, flag, route, user_id, request_id)
    _tell(ports.log, flag, first or answer, {**facts, "fallback": int(fallback)}, user_id)
    if answer.failed:  # whoever was charged: nobody answered this user
        _complain(ports.log, answer, facts, user_id)
    elif not fallback and cohort.sampled(flag.salt, request_id, flag.shadow_at(now)):
        hashed = facts["user_hash"]
        shadow = Shadow(user_id, hashed, answer, served=route.arm, bucket=route.bucket)
        _shadow(ports, shadow.under(flag))
    return _answer(answer, cohort.CONTROL if fallback else route.arm)


def _candidate_first(user_id: str, ports: Ports) -> Observation:
    try:
        return ports.candidate.read(user_id)
    except Exception as error:  # the port promises not to; a user's read does not depend on it
        return Observation(error=type(error).__name__, message=str(error))


def _shadow(ports: Ports, shadow: Shadow) -> None:
    failure = ports.tee.send(shadow)
    if failure:
        line = {"event": "tee.failed", "error_type": failure, "user_hash": shadow.user_hash}
        ports.log.note(line)


def _facts(ports: Ports, flag: Flag, route: Route, user_id: str, request_id: str) -> dict[str, Any]:
    """What the line says of the request, whatever comes of it."""
    return {
        "event": "read.served",
        "path": route.arm,
        "request_id": request_id,
        "user_hash": ports.log.hashed(user_id),
        "bucket": route.bucket,
        "is_candidate": int(route.arm == cohort.CANDIDATE),
        "exposure_bps": route.exposure_bps,
        "flag_bps": flag.candidate_bps,
        "flag_stale": ports.flag.stale,
        "config_version": ports.flag.version,
        "rollout_id": flag.rollout_id,
        "phase": flag.phase,
    }


def _tell(
    log: RequestLog, flag: Flag, charged: Observation, facts: dict[str, Any], user_id: str
) -> None:
    """One line, charged to the arm the user belongs to, whoever answered in the end."""
    arm, failed = facts["path"], int(charged.failed)
    limit = flag.candidate_slow_ms if arm == cohort.CANDIDATE else flag.control_slow_ms
    latency_ms = round(charged.duration_ms, 3)
    metrics = {
        "Requests": 1,
        "Errors": failed,
        "Slow": int(limit > 0 and charged.duration_ms > limit),
        "Latency": latency_ms,
    }
    facts["ok"], facts["failed"], facts["latency_ms"] = 1 - failed, failed, latency_ms
    facts["timed_out"] = int(charged.error == TIMED_OUT)
    facts["error_type"] = charged.error
    facts["error_message"] = charged.redacted(user_id, facts["user_hash"])
    log.write(arm, ARM_UNITS, metrics, facts)


def _complain(log: RequestLog, control: Observation, facts: dict[str, Any], user_id: str) -> None:
    """The control has failed a user: a line of its own, since another arm may have been charged."""
    failure = {
        "event": "read.error",
        "path": cohort.CONTROL,
        "latency_ms": round(control.duration_ms, 3),
        "error_type": control.error,
        "error_message": control.redacted(user_id, facts["user_hash"]),
    }
    log.note({**facts, **failure})


def _answer(observed: Observation, arm: str) -> dict[str, Any]:
    if observed.failed:
        return _response(UNAVAILABLE, {"error": "the read failed, try again"}, arm)
    if observed.value is None:
        return _response(NOT_FOUND, {"error": "there is no such user"}, arm)
    return _response(OK, observed.value, arm)


def _response(status: int, body: Any, arm: str) -> dict[str, Any]:
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json", ARM_HEADER: arm},
        "body": json.dumps(body),
    }


def handler(event: Any, context: Any) -> dict[str, Any]:
    """The Lambda entry point."""
    try:
        return _reader()(event, context.aws_request_id)
    except Exception as error:  # the last net: a setting that is missing, a mistake of ours
        return _rescued(event, error)


def _rescued(event: Any, error: Exception) -> dict[str, Any]:
    """What the function answered before there was any rollout, and a line that says why."""
    line = {"event": "read.rescued", "error_type": type(error).__name__, "error_message": ""}
    if isinstance(error, SettingMissingError | SettingInvalidError):
        line["error_message"] = str(error)
    print(json.dumps(line), flush=True)
    try:
        user_id = user_id_of(event)
    except InvalidInputError as invalid:
        return _response(BAD_REQUEST, {"error": str(invalid)}, cohort.CONTROL)
    return _answer(observed(users_control.user, user_id), cohort.CONTROL)


@cache
def _reader() -> Callable[[Any, str], dict[str, Any]]:
    known = settings()
    log, flag = request_log.connect(), flag_reader.connect()
    flag.observed = partial(_observed, log)
    ports = Ports(flag, users_control.user, LambdaCandidate.connect(), LambdaTee.connect(), log)
    recorder = tracing.recorder(known)
    if recorder is None:
        return partial(read, ports=ports)
    traced = Ports(
        tracing.traced(ports.flag, recorder, flag="flag"),
        ports.control,
        tracing.traced(ports.candidate, recorder, read="candidate"),
        tracing.traced(ports.tee, recorder, send="tee"),
        tracing.annotating(log, recorder, known.optional("AWS_LAMBDA_FUNCTION_VERSION")),
    )
    return tracing.part(recorder, "read", partial(read, ports=traced))


def _observed(log: RequestLog, version: str, flag: Flag) -> None:
    """Once for each flag that this sandbox takes over."""
    facts = {"event": "flag.observed", "config_version": version, "flag_bps": flag.candidate_bps}
    log.note({**facts, "rollout_id": flag.rollout_id, "phase": flag.phase})
