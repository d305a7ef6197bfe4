"""The machine in the simulation of scale goes as it does without its memory of earlier looks."""

from typing import Any

import pytest

from benchmarks.scale import machine
from benchmarks.scale.machine import Driven, drive
from benchmarks.scale.resumed import Memory
from benchmarks.scale.traffic import Level
from ops.faults import plan as minutes

LEVEL = Level("20 a second", 20 * 86_400)


def without_memory(document: dict[str, Any]) -> list[tuple[str, float, list[str], int]]:
    world = Driven(LEVEL, 1, Memory())
    given = {"action": "launch", "rollout_id": machine.ROLLOUT, "plan": document}
    world.start(machine.ROLLOUT, given)
    world.agenda.settle()
    return [(visit.state, visit.at, visit.calls, visit.points) for visit in world.visits]


def test_with_a_memory_of_looks_it_does_the_same_and_asks_for_the_same() -> None:
    document = minutes.document()
    trace = drive(LEVEL, 1, document=document)
    found = [(visit.state, visit.at, visit.calls, visit.points) for visit in trace.visits]
    assert found == without_memory(document)
    assert trace.words[-1] == "COMPLETED"
    assert sum(visit.points for visit in trace.visits) > 0


def test_the_traffic_is_counted_once_for_all_looks() -> None:
    counted = Driven(LEVEL, 1, Memory()).counted
    at = int(machine.MIDNIGHT)
    first = counted.minute(at).tolist()
    assert counted.minute(at).tolist() == first
    assert first[0] == pytest.approx(20 * 60 * 0.87, rel=0.3)
