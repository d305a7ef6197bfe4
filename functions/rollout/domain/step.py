"""One execution's place in a rollout: which step of which rollout, and which step comes next."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

from rollout.domain.errors import InvalidInputError
from rollout.domain.plan import CANARY, RAMP, SHADOW, Phase, Plan

History = tuple[tuple[str, float], ...]
LAUNCH, RAMP_UP, CLEANUP = "launch", "ramp", "cleanup"
DOWN: Final = "DOWN"
ACTIONS: Final = (LAUNCH, RAMP_UP, CLEANUP)
# Schedule names are at most 64 characters: a rollout id, a dot and a phase name (24).
ROLLOUT_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,38}")
# A one-time schedule must lie in the future when it is created.
LEAD_SECONDS: Final = 2


@dataclass(frozen=True)
class Step:
    """What an execution does: action, for which rollout, at which phase ("" for none).

    launched_at: epoch seconds of the launch, from which the plan's dates count. history: the
    phases before this execution, each with the epoch second from which it was served.
    """

    rollout_id: str
    action: str
    phase: str
    launched_at: int
    history: History = ()

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """The step as Preflight left it in the execution's document."""
        past = tuple((name, at) for name, at in values.get("history", ()))
        return cls(**{**values, "history": past})

    def to_json(self) -> dict[str, Any]:
        """The step as JSON values."""
        return asdict(self)

    def place(self, plan: Plan, phase: str) -> Phase:
        """The plan's phase for the state that asks: SHADOW, CANARY, RAMP, or DOWN one from it."""
        if phase == DOWN:
            return plan.before(self.phase)
        if phase == RAMP.upper():
            return plan.phase(self.phase)
        return plan.first(phase.lower())

    def next_input(
        self, plan: Plan, phase: Phase, document: Mapping[str, Any], history: History
    ) -> dict[str, Any]:
        """The input of the execution that follows `phase`; `document` is the plan as given."""
        following = plan.after(phase.name)
        return {
            "action": RAMP_UP if following else CLEANUP,
            "rollout_id": self.rollout_id,
            "phase": following.name if following else "",
            "launched_at": self.launched_at,
            "history": [list(served) for served in history],
            "plan": dict(document),
        }

    def next_start(self, plan: Plan, phase: Phase, now: float) -> int:
        """Epoch second at which the execution that follows `phase` should start."""
        following = plan.after(phase.name)
        after = following.starts_after_seconds if following else plan.cleanup_after_seconds
        return max(self.launched_at + after, int(now) + LEAD_SECONDS)


def next_word(plan: Plan, phase: Phase) -> str:
    """What promoting out of the phase means: CANARY, RAMP or CLEANUP."""
    if phase.kind == SHADOW:
        return CANARY.upper()
    return RAMP.upper() if plan.after(phase.name) else CLEANUP.upper()


def schedule_prefix(rollout_id: str) -> str:
    """How the names of a rollout's schedules begin; ids have no dot, so no other's do."""
    return f"{rollout_id}."


def schedule_name(step_input: Mapping[str, Any]) -> str:
    """The schedule of a step: its rollout and phase, so that a second one is refused."""
    return f"{schedule_prefix(step_input['rollout_id'])}{step_input['phase'] or CLEANUP}"


def parse(document: Any, execution_name: str, now: float) -> Step:
    """The step an execution's input asks for. The plan in it is checked elsewhere.

    A launch without rollout_id takes the execution's name. Raises InvalidInputError.
    """
    if not isinstance(document, Mapping) or not isinstance(document.get("plan"), Mapping):
        raise InvalidInputError(
            field="execution input",
            value=document,
            expected='{"action": "launch", "plan": {…}}',
            remedy="Start it with `rollout launch --plan plans/beta.json`.",
        )
    action = document.get("action", LAUNCH)
    if action not in ACTIONS:
        raise InvalidInputError(field="action", value=action, expected=f"one of {ACTIONS}")
    launched_at = int(now) if action == LAUNCH else document.get("launched_at")
    if not isinstance(launched_at, int) or isinstance(launched_at, bool) or launched_at <= 0:
        raise InvalidInputError(
            field="launched_at", value=launched_at, expected="epoch seconds of the launch"
        )
    phase = document.get("phase", "") if action == RAMP_UP else ""
    if action == RAMP_UP and (not isinstance(phase, str) or not phase):
        raise InvalidInputError(field="phase", value=phase, expected="the name of a ramp phase")
    rollout_id = _rollout_id(document, action, execution_name)
    history = () if action == LAUNCH else _history(document.get("history"))
    return Step(rollout_id, action, phase, launched_at, history)


def _history(value: Any) -> History:
    if not isinstance(value, list) or not all(_is_served(item) for item in value):
        raise InvalidInputError(
            field="history",
            value=value,
            expected="[phase, epoch second from which it was served] of every phase before",
        )
    return tuple((name, at) for name, at in value)


def _is_served(item: Any) -> bool:
    if not isinstance(item, list | tuple) or len(item) != 2:
        return False
    name, at = item
    return isinstance(name, str) and isinstance(at, int | float) and not isinstance(at, bool)


def _rollout_id(document: Mapping[str, Any], action: str, execution_name: str) -> str:
    fallback = execution_name if action == LAUNCH else None
    rollout_id = document.get("rollout_id", fallback)
    if not isinstance(rollout_id, str) or not ROLLOUT_ID.fullmatch(rollout_id):
        raise InvalidInputError(
            field="rollout_id",
            value=rollout_id,
            expected="1 to 39 letters, digits, dashes or underscores",
            remedy="Give one, or name the execution so.",
        )
    return rollout_id
