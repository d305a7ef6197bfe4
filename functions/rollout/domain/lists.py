"""Two lists -> the pairs of items to be compared: by position, as a set, or by key."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rollout.domain import rules
from rollout.domain.cleaning import token
from rollout.domain.difference import EXTRA, MISSING, ORDER, SIZE
from rollout.domain.matcher import State
from rollout.domain.pairs import Pair, as_whole, inner, may_differ
from rollout.domain.paths import Wild


def items_of(pair: Pair) -> list[Pair]:
    """What differs between two lists, as the rules that apply to them want it."""
    words = pair.state.words if pair.state else {}
    unordered: list[Pair] | None = None
    if rules.SET in words:
        unordered = _as_set(pair)
    elif rules.KEYED in words:
        unordered = _as_records(pair, words[rules.KEYED].key)
    return _by_position(pair) if unordered is None else unordered


def _by_position(pair: Pair) -> list[Pair]:
    left, right = pair.control, pair.candidate
    pairs = [
        inner(pair, number, *items)
        for number, items in enumerate(zip(left, right, strict=False))
        if may_differ(*items, pair.depth)
    ]
    if len(left) != len(right):
        return [as_whole(pair, SIZE), *pairs]
    return [as_whole(pair, ORDER)] if _reordered(pairs) else pairs


def _reordered(pairs: Sequence[Pair]) -> bool:
    """Whether the items at these positions are the same ones, in another order."""
    # Where values may be close, items that change places may each be close to the other.
    if len(pairs) < 2 or (pairs[0].state is not None and pairs[0].state.tolerant):
        return False
    left = _tokens((pair.control for pair in pairs), pairs[0].state)
    right = _tokens((pair.candidate for pair in pairs), pairs[0].state)
    if left is None or right is None:
        return False
    return left != right and Counter(left) == Counter(right)


def _tokens(items: Iterable[Any], state: State | None) -> list[str] | None:
    """A text for each item by which equal ones are known; None when one has none."""
    try:
        return [token(item, state) for item in items]
    except Exception:  # too deep, or no JSON: then the items are compared by their positions
        return None


def _as_set(pair: Pair) -> list[Pair] | None:
    """The items only one side has; None when items cannot be told apart."""
    state = pair.state and pair.state.step(Wild.POSITION)
    left, right = _tokens(pair.control, state), _tokens(pair.candidate, state)
    if left is None or right is None:
        return None
    one = dict(zip(left, pair.control, strict=True))
    other = dict(zip(right, pair.candidate, strict=True))
    return _matched(pair, one, other, compared=False)


def _as_records(pair: Pair, key: str) -> list[Pair] | None:
    """The records paired by their keys; None when one has no key, or two have the same."""
    one, other = _by_key(pair.control, key), _by_key(pair.candidate, key)
    if one is None or other is None:
        return None
    return _matched(pair, one, other, compared=True)


def _by_key(items: Any, key: str) -> dict[str, Any] | None:
    if not all(isinstance(item, Mapping) and key in item for item in items):
        return None
    keys = _tokens((item[key] for item in items), None)
    if keys is None or len(set(keys)) < len(keys):
        return None
    return dict(zip(keys, items, strict=True))


def _matched(
    pair: Pair, one: Mapping[str, Any], other: Mapping[str, Any], *, compared: bool
) -> list[Pair]:
    found = []
    for known, item in one.items():
        if known not in other:
            found.append(inner(pair, Wild.POSITION, item, None, MISSING))
        elif compared and may_differ(item, other[known], pair.depth):
            found.append(inner(pair, Wild.POSITION, item, other[known]))
    extra = (item for known, item in other.items() if known not in one)
    return [*found, *(inner(pair, Wild.POSITION, None, item, EXTRA) for item in extra)]
