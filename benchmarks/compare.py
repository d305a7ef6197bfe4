"""python -m benchmarks.compare: what one comparison costs, beside `==` and other libraries.

Everything is measured in one run, in turns, and the best turn of each counts: what the machine
does besides slows all of them. One JSON line on standard output.
"""

import json
import platform
import random
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from typing import Any, Final

import click
import dictdiffer
import jsondiff
from deepdiff import DeepDiff

from rollout.domain.compare import comparison

SIZES: Final = {"0.2 kB": 200, "1.2 kB": 1_200, "12 kB": 12_000, "100 kB": 100_000}
LIBRARIES: Final = ("deepdiff", "jsondiff", "dictdiffer")
TURNS: Final = 7
# One turn of one way takes at least so long, or one call.
TURN_SECONDS: Final = 0.02
# What takes longer is measured once.
ENOUGH_MICROS: Final = 1e6
SEED: Final = 20140410


def document(size: int) -> dict[str, Any]:
    """A user with orders, so that it is about `size` bytes of JSON."""
    chance = random.Random(SEED)
    user: dict[str, Any] = {
        "id": "user-1",
        "name": "Ada Bauer",
        "email": "user-1@example.com",
        "plan": "pro",
        "balance": "1234.56",
        "created_at": "2021-01-01T00:00:00Z",
        "active": True,
        "tags": ["beta", "mobile"],
    }
    if size > SIZES["0.2 kB"]:
        user["orders"] = []
        while len(json.dumps(user)) < size:
            user["orders"].append(order(chance, len(user["orders"])))
    return user


def order(chance: random.Random, number: int) -> dict[str, Any]:
    """One order with two lines."""
    return {
        "id": number,
        "sku": f"sku-{chance.randrange(10**6)}",
        "price": round(chance.random() * 100, 2),
        "paid": chance.random() < 0.5,
        "note": None,
        "lines": [
            {"n": line, "text": "x" * chance.randrange(20), "at": chance.randrange(10**9)}
            for line in range(2)
        ],
    }


def other(known: Any) -> Any:
    """The same document, read from other JSON, as the candidate's answer is."""
    return json.loads(json.dumps(known))


def changed(known: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """(one with a value changed, in larger ones three; their paths and kinds)."""
    found = other(known)
    found["balance"] = "1234.57"
    if "orders" not in found:
        return found, ["balance:value"]
    found["tags"].append("trial")
    found["orders"][-1]["price"] = None
    last = len(found["orders"]) - 1
    return found, ["balance:value", "tags:size", f"orders[{last}].price:type"]


def reversed_fields(known: Any) -> Any:
    """The same document with the fields of every object in another order."""
    if isinstance(known, dict):
        return {key: reversed_fields(known[key]) for key in reversed(known)}
    return [reversed_fields(item) for item in known] if isinstance(known, list) else known


def ways(left: Any, right: Any) -> dict[str, Callable[[], Any]]:
    """Every way to compare the two."""
    return {
        "ours": lambda: comparison(left, right),
        "==": lambda: left == right,
        "deepdiff": lambda: DeepDiff(left, right),
        "jsondiff": lambda: jsondiff.diff(left, right),
        "dictdiffer": lambda: list(dictdiffer.diff(left, right)),
    }


def measured(left: Any, right: Any, turns: int) -> dict[str, float]:
    """Microseconds of one comparison, each way.

    Each way has documents of its own, because some libraries hold on to what they were given.
    """
    best: dict[str, float] = {}
    own = {name: ways(other(left), other(right))[name] for name in ways(left, right)}
    for _ in range(turns):
        for name, way in own.items():
            if best.get(name, 0) < ENOUGH_MICROS:
                best[name] = min(best.get(name, float("inf")), _turn(way))
    return {name: round(micros, 3) for name, micros in best.items()}


def _turn(way: Callable[[], Any]) -> float:
    calls, started, spent = 0, time.perf_counter(), 0.0
    while spent < TURN_SECONDS:
        way()
        calls += 1
        spent = time.perf_counter() - started
    return spent / calls * 1e6


def ratios(micros: dict[str, float]) -> dict[str, float]:
    """How many times ours each takes; for `==`, how many times it ours takes."""
    found = {name: round(micros[name] / micros["ours"], 1) for name in LIBRARIES}
    return {**found, "ours / ==": round(micros["ours"] / micros["=="], 2)}


def cases(size: int) -> Iterator[tuple[str, Any, Any, list[str]]]:
    """(name, control, candidate, expected differences)."""
    known = other(document(size))
    yield "equal", known, other(known), []
    yield "equal, other field order", known, reversed_fields(other(known)), []
    yield "differing", known, *changed(known)


def run(turns: int, labels: Sequence[str]) -> dict[str, Any]:
    """Every case at these sizes."""
    found: dict[str, Any] = {}
    for label in labels:
        size = SIZES[label]
        for name, left, right, expected in cases(size):
            told = [f"{item.path}:{item.kind}" for item in comparison(left, right).differences]
            if told != expected or bool(DeepDiff(left, right)) != bool(expected):
                raise SystemExit(f"{label}, {name}: found {told}, expected {expected}")
            micros = measured(left, right, turns)
            found.setdefault(name, {})[label] = {"micros": micros, "times": ratios(micros)}
    return found


def growth(found: dict[str, Any]) -> dict[str, float]:
    """Microseconds per byte at 100 kB over those at 12 kB: 1 is linear."""
    return {
        name: round(
            sizes["100 kB"]["micros"]["ours"] / sizes["12 kB"]["micros"]["ours"] * 12 / 100, 2
        )
        for name, sizes in found.items()
        if {"12 kB", "100 kB"} <= sizes.keys()
    }


@click.command()
@click.option("--turns", type=click.IntRange(1), default=TURNS, show_default=True)
@click.option(
    "--size", "labels", type=click.Choice(list(SIZES)), multiple=True, help="Only this one."
)
def main(turns: int, labels: Sequence[str]) -> None:
    """Measure, and print one JSON line."""
    found = run(turns, labels or list(SIZES))
    result = {
        "benchmark": "compare",
        "python": platform.python_version(),
        "versions": {name: version(name) for name in LIBRARIES},
        "cases": found,
        "growth": growth(found),
    }
    click.echo(json.dumps(result))


if __name__ == "__main__":
    main()
