"""What somebody else has changed of the flag under a phase, in words."""

from collections.abc import Set
from dataclasses import asdict
from typing import Final

from rollout.domain.flag import Flag

LONGEST: Final = 60


def changes(was: Flag, now: Flag, allowed: Set[str] = frozenset()) -> tuple[str, ...]:
    """Each attribute that differs, as "name: old -> new"; values are cut.

    allowed: those that may, as those of a hold.
    """
    old, new = asdict(was), asdict(now)
    return tuple(
        f"{name}: {_short(old[name])} -> {_short(new[name])}"
        for name in old
        if old[name] != new[name] and name not in allowed
    )


def sentence(now: Flag, changed: tuple[str, ...], *, number: int, version: str, by: str) -> str:
    """Why a phase ends whose flag somebody has changed. by: what the version says of itself."""
    what = ", ".join(changed) or "nothing else"
    return (
        f"the flag was changed under this phase: it is {now.candidate_bps} bps, enabled "
        f"{now.enabled}, held by {now.holder or 'nobody'}; deployment {number} with version "
        f"{version} ({by or 'without a note'}) changed {what}; CloudTrail knows who made it"
    )


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
