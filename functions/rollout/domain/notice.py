"""One message to people: a subject for a pager, and a text to act on in the night."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

STARTED, PHASE_STARTED, PHASE_PASSED = "started", "phase_started", "phase_passed"
STEPPED_DOWN: Final = "stepped_down"
HOLD, APPROVAL_WANTED = "hold", "approval_wanted"
ROLLED_BACK, COMPLETED, REFUSED = "rolled_back", "completed", "refused"
FAILED, NOT_ROLLED_BACK = "failed", "not_rolled_back"
HELD, RESUMED = "held", "resumed"
# By which subscribers filter; docs/playbook.md says what to do for each.
EVENTS: Final = (
    *(STARTED, PHASE_STARTED, PHASE_PASSED, STEPPED_DOWN, HOLD, APPROVAL_WANTED),
    *(ROLLED_BACK, COMPLETED, REFUSED, FAILED, NOT_ROLLED_BACK),
    *(HELD, RESUMED),
)
# Of what programs are sent; it grows when a field changes its meaning or goes.
VERSION: Final = 1
LOOK: Final = ("rollout status", "what is going on")
BACK: Final = ("rollout roll-back --why '…'", "the control for everyone, now")


@dataclass(frozen=True)
class Notice:
    """One message to people. event: one of EVENTS. word: of the outcome, exposure or verdict.

    happened: lines; served: what users get now; to_do: in words; commands: (what to type, what
    for).
    """

    event: str
    rollout: str
    word: str
    subject: str
    happened: tuple[str, ...]
    served: str
    to_do: str
    commands: tuple[tuple[str, str], ...] = field(default=(LOOK,))

    def typed(self, stack: str = "") -> list[str]:
        """What to type, for the stack of that name; "" leaves the name out."""
        name = f" --stack {stack}" if stack else ""
        return [f"{command}{name}" for command, _ in self.commands]

    def text(self, stack: str = "") -> str:
        """For people: what happened, what is served, what to do, what to type."""
        typed = self.typed(stack)
        width = max((len(command) for command in typed), default=0)
        lines = [
            f"  {command:<{width}}   {what}"
            for command, (_, what) in zip(typed, self.commands, strict=True)
        ]
        parts = (self.subject, *self.happened, "", f"Served now: {self.served}.")
        return "\n".join((*parts, f"To do: {self.to_do}.", *lines))

    def attributes(self) -> dict[str, str]:
        """What subscribers may filter by."""
        return {"event": self.event, "rollout": self.rollout, "word": self.word}

    def to_json(self, facts: Mapping[str, Any], stack: str = "") -> dict[str, Any]:
        """The same for programs; facts: parts of the execution's document."""
        return {
            "version": VERSION,
            **self.attributes(),
            "stack": stack,
            "subject": self.subject,
            "happened": list(self.happened),
            "served": self.served,
            "to_do": self.to_do,
            "commands": self.typed(stack),
            "facts": dict(facts),
        }


def percent(bps: int) -> str:
    """Basis points for people: 100 is "1 %"."""
    return f"{bps / 100:g} %"
