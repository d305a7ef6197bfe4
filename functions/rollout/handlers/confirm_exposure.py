"""Confirm Exposure: is the phase's flag what users are served now?"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from rollout.adapters import flag_reader
from rollout.adapters.flags import AppConfigFlags, Flags, Served
from rollout.adapters.notifications import Notifications, SnsNotifications, tell
from rollout.domain import exposure as exposures
from rollout.domain import telling
from rollout.domain.errors import InvalidInputError
from rollout.domain.exposure import Sighting
from rollout.domain.flag import Flag
from rollout.domain.step import Step
from rollout.settings import settings

SERVED: Final = (exposures.SERVED_SHADOW, exposures.SERVED_LIVE, exposures.SERVED_DOWN)


@dataclass(frozen=True)
class Ports:
    """What confirming needs from outside."""

    flags: Flags
    served: Served
    notifications: Notifications
    poll_seconds: int
    clock: Callable[[], float] = time.time


def confirm_exposure(event: dict[str, Any], ports: Ports) -> dict[str, Any]:
    """Look at the deployment and at the data plane once.

    Event: {"step", "exposure"}. Returns the exposure with word SERVED_SHADOW, SERVED_LIVE or
    SERVED_DOWN, of which people are told, SPREADING (look again in wait_seconds) or LOST.
    """
    exposure = event["exposure"]
    if exposure["word"] not in (exposures.DEPLOYING, exposures.SPREADING):
        return dict(exposure)  # it was lost, or a person holds what was served before
    deployment = ports.flags.deployment(exposure["deployment"])
    seen = Sighting(deployment.state, deployment.ended_by, _served(ports), ports.poll_seconds)
    step = Step.from_json(event["step"])
    found = exposures.confirm(exposure, step, seen, ports.clock())
    if seen.served and found["word"] in SERVED:
        notice = telling.confirmed(step.rollout_id, found, seen.served)
        tell(ports.notifications, notice, {"exposure": found})
    return found


def _served(ports: Ports) -> Flag | None:
    """The flag, or None while the data plane has no good answer: not confirmed."""
    try:
        return ports.served.flag()
    except (ClientError, BotoCoreError, InvalidInputError, ValueError):
        return None


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """The Lambda entry point."""
    poll_seconds = settings().whole("FLAG_POLL_SECONDS")
    flags, served = AppConfigFlags.connect(), flag_reader.served()
    ports = Ports(flags, served, SnsNotifications.connect(), poll_seconds)
    return confirm_exposure(event, ports)
