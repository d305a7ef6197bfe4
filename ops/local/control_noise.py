"""Stands in for a control whose answers vary by themselves, as those of real sources do.

Deployed beside the code that ships, and put around its control; it does nothing until a rehearsal
asks for noise. Both sides use this file, so it imports the standard library only.
"""

import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

MODULE: Final = "local_control_noise"
CONTROL: Final = "rollout/adapters/users_control.py"
Read = Callable[[str], "dict[str, Any] | None"]


class ControlNoise:
    """The switch: a file that the deployed control looks at. It is gone with its folder."""

    def __init__(self, switch: Path) -> None:
        self._switch = switch

    def set(self, rate: float) -> None:
        """Let this share (0..1) of the control's answers have their tags in another order."""
        self._switch.write_text(repr(rate), encoding="ascii")


def noisy(read: Read, switch: str) -> Read:
    """The control read, with the noise that the switch asks for."""

    def user(user_id: str) -> dict[str, Any] | None:
        found = read(user_id)
        if found and random.random() < _rate(switch):
            return {**found, "tags": found["tags"][::-1]}
        return found

    return user


def _rate(switch: str) -> float:
    try:
        return float(Path(switch).read_text(encoding="ascii") or 0)
    except OSError:
        return 0.0


def deployed(source: Path, switch: Path) -> Mapping[str, bytes]:
    """What is deployed beside or in place of the files in `source`: path -> content."""
    wrapped = (
        (source / CONTROL).read_bytes()
        + f"\n\nfrom {MODULE} import noisy\n\nuser = noisy(user, {str(switch)!r})\n".encode()
    )
    return {f"{MODULE}.py": Path(__file__).read_bytes(), CONTROL: wrapped}


def switch_of(log: Path, stack: str) -> Path:
    """A stack's switch: a file beside the log of the emulator that has the stack."""
    return log.with_name(f"control-noise-{stack}")
