"""Two answers -> the differences between them, by field path, and the cleaning rules they met.

Pure and total: any two JSON-like values can be compared, however deep, and comparing never raises.
Equal answers cost about as much as `==`; of others only the parts that differ are walked through.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from rollout.domain import paths, rules
from rollout.domain.cleaning import alike, token
from rollout.domain.difference import (
    EXTRA,
    MISSING,
    ORDER,
    SIZE,
    TYPE,
    VALUE,
    Comparison,
    Difference,
)
from rollout.domain.equality import (
    CONTAINERS,
    SCALARS,
    kind_of,
    same_bytes,
    same_scalar,
    surely_equal,
)
from rollout.domain.matcher import State, compiled
from rollout.domain.paths import Segment, Wild
from rollout.domain.rules import Rule

# Parts that are equal are passed over at once down to here. Below, each is walked through, or very
# deep answers would be looked at once for every level.
PRUNED: Final = 8
_Place = tuple[Any, Segment] | None


SAME: Final = Comparison()


def comparison(control: Any, candidate: Any, cleaning: tuple[Rule, ...] = ()) -> Comparison:
    """Every difference that the rules do not allow, in the control's field order."""
    if same_bytes(control, candidate) or surely_equal(control, candidate):
        return SAME
    walk = _Walk()
    start = compiled(cleaning).start if cleaning else None
    walk.through(_Pair("", control, candidate, None, start, 0))
    return Comparison(tuple(walk.found), tuple(sorted(walk.matched)))


class _Pair(NamedTuple):
    """Two values still to be looked at; `kind` when it is known how they differ."""

    kind: str
    control: Any
    candidate: Any
    place: _Place
    state: State | None
    depth: int


class _Walk:
    """Depth first with a list of its own, because answers may be nested deeper than calls."""

    def __init__(self) -> None:
        self.found: list[Difference] = []
        self.matched: set[int] = set()

    def through(self, start: _Pair) -> None:
        """Follow every pair that differs."""
        pending = [start]
        while pending:
            pair = pending.pop()
            if pair.state is not None and pair.state.here and self._ruled_out(pair, pair.state):
                continue
            if pair.kind:
                self._tell(pair, pair.kind)
            else:
                pending.extend(self._inside(pair)[::-1])

    def _ruled_out(self, pair: _Pair, state: State) -> bool:
        # Deep down pairs come unseen, and a rule must not count as needed where nothing differs.
        if not pair.kind and pair.depth > PRUNED and surely_equal(pair.control, pair.candidate):
            return True
        self.matched.update(state.here)
        return state.ignored or (not pair.kind and alike(*pair[1:3], state.words))

    def _inside(self, pair: _Pair) -> Sequence[_Pair]:
        kind = kind_of(pair.control)
        if kind != kind_of(pair.candidate):
            self._tell(pair, TYPE)
        elif kind == "object":
            return _fields(pair)
        elif kind == "list":
            return _items(pair)
        elif not same_scalar(pair.control, pair.candidate):
            self._tell(pair, VALUE)
        return ()

    def _tell(self, pair: _Pair, kind: str) -> None:
        segments: list[Segment] = []
        place = pair.place
        while place is not None:
            place, segment = place
            segments.append(segment)
        known = tuple(segments[::-1])
        self.found.append(Difference(paths.show(known), kind, known, pair.control, pair.candidate))


def _fields(pair: _Pair) -> list[_Pair]:
    left, right, depth, found = pair.control, pair.candidate, pair.depth, []
    for key, value in left.items():
        if key not in right:
            found.append(_inner(pair, _name(key), value, None, MISSING))
            continue
        its = right[key]
        # Equal texts are most of what there is, and not worth a call.
        if (type(value) is not str or value != its) and _may_differ(value, its, depth):
            found.append(_inner(pair, _name(key), value, its))
    if not right.keys() <= left.keys():
        for key, value in right.items():
            if key not in left:
                found.append(_inner(pair, _name(key), None, value, EXTRA))
    return found


def _items(pair: _Pair) -> list[_Pair]:
    words = pair.state.words if pair.state else {}
    unordered: list[_Pair] | None = None
    if rules.SET in words:
        unordered = _as_set(pair)
    elif rules.KEYED in words:
        unordered = _as_records(pair, words[rules.KEYED].key)
    return _by_position(pair) if unordered is None else unordered


def _by_position(pair: _Pair) -> list[_Pair]:
    left, right = pair.control, pair.candidate
    pairs = [
        _inner(pair, number, *items)
        for number, items in enumerate(zip(left, right, strict=False))
        if _may_differ(*items, pair.depth)
    ]
    if len(left) != len(right):
        return [_as_whole(pair, SIZE), *pairs]
    return [_as_whole(pair, ORDER)] if _reordered(pairs) else pairs


def _as_whole(pair: _Pair, kind: str) -> _Pair:
    """The same place, told as one difference: what the rules say of it was heard already."""
    return _Pair(kind, pair.control, pair.candidate, pair.place, None, pair.depth)


def _inner(pair: _Pair, at: Segment, control: Any, candidate: Any, kind: str = "") -> _Pair:
    state = None if pair.state is None else pair.state.step(at)
    if state is None and not kind and type(control) is type(candidate) and type(control) in SCALARS:
        kind = VALUE  # a pair is only made when it differs, and no rule has a say here
    return _Pair(kind, control, candidate, (pair.place, at), state, pair.depth + 1)


def _name(key: Any) -> str:
    try:
        return key if isinstance(key, str) else str(key)
    except Exception:  # a number too long to be written, or a class without a text
        return type(key).__name__


def _may_differ(left: Any, right: Any, depth: int) -> bool:
    if left is right:
        return False
    kind = type(left)
    if kind is type(right) and kind in SCALARS:
        return not (left == right or (left != left and right != right))
    if kind in CONTAINERS and depth >= PRUNED:
        return True
    return not surely_equal(left, right)


def _reordered(pairs: Sequence[_Pair]) -> bool:
    """Whether the items at these positions are the same ones, in another order."""
    if len(pairs) < 2:
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


def _as_set(pair: _Pair) -> list[_Pair] | None:
    """The items only one side has; None when items cannot be told apart."""
    state = pair.state and pair.state.step(Wild.POSITION)
    left, right = _tokens(pair.control, state), _tokens(pair.candidate, state)
    if left is None or right is None:
        return None
    one = dict(zip(left, pair.control, strict=True))
    other = dict(zip(right, pair.candidate, strict=True))
    return _matched(pair, one, other, compared=False)


def _as_records(pair: _Pair, key: str) -> list[_Pair] | None:
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
    pair: _Pair, one: Mapping[str, Any], other: Mapping[str, Any], *, compared: bool
) -> list[_Pair]:
    found = []
    for known, item in one.items():
        if known not in other:
            found.append(_inner(pair, Wild.POSITION, item, None, MISSING))
        elif compared and _may_differ(item, other[known], pair.depth):
            found.append(_inner(pair, Wild.POSITION, item, other[known]))
    extra = (item for known, item in other.items() if known not in one)
    return [*found, *(_inner(pair, Wild.POSITION, None, item, EXTRA) for item in extra)]
