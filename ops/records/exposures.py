"""What was served to everyone, and from when, out of what the executions and the flag say."""

from collections.abc import Callable
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from ops.deployed import Stack
from rollout.adapters.flags import AppConfigFlags, FlagMissingError
from rollout.domain.errors import InvalidInputError
from rollout.domain.exposure import SERVED_DOWN, SERVED_LIVE, SERVED_SHADOW

# From the number of a deployment to the shadow's share that it carried, None for unknown.
Shadow = Callable[[int], int | None]
SERVED: Final = (SERVED_SHADOW, SERVED_LIVE, SERVED_DOWN)
# States after which nobody is exposed, or everybody is without a lease.
ENDS: Final = {"Roll Back": 0, "Cleanup": 10_000}


def carried_shadows(stack: Stack, given: dict[str, Any], known: dict[str, Any]) -> Shadow:
    """The shadow's share of a deployment, where the plan's ceiling may have lowered it."""
    if not given.get("comparison", {}).get("most_per_second"):
        return _as_planned
    flags = AppConfigFlags.connect(stack.settings())

    def shadow(number: int) -> int | None:
        key = f"shadow of deployment {number}"
        try:
            if key not in known:
                known[key] = flags.carried(number).shadow_bps
        except (ClientError, BotoCoreError, InvalidInputError, FlagMissingError):
            return None  # AppConfig keeps versions and deployments for some time only
        return int(known[key])

    return shadow


def _as_planned(_number: int) -> None:
    """Without a ceiling every phase has the share that the plan gives it."""


def exposure_steps(
    listed: list[dict[str, Any]], given: dict[str, Any], shadow: Shadow = _as_planned
) -> list[dict[str, Any]]:
    """Each change of what is served to everyone, oldest first.

    shadow: the share, in basis points, that the deployment of that number carried; None where that
    is not known, and is taken from the plan.
    """
    shadows = {phase["name"]: phase.get("shadow_bps", 0) for phase in given.get("phases", ())}
    found: list[dict[str, Any]] = []
    for item in listed:
        for visit in item["visits"]:
            said: dict[str, Any] = visit.output if isinstance(visit.output, dict) else {}
            exposure = said.get("exposure") or {}
            if visit.state in ENDS and visit.left_at and said.get("outcome"):
                found.append(_step(visit.left_at, "", ENDS[visit.state], 0))
            elif visit.state == "Confirm Exposure" and exposure.get("word") in SERVED:
                phase = exposure["phase"]
                at, bps = exposure["served_at"], exposure["exposure_bps"]
                carried = shadow(exposure.get("deployment", 0))
                compared = shadows.get(phase, 0) if carried is None else carried
                found.append(_step(at, phase, bps, compared))
    return found


def _step(at: float, phase: str, exposure_bps: int, shadow_bps: int) -> dict[str, Any]:
    return {"at": at, "phase": phase, "exposure_bps": exposure_bps, "shadow_bps": shadow_bps}
