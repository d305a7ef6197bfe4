"""Before traffic: CodeDeploy asks this before a new version of the functions serves anybody."""

from dataclasses import dataclass
from typing import Any, Final

from rollout.adapters.flags import AppConfigFlags, Flags
from rollout.adapters.releases import CodeDeployRelease, LambdaVersions, Release, Versions
from rollout.domain.errors import InvalidInputError
from rollout.domain.release import obstacles
from rollout.telemetry import log

PROBE: Final = "user-1"
SUCCEEDED: Final = "Succeeded"
FAILED: Final = "Failed"


@dataclass(frozen=True)
class Ports:
    """What it needs from outside."""

    flags: Flags
    versions: Versions
    release: Release


def before_traffic(event: dict[str, Any], ports: Ports) -> dict[str, Any]:
    """Try the new versions and answer CodeDeploy, which waits for the answer.

    Event: {"DeploymentId", "LifecycleEventHookExecutionId"}. Returns {"status": Succeeded or
    Failed, "reasons": [str]}. Whatever goes wrong while looking fails the release: the old version
    goes on serving. Raises InvalidInputError for another event, and what CodeDeploy raises.
    """
    deployment, hook = (_text(event, key) for key in ("DeploymentId", _HOOK))
    try:
        holder = ports.flags.current().flag.holder
        reasons = obstacles(holder, ports.versions.probe(PROBE))
    except Exception as error:  # doubt ends with what serves now
        reasons = (f"not looked at to the end: {type(error).__name__}",)
    status = FAILED if reasons else SUCCEEDED
    log().info("release", extra={"status": status, "reasons": reasons, "deployment": deployment})
    ports.release.tell(deployment, hook, status)
    return {"status": status, "reasons": list(reasons)}


_HOOK: Final = "LifecycleEventHookExecutionId"


def _text(event: Any, key: str) -> str:
    found = event.get(key) if isinstance(event, dict) else None
    if not isinstance(found, str) or not found:
        raise InvalidInputError(field=key, value=found, expected="an id, as CodeDeploy sends it")
    return found


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """The Lambda entry point."""
    ports = Ports(AppConfigFlags.connect(), LambdaVersions.connect(), CodeDeployRelease.connect())
    return before_traffic(event, ports)
