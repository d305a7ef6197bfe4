"""What may be told of a value without telling the value: its kind and size, and how two relate."""

from collections.abc import Mapping, Sized
from typing import Any, Final

from rollout.domain import rules
from rollout.domain.cleaning import alike, decimal_of
from rollout.domain.difference import EXTRA, MISSING, Difference
from rollout.domain.equality import kind_of
from rollout.domain.rules import Rule

NOTHING: Final = "nothing"
# Rule word -> what is said of two values that would be equal under such a rule.
NOTATIONS: Final[Mapping[str, str]] = {
    rules.WHITESPACE: "equal but for white space",
    rules.CASE: "equal but for upper and lower case",
    rules.UUID: "the same UUID, written otherwise",
    rules.NUMBER: "the same number, written otherwise",
    rules.TIME: "the same moment, written otherwise",
}


def shape(value: Any) -> str:
    """The kind of a value and its size: "text(12)", "list(3)", "number"; never its content."""
    kind = kind_of(value)
    sized = kind in ("text", "list", "object") and isinstance(value, Sized)
    return f"{kind}({len(value)})" if sized else kind


def example(difference: Difference) -> dict[str, str]:
    """One difference as it may be shown: {"control", "candidate", "hint"}."""
    control, candidate = difference.control, difference.candidate
    return {
        "control": NOTHING if difference.kind == EXTRA else shape(control),
        "candidate": NOTHING if difference.kind == MISSING else shape(candidate),
        "hint": hint(control, candidate),
    }


def hint(control: Any, candidate: Any) -> str:
    """How the candidate's value relates to the control's; "" when nothing can be said."""
    for word, said in NOTATIONS.items():
        if alike(control, candidate, {word: Rule("", word)}):
            return said
    one, other = decimal_of(control), decimal_of(candidate)
    if one is not None and other is not None:
        return "larger" if other > one else "smaller"
    if isinstance(control, str) and isinstance(candidate, str) and control and candidate:
        return _text_hint(control, candidate)
    return ""


def _text_hint(control: str, candidate: str) -> str:
    if control.startswith(candidate):
        return "cut off"
    if candidate.startswith(control):
        return "goes on longer"
    return ""
