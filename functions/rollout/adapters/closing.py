"""Close the flag past whoever is in the way, and verify at the data plane that it is served.

Shared by every way back: the machine's, the guard's, a person's, and the drill before a launch.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from rollout.adapters.flags import Deployed, FlagConflictError, Flags, Served

ATTEMPTS: Final = 10
PAUSE_SECONDS: Final = 1.0
# How the note of a version that closes begins: who did it.
ROLL_BACK, KILL = "roll back", "kill"
REFUSED: Final = (ClientError, BotoCoreError)


class NotRolledBackError(RuntimeError):
    """The data plane still exposes users after everything was tried."""


@dataclass(frozen=True)
class Planes:
    """The flag's control plane and data plane."""

    flags: Flags
    served: Served
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


def note(word: str, rollout_id: str, why: str) -> str:
    """What the version that closes a rollout's flag says; word: ROLL_BACK or KILL."""
    return f"{word} {rollout_id}: {why}"


def why_closed(text: str, rollout_id: str) -> str:
    """What such a note says of this rollout; "" when it is another's, or none."""
    for word, by in ((ROLL_BACK, ""), (KILL, "killed by ")):
        beginning = note(word, rollout_id, "")
        if text.startswith(beginning):
            return by + text.removeprefix(beginning)
    return ""


def needs_closing(before: Deployed) -> bool:
    """Whether there is anything to close."""
    return before.strange or before.flag.enabled or before.flag.candidate_bps > 0


def close(
    before: Deployed, note: str, planes: Planes, undone: Callable[[], object] = lambda: None
) -> int:
    """Stop what runs and deploy the closed flag, again until nobody is in between.

    undone: called each time that somebody, as AppConfig for an alarm, has undone a deployment.
    Returns the deployment's number. Raises NotRolledBackError, FlagConflictError.
    """
    flags = planes.flags
    for attempt in range(1, ATTEMPTS + 1):
        running = flags.running()
        if running:
            flags.stop(running.number)
            before = flags.current(ours=True)
        try:
            number = flags.deploy(before, before.flag.closed(), short(note), urgent=True)
        except FlagConflictError:
            if attempt == ATTEMPTS:
                raise
            planes.sleep(PAUSE_SECONDS)
            before = flags.current(ours=True)
            continue
        if completed(number, planes):
            return number
        undone()
        before = flags.current(ours=True)
    raise NotRolledBackError(f"{ATTEMPTS} deployments of the closed flag were undone")


def completed(number: int, planes: Planes) -> bool:
    """Whether a deployment became complete while it was waited for."""
    for _ in range(ATTEMPTS):
        state = planes.flags.deployment(number).state
        if state == "COMPLETE":
            return True
        if state in ("ROLLED_BACK", "REVERTED"):
            return False
        planes.sleep(PAUSE_SECONDS)
    return False


def verified(planes: Planes) -> int:
    """The exposure a new reader is served, in basis points: 0, and nothing in the shadow.

    Raises NotRolledBackError.
    """
    seen = "was not asked"
    for _ in range(ATTEMPTS):
        try:
            flag, now = planes.served.flag(), planes.clock()
        except ValueError:
            seen = "still serves a flag that is not ours"
        except REFUSED as error:
            seen = f"does not answer: {error}"
        else:
            exposure = flag.exposure_at(now)
            if exposure == flag.shadow_at(now) == 0:
                return 0
            asked = f"{exposure} basis points" if exposure else "the shadow"
            seen = f"still serves {asked}"
        planes.sleep(PAUSE_SECONDS)
    raise NotRolledBackError(f"the data plane {seen}")


def short(note: str) -> str:
    """A note as AppConfig takes it: ASCII, at most 1024 characters."""
    return note.encode("ascii", "replace").decode()[:500]
