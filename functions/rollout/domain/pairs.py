"""Two values at one place of two answers, still to be looked at."""

from typing import Any, Final, NamedTuple

from rollout.domain.difference import VALUE
from rollout.domain.equality import CONTAINERS, SCALARS, surely_equal
from rollout.domain.matcher import State
from rollout.domain.paths import Segment

# Parts that are equal are passed over at once down to here. Below, each is walked through, or very
# deep answers would be looked at once for every level.
PRUNED: Final = 8
Place = tuple[Any, Segment] | None


class Pair(NamedTuple):
    """Two values still to be looked at; `kind` when it is known how they differ."""

    kind: str
    control: Any
    candidate: Any
    place: Place
    state: State | None
    depth: int


def as_whole(pair: Pair, kind: str) -> Pair:
    """The same place, told as one difference: what the rules say of it was heard already."""
    return Pair(kind, pair.control, pair.candidate, pair.place, None, pair.depth)


def inner(pair: Pair, at: Segment, control: Any, candidate: Any, kind: str = "") -> Pair:
    """Two values that differ, at a field or position inside the pair."""
    state = None if pair.state is None else pair.state.step(at)
    if state is None and not kind and type(control) is type(candidate) and type(control) in SCALARS:
        kind = VALUE  # a pair is only made when it differs, and no rule has a say here
    return Pair(kind, control, candidate, (pair.place, at), state, pair.depth + 1)


def may_differ(left: Any, right: Any, depth: int) -> bool:
    """Whether the values differ; also when, so deep down, that has not been looked at."""
    if left is right:
        return False
    kind = type(left)
    if kind is type(right) and kind in SCALARS:
        return not (left == right or (left != left and right != right))
    if kind in CONTAINERS and depth >= PRUNED:
        return True
    return not surely_equal(left, right)
