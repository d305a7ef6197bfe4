"""Two answers -> the differences between them, by field path, and the cleaning rules they met.

Pure and total: any two JSON-like values can be compared, however deep, and comparing never raises.
Equal answers cost about as much as `==`; of others only the parts that differ are walked through.
"""

from collections.abc import Sequence
from typing import Any, Final

from rollout.domain import paths
from rollout.domain.cleaning import alike
from rollout.domain.difference import EXTRA, MISSING, TYPE, VALUE, Comparison, Difference
from rollout.domain.equality import kind_of, same_bytes, same_scalar, surely_equal
from rollout.domain.lists import items_of
from rollout.domain.matcher import State, compiled
from rollout.domain.pairs import PRUNED, Pair, inner, may_differ
from rollout.domain.paths import Segment
from rollout.domain.rules import Rule

SAME: Final = Comparison()


def comparison(control: Any, candidate: Any, cleaning: tuple[Rule, ...] = ()) -> Comparison:
    """Every difference that the rules do not allow, in the control's field order."""
    if same_bytes(control, candidate):
        return SAME
    walk = _Walk()
    start = compiled(cleaning).start if cleaning else None
    walk.through(Pair("", control, candidate, None, start, 0))
    return Comparison(tuple(walk.found), tuple(sorted(walk.matched)) if cleaning else ())


class _Walk:
    """Depth first with a list of its own, because answers may be nested deeper than calls."""

    def __init__(self) -> None:
        self.found: list[Difference] = []
        self.matched: set[int] = set()

    def through(self, start: Pair) -> None:
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

    def _ruled_out(self, pair: Pair, state: State) -> bool:
        # Deep down pairs come unseen, and a rule must not count as needed where nothing differs.
        if not pair.kind and pair.depth > PRUNED and surely_equal(pair.control, pair.candidate):
            return True
        self.matched.update(state.here)
        return state.ignored or (not pair.kind and alike(*pair[1:3], state.words))

    def _inside(self, pair: Pair) -> Sequence[Pair]:
        kind = kind_of(pair.control)
        if kind != kind_of(pair.candidate):
            self._tell(pair, TYPE)
        elif kind == "object":
            return _fields(pair)
        elif kind == "list":
            return items_of(pair)
        elif not same_scalar(pair.control, pair.candidate):
            self._tell(pair, VALUE)
        return ()

    def _tell(self, pair: Pair, kind: str) -> None:
        segments: list[Segment] = []
        place = pair.place
        while place is not None:
            place, segment = place
            segments.append(segment)
        known = tuple(segments[::-1])
        self.found.append(Difference(paths.show(known), kind, known, pair.control, pair.candidate))


def _fields(pair: Pair) -> list[Pair]:
    left, right, depth, found = pair.control, pair.candidate, pair.depth, []
    for key, value in left.items():
        if key not in right:
            found.append(inner(pair, _name(key), value, None, MISSING))
            continue
        its = right[key]
        # Equal texts are most of what there is, and not worth a call.
        if (type(value) is not str or value != its) and may_differ(value, its, depth):
            found.append(inner(pair, _name(key), value, its))
    if not right.keys() <= left.keys():
        for key, value in right.items():
            if key not in left:
                found.append(inner(pair, _name(key), None, value, EXTRA))
    return found


def _name(key: Any) -> str:
    try:
        return key if isinstance(key, str) else str(key)
    except Exception:  # a number too long to be written, or a class without a text
        return type(key).__name__
