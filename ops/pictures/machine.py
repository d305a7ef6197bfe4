"""A state machine's definition as the states and transitions to draw."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

NEXT, CHOICE, DEFAULT, CATCH = "next", "choice", "default", "catch"
# How a comparison says which word it is about.
COMPARES: Final = ("StringEquals", "StringMatches", "NumericEquals", "BooleanEquals")


@dataclass(frozen=True)
class Edge:
    """One way from a state to another. kind: NEXT, CHOICE, DEFAULT or CATCH; word: "" or what is
    chosen by."""

    start: str
    end: str
    kind: str
    word: str = ""


def edges(definition: Mapping[str, Any]) -> list[Edge]:
    """Every way between two states, once; Catch is left out where every task has the same.

    Raises KeyError or TypeError for what is no definition.
    """
    found: dict[tuple[str, str], Edge] = {}
    for name in states(definition):
        for edge in _leaving(name, definition["States"][name]):
            key = (edge.start, edge.end)
            if key in found and edge.word:
                both = f"{found[key].word} / {edge.word}"
                edge = Edge(edge.start, edge.end, edge.kind, both)
            found.setdefault(key, edge)
            if edge.word:
                found[key] = edge
    return list(found.values())


def states(definition: Mapping[str, Any]) -> list[str]:
    """The states by their distance from the first, whatever the order in which they are written.

    Who deploys a definition may sort its keys; it must look the same.
    """
    found = dict.fromkeys([definition["StartAt"]])
    line = [definition["StartAt"]]
    for name in line:
        for edge in _leaving(name, definition["States"][name]):
            if edge.end not in found:
                found[edge.end] = None
                line.append(edge.end)
    return [*found, *sorted(set(definition["States"]) - set(found))]


def _leaving(name: str, state: Mapping[str, Any]) -> list[Edge]:
    found = [Edge(name, state["Next"], NEXT)] if "Next" in state else []
    for choice in state.get("Choices", ()):
        word = next((str(choice[key]) for key in COMPARES if key in choice), "")
        found.append(Edge(name, choice["Next"], CHOICE, word))
    if "Default" in state:
        found.append(Edge(name, state["Default"], DEFAULT))
    return found


def layers(definition: Mapping[str, Any], drawn: list[Edge]) -> dict[str, int]:
    """State -> its row: below everything that leads to it, ways back aside."""
    after: dict[str, list[str]] = {name: [] for name in states(definition)}
    for edge in drawn:
        after[edge.start].append(edge.end)
    order, back = _searched([definition["StartAt"], *after], after)
    row = dict.fromkeys(after, 0)
    for name in order:
        for following in after[name]:
            if (name, following) not in back:
                row[following] = max(row[following], row[name] + 1)
    return row


def _searched(
    roots: list[str], after: Mapping[str, list[str]]
) -> tuple[list[str], set[tuple[str, str]]]:
    """(states so that each comes before what it leads to, ways that lead back)."""
    done: list[str] = []
    open_now: set[str] = set()
    seen: set[str] = set()
    back: set[tuple[str, str]] = set()

    def search(name: str) -> None:
        seen.add(name)
        open_now.add(name)
        for following in after[name]:
            if following in open_now:
                back.add((name, following))
            elif following not in seen:
                search(following)
        open_now.discard(name)
        done.append(name)

    for root in roots:
        if root not in seen:
            search(root)
    return done[::-1], back
