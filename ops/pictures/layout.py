"""Where the states of a machine stand: layers by Sugiyama's method, from igraph."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import igraph

from ops.pictures.machine import Edge, edges, layers, states

NODE: Final = (124.0, 52.0)
# From one layer to the next, and from the middle of one thing to that of the next in a layer.
LAYER: Final = 88.0
UNIT: Final = 50.0
MARGIN: Final = 16.0
NODE_NODE, NODE_LINE, LINE_LINE = NODE[0] + 14, NODE[0] / 2 + 18, 22.0
SWEEPS: Final = 2000

Point = tuple[float, float]


@dataclass(frozen=True)
class Layout:
    """places: state -> its middle. lines: each edge with the points it passes, in its direction."""

    places: dict[str, Point]
    lines: list[tuple[Edge, list[Point]]]
    size: tuple[float, float]


def layout(definition: Mapping[str, Any]) -> Layout:
    """Places for every state and every way between two, without states upon each other."""
    names = states(definition)
    drawn = [edge for edge in edges(definition) if edge.start != edge.end]
    row = layers(definition, drawn)
    rows = [row[name] for name in names]
    chains = []
    for edge in drawn:
        chain = _chain(edge, names, row, len(rows))
        rows += [row_of for _, row_of in chain[1]]
        chains.append((edge, chain[0]))
    pairs = [pair for _, chain in chains for pair in _downward(chain, rows)]
    graph = igraph.Graph(n=len(rows), edges=pairs, directed=True)
    raw = graph.layout_sugiyama(layers=rows, hgap=1, vgap=1, maxiter=SWEEPS)
    points = _spread([x for x, _ in raw.coords[: len(rows)]], rows, len(names))
    size = (
        max(x for x, _ in points) + NODE[0] / 2 + MARGIN,
        max(y for _, y in points) + NODE[1] / 2 + MARGIN,
    )
    lines = [(edge, [points[index] for index in chain]) for edge, chain in chains]
    return Layout(dict(zip(names, points, strict=False)), lines, size)


def _chain(
    edge: Edge, names: list[str], row: Mapping[str, int], free: int
) -> tuple[list[int], list[tuple[int, int]]]:
    """(vertices that an edge passes, in its direction; the new ones among them with their rows)."""
    start, end = row[edge.start], row[edge.end]
    step = 1 if end > start else -1
    between = [(free + n, at) for n, at in enumerate(range(start + step, end, step))]
    passed = [names.index(edge.start), *(index for index, _ in between), names.index(edge.end)]
    return passed, between


def _downward(chain: list[int], rows: list[int]) -> list[tuple[int, int]]:
    pairs = pairwise(chain)
    return [(a, b) if rows[a] < rows[b] else (b, a) for a, b in pairs]


def _spread(raw: list[float], rows: list[int], states: int) -> list[Point]:
    """As near to where Sugiyama's method wants them as their widths allow, layer by layer."""
    found: list[Point] = [(0.0, 0.0)] * len(raw)
    for number in set(rows):
        members = sorted((i for i, row in enumerate(rows) if row == number), key=raw.__getitem__)
        wanted = [raw[index] * UNIT for index in members]
        gaps = [_gap(a < states, b < states) for a, b in pairwise(members)]
        for index, x in zip(members, apart(wanted, gaps), strict=True):
            found[index] = (x, number * LAYER)
    left = min(x for x, _ in found) - NODE[0] / 2 - MARGIN
    return [(x - left, y + NODE[1] / 2 + MARGIN) for x, y in found]


def _gap(first_is_state: bool, second_is_state: bool) -> float:
    return {2: NODE_NODE, 1: NODE_LINE, 0: LINE_LINE}[first_is_state + second_is_state]


def apart(wanted: list[float], gaps: list[float]) -> list[float]:
    """Positions with at least these gaps, in order, nearest to the wanted ones by least squares.

    Pool adjacent violators: taken off the gaps so far, the positions must only rise. Source:
    Barlow, Bartholomew, Bremner, Brunk, "Statistical inference under order restrictions", 1972.
    """
    offsets = [0.0]
    for gap in gaps:
        offsets.append(offsets[-1] + gap)
    pools: list[tuple[float, int]] = []
    for want, offset in zip(wanted, offsets, strict=False):
        mean, count = want - offset, 1
        while pools and pools[-1][0] > mean:
            other, others = pools.pop()
            mean = (mean * count + other * others) / (count + others)
            count += others
        pools.append((mean, count))
    flat = [mean for mean, count in pools for _ in range(count)]
    return [value + offset for value, offset in zip(flat, offsets, strict=False)]
