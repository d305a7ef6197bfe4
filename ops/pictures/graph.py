"""The playbook as a graph: every state and way, the running state lit, what was passed marked."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

from ops.pictures.labels import Labels
from ops.pictures.layout import NODE, Layout, Point, layout
from ops.pictures.machine import CATCH, Edge
from ops.pictures.passing import ROLLS_BACK, Passing, Passings, passings
from ops.pictures.svg import Element, drawing, element, lasting

# A label longer than this is written on two lines.
LINE_LETTERS: Final = 15
ARROW: Final = 5.0
MOMENTARY: Final = ("choice", "succeed", "fail", "pass")


def graph(
    definition: Mapping[str, Any],
    record: Mapping[str, Any],
    *,
    execution: str = "",
    link: Callable[[str], str] | None = None,
) -> str:
    """The machine as SVG text, with what happened in one execution (default: in all).

    definition: the state machine's, as JSON. link: a state -> where a click on it leads; without
    it nothing can be clicked. Raises KeyError or TypeError for what is no definition.
    """
    places, words = _places(json.dumps(definition))
    seen = passings(record, execution)
    known = {(edge.start, edge.end) for edge, _ in places.lines}
    lines = [*places.lines, *_caught(seen, known, places)]
    # What was passed is drawn last, above the rest.
    lines.sort(key=lambda line: (line[0].start, line[0].end) in seen.moves)
    parts = [
        _line(edge, points, (edge.start, edge.end) in seen.moves, words.get(edge))
        for edge, points in lines
    ]
    for name, place in sorted(places.places.items(), key=lambda item: (item[1][1], item[1][0])):
        kind = definition["States"][name]["Type"].lower()
        parts.append(_state(name, kind, place, seen.states.get(name), link))
    now = ", ".join(seen.running)
    heard = f"Now in {now}." if now else "No state is running."
    heard += " The table of visits says the same in words."
    return drawing("graph", places.size, "The playbook's states", heard, parts)


@lru_cache(maxsize=8)
def _places(definition: str) -> tuple[Layout, dict[Edge, Point]]:
    """Where the states and ways of a machine are, and where the words of the ways stand."""
    found = layout(json.loads(definition))
    named = [(edge, points) for edge, points in found.lines if edge.word]
    meet = Counter(edge.end for edge, points in named if _steps_down(points))
    labels = Labels(found.places)
    words = {}
    for edge, points in named:
        first, second = _bends(points)[:2]
        words[edge] = labels.place(edge.word, first, second, alone=meet[edge.end] < 2)
    return found, words


def _caught(
    seen: Passings, known: set[tuple[str, str]], places: Layout
) -> list[tuple[Edge, list[Point]]]:
    """Ways that are drawn only once somebody went them: a task that failed for good."""
    return [
        (Edge(start, end, CATCH), [places.places[start], places.places[end]])
        for start, end in sorted(seen.moves - known)
        if start in places.places and end in places.places and start != end
    ]


def _steps_down(points: list[Point]) -> bool:
    """Whether a way leads to the next layer, and no further."""
    return len(points) == 2 and points[0][1] < points[1][1]


def _line(edge: Edge, points: list[Point], passed: bool, at: Point | None) -> Element:
    """at: where its word stands, if it has one."""
    bends = _bends(points)
    first, last = bends[0], bends[-1]
    path = f"M{first[0]:.1f} {first[1]:.1f}"
    for (x0, y0), (x1, y1) in pairwise(bends):
        middle = (y0 + y1) / 2
        path += f"C{x0:.1f} {middle:.1f} {x1:.1f} {middle:.1f} {x1:.1f} {y1:.1f}"
    names = f"way {edge.kind}" + (" passed" if passed else "")
    names += " back" if edge.end in ROLLS_BACK else ""
    word = element("text", edge.word, x=at[0], y=at[1], class_="word") if at else None
    return element("g", element("path", d=path), _head(last, bends[-2]), word, class_=names)


def _bends(points: list[Point]) -> list[Point]:
    """The points of a way, from the edge of its first state to the edge of its last."""
    first, last = _outside(points[0], points[1]), _outside(points[-1], points[-2])
    return [first, *points[1:-1], last]


def _outside(place: Point, other: Point) -> Point:
    """Where a line leaves a state: in the middle of the edge that faces the other end."""
    half = NODE[1] / 2
    return (place[0], place[1] + (half if other[1] > place[1] else -half))


def _head(tip: Point, before: Point) -> Element:
    (x, y), back = tip, ARROW if before[1] > tip[1] else -ARROW
    corners = ((x, y), (x - ARROW * 0.7, y + back), (x + ARROW * 0.7, y + back))
    return element("polygon", points=" ".join(f"{px:.1f},{py:.1f}" for px, py in corners))


def _state(
    name: str,
    kind: str,
    place: Point,
    seen: Passing | None,
    link: Callable[[str], str] | None,
) -> Element:
    x, y = place
    width, height = NODE
    box = element(
        "rect",
        x=x - width / 2,
        y=y - height / 2,
        width=width,
        height=height,
        rx=height / 2 if kind in ("succeed", "fail") else 4 if kind == "choice" else 9,
    )
    lines = _label(name)
    note = _note(kind, seen)
    top = y + 4 - 7 * (len(lines) - 1) - (6 if note else 0)
    texts = [
        element("text", line, x=x, y=top + 14 * number, class_="name")
        for number, line in enumerate(lines)
    ]
    if note:
        texts.append(element("text", note, x=x, y=y + height / 2 - 5, class_="note"))
    group = element(
        "g",
        element("title", said(name, seen)),
        box,
        *texts,
        class_=" ".join(["state", kind, *_happened(name, seen)]),
        data_state=name,
    )
    if link is None or seen is None:
        return group
    return element("a", group, href=link(name), aria_label=said(name, seen), data_visits=name)


def _label(name: str) -> list[str]:
    """A name on one line or two."""
    if len(name) <= LINE_LETTERS or " " not in name:
        return [name]
    words = name.split(" ")
    cut = min(range(1, len(words)), key=lambda n: max(len(" ".join(p)) for p in _cut(words, n)))
    return [" ".join(part) for part in _cut(words, cut)]


def _cut(words: list[str], at: int) -> tuple[list[str], list[str]]:
    return words[:at], words[at:]


def _note(kind: str, seen: Passing | None) -> str:
    """How often and how long; what takes no time by nature says only how often."""
    if seen is None:
        return ""
    visits = "1 visit" if seen.visits == 1 else f"{seen.visits} visits"
    return visits if kind in MOMENTARY else f"{visits} · {lasting(seen.seconds)}"


def _happened(name: str, seen: Passing | None) -> list[str]:
    if seen is None:
        return []
    words = ["passed"]
    if seen.failed:
        words.append("failed")
    if name in ROLLS_BACK:
        words.append("back")
    if seen.running:
        words.append("running")
    return words


def said(name: str, seen: Passing | None) -> str:
    """A state in words: "Bake: running, 3 visits, 12 s"."""
    if seen is None:
        return f"{name}: not visited"
    visits = "1 visit" if seen.visits == 1 else f"{seen.visits} visits"
    parts = ["running"] * seen.running + [visits, lasting(seen.seconds)]
    parts += ["an attempt failed"] * seen.failed
    return f"{name}: {', '.join(parts)}"
