"""The flag's definition in AppConfig: which attributes its values may have, and of which kind.

AppConfig refuses a value whose attribute is not defined. A stack that was deployed before an
attribute was new has an older definition stored, so a writer adds what is missing.

Source: AppConfig user guide, "Type reference for AWS.AppConfig.FeatureFlags".
"""

from collections.abc import Mapping
from typing import Any, Final

from rollout.domain.flag import FULL_BPS, Flag, with_flag

_SHARE: Final = {"type": "number", "minimum": 0, "maximum": FULL_BPS}
_TIME: Final = {"type": "number", "minimum": 0}
_TEXT: Final = {"type": "string"}
_TEXTS: Final = {"type": "array", "elements": {"type": "string"}}
# Attribute -> its constraints. Required are those without which a reader serves the control.
ATTRIBUTES: Final[Mapping[str, Mapping[str, Any]]] = {
    "candidate_bps": {**_SHARE, "required": True},
    "shadow_bps": {**_SHARE, "required": True},
    "salt": {**_TEXT, "required": True},
    "lease_until": {**_TIME, "required": True},
    "rollout_id": {**_TEXT, "required": True},
    "phase": {**_TEXT, "required": True},
    "control_slow_ms": _TIME,
    "candidate_slow_ms": _TIME,
    "allow_list": _TEXTS,
    "cleaning_rules": _TEXTS,
    "noise_bps": _SHARE,
    "tenants": _TEXTS,
    "held_until": _TIME,
}


def defined(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A copy of the write-format document in which every attribute of the flag is defined.

    What is defined already stays as it is, also where it differs: somebody may have meant it.
    """
    flags = dict(document["flags"])
    known = dict(flags.get(name) or {"name": name})
    missing = {key: {"constraints": dict(value)} for key, value in ATTRIBUTES.items()}
    known["attributes"] = {**missing, **known.get("attributes", {})}
    flags[name] = known
    return {**document, "flags": flags}


def document_with(document: Mapping[str, Any], name: str, flag: Flag) -> dict[str, Any]:
    """The document that serves `flag` under `name`, its definition complete."""
    return defined(with_flag(document, name, flag), name)
