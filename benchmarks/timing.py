"""Measuring calls in turn, so that a slow moment of the machine hits all of them."""

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from statistics import median, quantiles
from typing import Any


def medians_us(
    calls: Mapping[str, Callable[[int], Any]],
    *,
    rounds: int,
    calls_a_round: int,
    clock: Callable[[], int] = time.process_time_ns,
) -> dict[str, float]:
    """Microseconds per call, by name: the median over rounds, in which all take their turn.

    A call is given its number. The clock counts nanoseconds, by default of the processor.
    """
    found: dict[str, list[float]] = {name: [] for name in calls}
    for round_ in range(-1, rounds):  # the first only warms
        for name, call in calls.items():
            first = max(round_, 0) * calls_a_round
            begun = clock()
            for number in range(first, first + calls_a_round):
                call(number)
            if round_ >= 0:
                found[name].append((clock() - begun) / calls_a_round / 1000)
    return {name: median(values) for name, values in found.items()}


def call_medians_us(
    calls: Mapping[str, Callable[[int], Any]], *, rounds: int, calls_a_round: int
) -> dict[str, list[float]]:
    """Microseconds waited, by name: of each round the median call, all taking turns call by call.

    A call that the machine interrupts is one among many then, and no part of a mean.
    """
    found: dict[str, list[float]] = {name: [] for name in calls}
    for round_ in range(-1, rounds):  # the first only warms
        waited: dict[str, list[float]] = {name: [] for name in calls}
        first = max(round_, 0) * calls_a_round
        for number in range(first, first + calls_a_round):
            for name, call in calls.items():
                begun = time.perf_counter_ns()
                call(number)
                waited[name].append((time.perf_counter_ns() - begun) / 1000)
        if round_ >= 0:
            for name, values in waited.items():
                found[name].append(median(values))
    return found


def quartiles(values: list[float]) -> list[float]:
    """The first and the third, as the spread around a median."""
    low, _, high = quantiles(values, n=4, method="inclusive") if values[1:] else values * 3
    return [round(low, 3), round(high, 3)]


@contextmanager
def output_discarded() -> Iterator[None]:
    """Standard output as a function has it, a file descriptor, leading nowhere."""
    before = sys.stdout
    with open(os.devnull, "w", buffering=1) as nowhere:  # noqa: PTH123  os.devnull is a name
        sys.stdout = nowhere
        try:
            yield
        finally:
            sys.stdout = before


def tell(benchmark: str, measured: dict[str, Any]) -> None:
    """The one line: what was measured, on what, how busy, at which commit."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    about = {
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {os.cpu_count()} processors",
        "load": round(os.getloadavg()[0], 1),
        "commit": commit,
    }
    print(json.dumps({"benchmark": benchmark, **measured, **about}))
