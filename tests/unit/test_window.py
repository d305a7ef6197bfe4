"""Counts are whole, not negative, and a part is never more than its whole."""

import math
from typing import Any

import pytest

from rollout.domain.errors import InvalidInputError
from rollout.domain.window import Arm, Shadow

COUNT = "a count: a whole number >= 0"


@pytest.mark.parametrize("value", [-1, 1.0, math.nan, "1", None, True])
@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (Arm, "requests"),
        (Arm, "errors"),
        (Arm, "slow"),
        (Shadow, "compared"),
        (Shadow, "mismatched"),
        (Shadow, "failed"),
    ],
)
def test_what_is_no_count_is_refused(kind: Any, name: str, value: object) -> None:
    with pytest.raises(InvalidInputError) as caught:
        kind(**{name: value})

    assert caught.value.field == f"{kind.__name__}.{name}"
    assert caught.value.value is value
    assert caught.value.expected == COUNT


@pytest.mark.parametrize(
    ("kind", "counts", "field", "value", "expected"),
    [
        (Arm, {"requests": 3, "errors": 4}, "Arm.errors", 4, "at most requests, 3"),
        (Arm, {"requests": 3, "slow": 4}, "Arm.slow", 4, "at most requests, 3"),
        (
            Shadow,
            {"compared": 3, "mismatched": 4},
            "Shadow.mismatched",
            4,
            "at most compared, 3",
        ),
    ],
)
def test_a_part_above_its_whole_is_refused(
    kind: Any, counts: dict[str, int], field: str, value: int, expected: str
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        kind(**counts)

    assert (caught.value.field, caught.value.value) == (field, value)
    assert caught.value.expected == expected


def test_every_request_may_be_both_failed_and_slow() -> None:
    arm = Arm(requests=3, errors=3, slow=3)

    assert (arm.requests, arm.errors, arm.slow) == (3, 3, 3)


def test_every_comparison_may_be_a_mismatch() -> None:
    assert Shadow(compared=3, mismatched=3).mismatched == 3


def test_shadow_reads_may_fail_before_anything_is_compared() -> None:
    assert Shadow(failed=3).asked == 3


def test_shadow_reads_asked_are_those_compared_and_those_failed() -> None:
    assert Shadow(compared=5, mismatched=2, failed=3).asked == 8
