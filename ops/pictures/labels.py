"""Where the words of the graph's ways stand: on their way, and upon nothing else."""

from collections.abc import Iterator, Mapping
from typing import Final

from ops.pictures.layout import NODE, Point

# A capital of the words, and their height, in units of the picture.
LETTER: Final = 7.4
HEIGHT: Final = 12.0
# From the middle of the letters to the line that they stand on.
BASE: Final = 3.0
# Late in the first bend ways that leave one state are apart; before its middle, those that meet.
APART, MEETING = 0.7, 0.36
STEPS: Final = tuple(number / 20 for number in range(3, 18))

# (left, top, right, bottom).
Box = tuple[float, float, float, float]


class Labels:
    """Gives one word after the other a place; each stands where those before it do not."""

    def __init__(self, states: Mapping[str, Point]) -> None:
        half = NODE[0] / 2, NODE[1] / 2
        self._taken: list[Box] = [
            (x - half[0], y - half[1], x + half[0], y + half[1]) for x, y in states.values()
        ]

    def place(self, word: str, start: Point, end: Point, *, alone: bool) -> Point:
        """The middle of the line that the word stands on; start, end: of the way's first bend.

        alone: whether no other way with a word leads to the same state.
        """
        tried = [(at, _box(word, at)) for at in _along(start, end, APART if alone else MEETING)]
        middle, box = min(tried, key=lambda one: self._covered(one[1]))
        self._taken.append(box)
        return middle[0], middle[1] + BASE

    def _covered(self, box: Box) -> float:
        """How much of what is taken the box would lie upon."""
        return sum(_overlap(box, other) for other in self._taken)


def _along(start: Point, end: Point, wanted: float) -> Iterator[Point]:
    """Points of the bend between two points, the nearest to the wanted one first."""
    (x0, y0), (x1, y1) = start, end
    for t in sorted((wanted, *STEPS), key=lambda step: abs(step - wanted)):
        across, down = t * t * (3 - 2 * t), 1.5 * t * (1 - t) + t**3
        yield x0 + (x1 - x0) * across, y0 + (y1 - y0) * down


def _box(word: str, middle: Point) -> Box:
    (x, y), half = middle, LETTER * len(word) / 2
    return x - half, y - HEIGHT / 2, x + half, y + HEIGHT / 2


def _overlap(one: Box, other: Box) -> float:
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    return wide * high if wide > 0 and high > 0 else 0.0
