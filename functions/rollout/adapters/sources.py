"""The two reads between which users are moved, as the deployment names them: "module:name".

CONTROL_READ names a function that takes an id and returns a JSON-like dict or None. CANDIDATE_READ
names a function without arguments that returns a Source. Both are imported while Lambda starts the
sandbox, and nothing of the other one is.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final, Protocol

from rollout.settings import SettingInvalidError, Settings

Read = Callable[[str], "dict[str, Any] | None"]
# What stands here when the deployment names nothing: the users' own.
USERS_CONTROL: Final = "rollout.adapters.users_control:user"
USERS_CANDIDATE: Final = "rollout.adapters.users_candidate:connect"
NAMED: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)
EXPECTED: Final = '"module:name" of a function in the bundle'


class Source(Protocol):
    """What CANDIDATE_READ returns. read: a JSON-like dict, or None; it may raise anything."""

    def read(self, user_id: str) -> dict[str, Any] | None: ...


@dataclass(frozen=True)
class NotFound:
    """In place of a source that cannot be used: the sandbox starts, and each read says why."""

    setting: str
    value: str
    reason: str

    def read(self, _user_id: str) -> dict[str, Any] | None:
        """Raises SettingInvalidError."""
        raise SettingInvalidError(self.setting, self.value, f"{EXPECTED}; {self.reason}")


def control(known: Settings) -> Read:
    """The control's read; when it cannot be found, one that raises SettingInvalidError."""
    found = _named("CONTROL_READ", known.optional("CONTROL_READ") or USERS_CONTROL)
    return found.read if isinstance(found, NotFound) else found


def candidate(known: Settings) -> Callable[[], Source]:
    """What connects the candidate; when it cannot be found, its reads raise SettingInvalidError."""
    found = _named("CANDIDATE_READ", known.optional("CANDIDATE_READ") or USERS_CANDIDATE)
    return (lambda: found) if isinstance(found, NotFound) else found


def _named(setting: str, value: str) -> Callable[..., Any] | NotFound:
    if not NAMED.fullmatch(value):
        return NotFound(setting, value, "it is not written so")
    module, name = value.split(":")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        return NotFound(setting, value, str(error))
    except Exception as error:  # raised by the module itself, whose words may be anything
        return NotFound(setting, value, f"importing it raised {type(error).__name__}")
    return (
        found
        if callable(found)
        else NotFound(setting, value, f"it is of type {type(found).__name__}")
    )
