"""Applying cleaning rules: to two values, or to one so that equal ones look alike."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation, localcontext
from typing import Any, Final

from rollout.domain import rules
from rollout.domain.equality import kind_of, same_scalar
from rollout.domain.matcher import State
from rollout.domain.paths import Wild
from rollout.domain.rules import Rule

# Numbers with more digits, before or after the point, are compared as they are written.
MOST_DIGITS: Final = 300
DEEPEST: Final = 100
WHOLES: Final = ("object", "list")
UUID: Final = re.compile(
    r"(?:urn:uuid:)?\{?([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})\}?",
    re.IGNORECASE,
)


class TooDeepError(ValueError):
    """A value is nested too deeply to be looked at as a whole."""


def alike(left: Any, right: Any, words: Mapping[str, Rule]) -> bool:
    """Whether two unequal scalars are equal under the rules that apply to them."""
    if kind_of(left) in WHOLES or kind_of(right) in WHOLES:
        return False
    left, right = _text(left, words), _text(right, words)
    if kind_of(left) == kind_of(right) and same_scalar(left, right):
        return True
    if rules.NUMBER in words and _close(left, right, words[rules.NUMBER]):
        return True
    return rules.TIME in words and _simultaneous(left, right, words[rules.TIME].within)


def _text(value: Any, words: Mapping[str, Rule]) -> Any:
    if isinstance(value, str):
        for word, clean in TEXT.items():
            if word in words:
                value = clean(value)
    return value


def _uuid(text: str) -> str:
    found = UUID.fullmatch(text.strip())
    return "".join(found.groups()).lower() if found else text


TEXT: Final[Mapping[str, Callable[[str], str]]] = {
    rules.WHITESPACE: lambda text: " ".join(text.split()),
    rules.UUID: _uuid,
    rules.CASE: str.casefold,
}


def _close(left: Any, right: Any, rule: Rule) -> bool:
    one, other = decimal_of(left), decimal_of(right)
    if one is None or other is None:
        return False
    with localcontext(prec=4 * MOST_DIGITS):
        allowed = max(abs(one), abs(other)) * Decimal(repr(rule.within_percent)) / 100
        return abs(one - other) <= max(allowed, Decimal(repr(rule.within)))


def decimal_of(value: Any) -> Decimal | None:
    """The number that a number or a text says, exactly as it is written; None when it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    if isinstance(value, int) and value.bit_length() > 3 * MOST_DIGITS:
        return None
    try:
        number = Decimal(repr(value) if isinstance(value, float) else value)
    except (InvalidOperation, ValueError):
        return None
    if not number.is_finite() or len(number.as_tuple().digits) > MOST_DIGITS:
        return None
    return number if abs(number.adjusted()) <= MOST_DIGITS else None


def _simultaneous(left: Any, right: Any, within_seconds: float) -> bool:
    one, other = moment_of(left), moment_of(right)
    if one is None or other is None:
        return False
    return abs((one - other).total_seconds()) <= within_seconds


def moment_of(value: Any) -> datetime | None:
    """The moment that an ISO 8601 text says, UTC unless it says otherwise; None when none."""
    try:
        found = datetime.fromisoformat(value)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None


def token(value: Any, state: State | None) -> str:
    """A text that values which are equal under the rules have in common.

    Tolerances do not apply: within which values they hold cannot be said of one value alone.
    Raises TooDeepError, and what `json` raises for values that are no JSON.
    """
    return json.dumps(_cleaned(value, state, 0), sort_keys=True, separators=(",", ":"))


def _cleaned(value: Any, state: State | None, depth: int) -> Any:
    if depth > DEEPEST:
        raise TooDeepError
    if isinstance(value, Mapping):
        inner = {str(key): state and state.step(str(key)) for key in value}
        return {
            str(key): _cleaned(item, inner[str(key)], depth + 1)
            for key, item in value.items()
            if not is_ignored(inner[str(key)])
        }
    if isinstance(value, list | tuple):
        return _cleaned_list(value, state, depth)
    value = _text(value, state.words) if state else value
    if isinstance(value, float) and value.is_integer():
        return int(value)  # 1 and 1.0 are one number
    return _exact(value, state.words) if state else value


def _cleaned_list(value: Any, state: State | None, depth: int) -> Any:
    inner = state and state.step(Wild.POSITION)
    items = [_cleaned(item, inner, depth + 1) for item in value if not is_ignored(inner)]
    if state is None or not state.words.keys() & {rules.SET, rules.KEYED}:
        return items
    known = [json.dumps(item, sort_keys=True) for item in items]
    return sorted(set(known) if rules.SET in state.words else known)


def _exact(value: Any, words: Mapping[str, Rule]) -> Any:
    if rules.NUMBER in words and (number := decimal_of(value)) is not None:
        with localcontext(prec=4 * MOST_DIGITS):
            return f"{number.normalize():f}"
    if rules.TIME in words and (moment := moment_of(value)) is not None:
        return moment.isoformat()
    return value


def is_ignored(state: State | None) -> bool:
    """Whether the rules leave out this place."""
    return state is not None and state.ignored
