"""The read path (huntaze-mock-read): choose the arm, answer, send the shadow.

Control answers any doubt: no flag, no lease, a failing or late candidate, all end in a control
read. What the candidate did is charged to the candidate's arm; the user never sees it.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from rollout.adapters import flag_reader, request_log, users_control
from rollout.adapters.candidate import Candidate, LambdaCandidate
from rollout.adapters.flag_reader import FlagSource
from rollout.adapters.request_log import ARM_UNITS, RequestLog
from rollout.adapters.shadow import LambdaTee, Shadow, Tee
from rollout.domain import cohort
from rollout.domain.errors import InvalidInputError
from rollout.domain.flag import Flag
from rollout.domain.observation import Observation
from rollout.domain.request import user_id_of

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
    bucket = cohort.bucket(flag.salt, user_id)
    listed = cohort.listed(user_id, flag.allow_list)
    arm = cohort.arm(bucket, flag.exposure_at(now), listed=listed)
    served = _candidate_first(user_id, ports) if arm == cohort.CANDIDATE else None
    facts = _facts(ports, flag, user_id, bucket, arm)
    if served is None or served.failed:
        control = _control(user_id, ports)
        _tell(ports.log, flag, arm, served or control, facts, fallback=served is not None)
        if served is None and cohort.sampled(flag.salt, request_id, flag.shadow_at(now)):
            shadow = Shadow(user_id, facts["user_hash"], control, bucket=bucket)
            _shadow(ports, shadow.under(flag))
        return _answer(control, cohort.CONTROL)
    _tell(ports.log, flag, arm, served, facts, fallback=False)
    return _answer(served, cohort.CANDIDATE)


def _candidate_first(user_id: str, ports: Ports) -> Observation:
    try:
        return ports.candidate.read(user_id)
    except Exception as error:  # the port promises not to; a user's read does not depend on it
        return Observation(error=type(error).__name__)


def _control(user_id: str, ports: Ports) -> Observation:
    started = time.perf_counter()
    try:
        value, failure = ports.control(user_id), ""
    except Exception as error:
        value, failure = None, type(error).__name__
    return Observation(value, failure, (time.perf_counter() - started) * 1000)


def _shadow(ports: Ports, shadow: Shadow) -> None:
    failure = ports.tee.send(shadow)
    if failure:
        line = {"event": "tee.failed", "error_type": failure, "user_hash": shadow.user_hash}
        print(json.dumps(line, separators=(",", ":")))


def _facts(ports: Ports, flag: Flag, user_id: str, bucket: int, arm: str) -> dict[str, Any]:
    return {
        "event": "read.served",
        "path": arm,
        "user_hash": ports.log.hashed(user_id),
        "bucket": bucket,
        "is_candidate": int(arm == cohort.CANDIDATE),
        "flag_bps": flag.candidate_bps,
        "rollout_id": flag.rollout_id,
        "phase": flag.phase,
    }


def _tell(
    log: RequestLog,
    flag: Flag,
    arm: str,
    observed: Observation,
    facts: dict[str, Any],
    *,
    fallback: bool,
) -> None:
    """One line, charged to the arm the user belongs to, whoever answered in the end."""
    limit = flag.candidate_slow_ms if arm == cohort.CANDIDATE else flag.control_slow_ms
    slow = limit > 0 and observed.duration_ms > limit
    metrics = {
        "Requests": 1,
        "Errors": int(observed.failed),
        "Slow": int(slow),
        "Latency": round(observed.duration_ms, 3),
    }
    outcome = {
        "ok": int(not observed.failed),
        "failed": int(observed.failed),
        "fallback": int(fallback),
        "latency_ms": metrics["Latency"],
        "error_type": observed.error,
    }
    log.write(arm, ARM_UNITS, metrics, {**facts, **outcome})


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
    return read(event, context.aws_request_id, _ports())


@cache
def _ports() -> Ports:
    return Ports(
        flag_reader.connect(),
        users_control.user,
        LambdaCandidate.connect(),
        LambdaTee.connect(),
        request_log.connect(),
    )
