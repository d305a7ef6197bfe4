"""The read path (huntaze-mock-read): choose the arm, answer, send the shadow.

Control answers any doubt: no flag, no lease, a failing or late candidate, all end in a control
read. What the candidate did is charged to the candidate's arm; the user never sees it.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any, Final

from rollout.adapters import (
    afterwards,
    flag_reader,
    read_lines,
    request_log,
    sources,
    tracing,
)
from rollout.adapters.candidate import Candidate, LambdaCandidate
from rollout.adapters.flag_reader import FlagSource
from rollout.adapters.observed import observed, told
from rollout.adapters.request_log import RequestLog
from rollout.adapters.shadow import LambdaTee, Shadow, Tee
from rollout.domain import cohort, routing
from rollout.domain.errors import InvalidInputError
from rollout.domain.observation import Observation
from rollout.domain.request import tenant_of, user_id_of
from rollout.settings import SettingInvalidError, SettingMissingError, Settings, settings

OK, BAD_REQUEST, NOT_FOUND, UNAVAILABLE = 200, 400, 404, 503
ARM_HEADER: Final = "x-rollout-arm"
# At import, while Lambda starts the sandbox: it registers nobody later. Not by settings(): they are
# read at first use.
AFTERWARDS: Final = afterwards.connect(Settings.from_environ())
CONTROL: Final = sources.control(Settings.from_environ())


def _at_once(job: Callable[[], None]) -> None:
    job()


@dataclass(frozen=True)
class Ports:
    """What a read needs from outside. later: does a job, at once or after the answer."""

    flag: FlagSource
    control: sources.Read
    candidate: Candidate
    tee: Tee
    log: RequestLog
    clock: Callable[[], float] = time.time
    later: Callable[[Callable[[], None]], None] = _at_once


def read(event: Any, request_id: str, ports: Ports) -> dict[str, Any]:
    """Answer one request, in the shape of an HTTP API response.

    Event: {"userId": str, "tenant": str, if any} or an HTTP API event. 200 with the user, 404
    when there is none, 400 when the request names nobody; 503 only when the control itself fails.
    """
    try:
        user_id = user_id_of(event)
    except InvalidInputError as error:
        return _response(BAD_REQUEST, {"error": str(error)}, cohort.CONTROL)
    now, flag = ports.clock(), ports.flag.flag()
    route = arm, bucket, _ = routing.route(flag, user_id, now)
    first = _candidate_first(user_id, ports) if arm == cohort.CANDIDATE else None
    fallback = first is not None and first.failed
    answer = observed(ports.control, user_id) if first is None or fallback else first
    hashed = ports.log.hashed(user_id)
    facts = read_lines.facts(ports.flag, flag, route, request_id, hashed)
    known = {**facts, "fallback": int(fallback)}
    tenant = tenant_of(event) if flag.tenants else ""
    read_lines.served(ports.log, flag, first or answer, known, user_id, tenant)
    if answer.failed:  # whoever was charged: nobody answered this user
        read_lines.nobody_answered(ports.log, answer, facts, user_id)
    elif not fallback and cohort.sampled(flag.salt, request_id, flag.shadow_at(now)):
        shadow = Shadow(user_id, hashed, answer, served=arm, bucket=bucket)
        ports.later(partial(_shadow, ports, shadow.under(flag)))
    return _answer(answer, cohort.CONTROL if fallback else arm)


def _candidate_first(user_id: str, ports: Ports) -> Observation:
    try:
        return ports.candidate.read(user_id)
    except Exception as error:  # the port promises not to; a user's read does not depend on it
        return Observation(error=type(error).__name__, message=told(error))


def _shadow(ports: Ports, shadow: Shadow) -> None:
    failure = ports.tee.send(shadow)
    if failure:
        read_lines.tee_failed(ports.log, failure, shadow.user_hash)


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
    finally:
        if AFTERWARDS is not None:
            AFTERWARDS.answered()


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
    return _answer(observed(CONTROL, user_id), cohort.CONTROL)


@cache
def _reader() -> Callable[[Any, str], dict[str, Any]]:
    known = settings()
    log, flag = request_log.connect(), flag_reader.connect()
    flag.observed = partial(read_lines.flag_observed, log)
    ports = Ports(flag, CONTROL, LambdaCandidate.connect(), LambdaTee.connect(), log)
    if AFTERWARDS is not None:
        ports = replace(ports, later=AFTERWARDS.later)
    recorder = tracing.recorder(known)
    if recorder is None:
        return partial(read, ports=ports)
    traced = replace(
        ports,
        flag=tracing.traced(ports.flag, recorder, flag="flag"),
        candidate=tracing.traced(ports.candidate, recorder, read="candidate"),
        tee=tracing.traced(ports.tee, recorder, send="tee"),
        log=tracing.annotating(log, recorder, known.optional("AWS_LAMBDA_FUNCTION_VERSION")),
    )
    return tracing.part(recorder, "read", partial(read, ports=traced))
