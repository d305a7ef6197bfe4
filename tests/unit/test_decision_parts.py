"""What `benchmarks.decision.parts` leaves out is there to be left out."""

import pytest

from benchmarks.decision.parts import PARTS, WHOLE, named, table

CHANGES = [
    (part, name, value) for part, changes in PARTS.items() for name, value in changes.items()
]


@pytest.mark.parametrize(("part", "name", "value"), CHANGES)
def test_each_part_names_a_constant_of_the_judge_that_has_another_value(
    part: str, name: str, value: object
) -> None:
    module, constant = named(name)
    assert getattr(module, constant) != value


def test_only_the_whole_judge_leaves_out_nothing() -> None:
    assert [part for part, changes in PARTS.items() if not changes] == [WHOLE]


def test_what_is_served_without_a_part_is_told_over_what_the_whole_judge_serves() -> None:
    def judge(bad: float) -> dict[str, object]:
        pooled = dict.fromkeys(
            ("missed_harmful", "false_healthy", "false_tolerable", "rolled_back_stress"), 0.25
        )
        cells = {"mid/error-10%": {"kind": "harmful", "bad_mean": bad}}
        return {"pooled": pooled, "scenarios": cells}

    found = table({WHOLE: judge(1.0), "the tail": judge(3.0)})
    assert list(found.columns[0].cells) == [WHOLE, "the tail"]
    assert [float(str(cell)) for cell in found.columns[1].cells] == [1, 2]
    assert "25" in str(next(iter(found.columns[2].cells)))
