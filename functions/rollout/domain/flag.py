"""Exposure <-> the AppConfig feature-flag document.

AppConfig stores a *write format* ({"version", "flags", "values"}) and serves a *retrieval format*
({flag: {"enabled", attributes…}}), in which attributes are present only while the flag is enabled.
Source: AWS AppConfig user guide, "Type reference for AWS.AppConfig.FeatureFlags".
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

from rollout.domain import cohort, rules
from rollout.domain.errors import InvalidInputError

FULL_BPS: Final = 10_000
# 9999-12-31T23:59:59Z: a finished rollout's exposure stands until somebody changes it.
NO_LEASE_END: Final = 253_402_300_799

NOT_OURS = "Deploy the template's initial version, or point FlagName at the flag it created."


@dataclass(frozen=True)
class Flag:
    """What the read path obeys. Defaults are the closed position: control serves everyone.

    candidate_bps, shadow_bps: basis points 0..10000, of users and of control requests.
    lease_until: epoch seconds until which the exposure is authorised.
    control_slow_ms, candidate_slow_ms: above these, an arm's request counts as Slow; 0 = never.
    allow_list: users exposed first. cleaning_rules: what may differ in the shadow, as text (see
    rules). noise_bps: basis points of comparisons for which the control is asked twice.
    tenants: those whose reads are also counted by themselves. held_until: epoch seconds until which
    a person has frozen the rollout; 0 = not.
    """

    enabled: bool = False
    candidate_bps: int = 0
    shadow_bps: int = 0
    salt: str = ""
    lease_until: int = 0
    rollout_id: str = ""
    phase: str = ""
    control_slow_ms: float = 0
    candidate_slow_ms: float = 0
    allow_list: tuple[str, ...] = ()
    cleaning_rules: tuple[str, ...] = ()
    noise_bps: int = 0
    tenants: tuple[str, ...] = ()
    held_until: int = 0

    @cached_property
    def hash_of(self) -> Callable[[str], int]:
        """The function from user id to hash, made once for each document."""
        return cohort.hashing(self.salt)

    @cached_property
    def listed(self) -> frozenset[int]:
        """The hashes of the users on the allow-list."""
        return cohort.hashes(self.salt, self.allow_list)

    def exposure_at(self, now: float) -> int:
        """Authorised exposure in basis points at epoch second `now`; 0 when the lease is over."""
        return self.candidate_bps if self.enabled and now < self.lease_until else 0

    def shadow_at(self, now: float) -> int:
        """Authorised shadow sample in basis points at epoch second `now`."""
        return self.shadow_bps if self.enabled and now < self.lease_until else 0

    @property
    def holder(self) -> str:
        """The rollout that may change the flag; "" when anybody may, as after a finished one."""
        return "" if self.lease_until == NO_LEASE_END else self.rollout_id

    def closed(self) -> "Flag":
        """The same flag with the control serving everyone and nobody holding it."""
        return Flag(salt=self.salt)

    def finished(self) -> "Flag":
        """The end of a rollout: full exposure, no lease, no shadow, no holder.

        It keeps the rollout's id, so that this rollout, and no other, can still be rolled back.
        """
        return replace(
            self,
            enabled=True,
            candidate_bps=FULL_BPS,
            shadow_bps=0,
            lease_until=NO_LEASE_END,
            phase="",
            held_until=0,
        )


CLOSED: Final = Flag()


def parse(values: object, name: str) -> Flag:
    """The flag `name` out of retrieval-format values.

    A disabled flag is CLOSED: its attributes are not served. A missing number is 0 exposure.
    Raises InvalidInputError when the document is not ours or an attribute has the wrong kind.
    """
    if not isinstance(values, Mapping):
        raise _not_ours("flag document", values, "a JSON object of flags")
    flag = values.get(name)
    if not isinstance(flag, Mapping):
        raise _not_ours(f"flag {name}", flag, "a JSON object with `enabled`")
    enabled = flag.get("enabled")
    if not isinstance(enabled, bool):
        raise _not_ours(f"{name}.enabled", enabled, "true or false")
    return _attributes(flag, name, enabled)


def parse_document(document: object, name: str) -> Flag:
    """The flag `name` out of a write-format document, as stored in a hosted version."""
    if not isinstance(document, Mapping) or not isinstance(document.get("values"), Mapping):
        raise _not_ours("flag document", document, "an AppConfig feature-flag document")
    return parse(document["values"], name)


def with_flag(document: Mapping[str, Any], name: str, flag: Flag) -> dict[str, Any]:
    """A copy of the write-format document in which `name` has the values of `flag`.

    Definitions and other flags are left as they are, so that nobody's work is lost.
    """
    values = dict(document["values"])
    values[name] = {
        "enabled": flag.enabled,
        "candidate_bps": flag.candidate_bps,
        "shadow_bps": flag.shadow_bps,
        "salt": flag.salt,
        "lease_until": flag.lease_until,
        "rollout_id": flag.rollout_id,
        "phase": flag.phase,
        "control_slow_ms": flag.control_slow_ms,
        "candidate_slow_ms": flag.candidate_slow_ms,
        "allow_list": list(flag.allow_list),
        "cleaning_rules": list(flag.cleaning_rules),
        "noise_bps": flag.noise_bps,
        "tenants": list(flag.tenants),
        "held_until": flag.held_until,
    }
    return {**document, "values": values}


def _attributes(flag: Mapping[str, Any], name: str, enabled: bool) -> Flag:
    return Flag(
        enabled=enabled,
        candidate_bps=_whole(flag, name, "candidate_bps", FULL_BPS),
        shadow_bps=_whole(flag, name, "shadow_bps", FULL_BPS),
        salt=_text(flag, name, "salt"),
        lease_until=_whole(flag, name, "lease_until", NO_LEASE_END),
        rollout_id=_text(flag, name, "rollout_id"),
        phase=_text(flag, name, "phase"),
        control_slow_ms=_number(flag, name, "control_slow_ms"),
        candidate_slow_ms=_number(flag, name, "candidate_slow_ms"),
        allow_list=_texts(flag, name, "allow_list"),
        cleaning_rules=_rules(flag, name),
        noise_bps=_whole(flag, name, "noise_bps", FULL_BPS),
        tenants=_texts(flag, name, "tenants"),
        held_until=_whole(flag, name, "held_until", NO_LEASE_END),
    )


def _number(flag: Mapping[str, Any], name: str, key: str) -> float:
    value = flag.get(key, 0)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= 0:
        raise _not_ours(f"{name}.{key}", value, "a number >= 0")
    return value


def _whole(flag: Mapping[str, Any], name: str, key: str, most: int) -> int:
    value = flag.get(key, 0)
    ok = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not ok or value != value or not 0 <= value <= most or int(value) != value:
        raise _not_ours(f"{name}.{key}", value, f"a whole number 0..{most}")
    return int(value)


def _text(flag: Mapping[str, Any], name: str, key: str) -> str:
    value = flag.get(key, "")
    if not isinstance(value, str):
        raise _not_ours(f"{name}.{key}", value, "a string")
    return value


def _texts(flag: Mapping[str, Any], name: str, key: str) -> tuple[str, ...]:
    value = flag.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _not_ours(f"{name}.{key}", value, "a list of strings")
    return tuple(value)


def _rules(flag: Mapping[str, Any], name: str) -> tuple[str, ...]:
    texts = _texts(flag, name, "cleaning_rules")
    for number, text in enumerate(texts):
        try:
            rules.from_text(text)
        except InvalidInputError as error:
            field = f"{name}.cleaning_rules[{number}]"
            raise _not_ours(field, text, f"a cleaning rule ({error})") from None
    return texts


def _not_ours(field: str, value: object, expected: str) -> InvalidInputError:
    return InvalidInputError(field=field, value=value, expected=expected, remedy=NOT_OURS)
