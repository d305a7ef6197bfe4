"""One read, its line and its answer: what the deployed read path does when somebody asks it."""

import base64
import json
import time
from collections.abc import Mapping
from typing import Any, Final

from ops.checks import evidence
from ops.checks.check import Answer, failed, passed, unknown
from ops.checks.parts import some
from ops.checks.site import Site
from rollout.adapters.clients import client
from rollout.adapters.shadow_log import parsed
from rollout.domain.cohort import CONTROL
from rollout.handlers.read import ARM_HEADER, OK

# What every line of a read says, so that a trace or a question can be answered from it.
ANNOTATED: Final = ("path", "user_hash", "bucket", "exposure_bps", "config_version", "latency_ms")
LOG_LOOKS: Final = 10
LOG_PAUSE_SECONDS: Final = 0.5


def read(site: Site) -> dict[str, Any]:
    """One read by its alias: {"statusCode", "headers", "body", "tail": the invocation's lines}."""
    answer = client("lambda").invoke(
        FunctionName=site.stack.outputs["ReadAliasArn"],
        Payload=json.dumps({"userId": site.user}),
        LogType="Tail",
    )
    body = json.loads(answer["Payload"].read())
    tail = base64.b64decode(answer.get("LogResult", "")).decode(errors="replace")
    return {**body, "tail": tail}


def weigh_read(answer: Mapping[str, Any]) -> Answer:
    status = answer.get("statusCode")
    if status != 200:
        return failed(f"a read was answered with {status}")
    arm = answer["headers"].get(ARM_HEADER)
    return passed(f"200 from the {arm}")


def line(site: Site) -> dict[str, Any]:
    """The line of a read just made, from its invocation or from its log group."""
    before = int(time.time() * 1000)
    found = _served(read(site)["tail"].splitlines(), site.user)
    group = site.physical("ReadLogs")
    for _ in range(LOG_LOOKS):
        if found:
            break
        told = client("logs").filter_log_events(
            logGroupName=group, startTime=before, filterPattern='"read.served"'
        )
        found = _served([event["message"] for event in told["events"]], site.user)
        time.sleep(0 if found else LOG_PAUSE_SECONDS)
    return found


def _served(lines: list[str], user: str) -> dict[str, Any]:
    for text in reversed(lines):
        found = parsed(text)
        if found.get("event") == "read.served":
            return {**found, "names_user": f'"{user}"' in text}
    return {}


def weigh_line(found: Mapping[str, Any]) -> Answer:
    if not found:
        return unknown("no line of the read has arrived yet")
    missing = [name for name in ANNOTATED if name not in found]
    if missing:
        return failed(f"the line of a read lacks {some(missing)}")
    if found["names_user"]:
        return failed("the line of a read has the user's id in it")
    return passed(f"path, hash and flag of a read are in its line; path {found['path']}")


def data(site: Site) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """What the two arms answer for one id; None when the read was not answered by the control."""
    answer = read(site)
    said = evidence.candidate(site)
    by_control = answer["headers"].get(ARM_HEADER) == CONTROL and answer["statusCode"] == OK
    return json.loads(answer["body"]) if by_control else None, dict(said.get("user") or {})


def weigh_data(found: tuple[dict[str, Any] | None, dict[str, Any]]) -> Answer:
    control, candidate = found
    if control is None:
        return unknown("the control does not answer for this id: it has none, or it is not asked")
    if not candidate:
        return unknown("the candidate has no such user to compare with")
    alone = sorted(control.keys() ^ candidate.keys())
    if alone:
        return failed(f"only one arm's answer has {some(alone)}")
    odd = [
        name
        for name in control
        if candidate[name] is not None
        and control[name] is not None
        and type(candidate[name]) is not type(control[name])
    ]
    if odd:
        return failed(f"{some(odd)} are of another kind in the candidate's answer")
    return passed(f"{len(control)} fields, of the same kinds in both arms")
