"""docs/scale.md repeats what its program computes, to a hundredth, and nothing else."""

import re
from collections.abc import Iterator

import pytest

from benchmarks import scale
from tests.fakes import ROOT

PAGE = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
PER_DAY = {
    "1,000 a day": 1e3,
    "24,000 a day": 24e3,
    "1,000,000 a day": 1e6,
    "100 a second": 100 * scale.DAY,
    "10,000 a second": 1e4 * scale.DAY,
    "1,000,000 a second": 1e6 * scale.DAY,
}
SHOWN = (
    *("transitions", "looks", "sandboxes", "polls_per_second", "comparators"),
    *("log_gb_rollout", "log_gb_reads", "usd_rollout", "usd_under_ceiling", "usd_reads"),
)


def rows() -> Iterator[list[str]]:
    """The cells of each row of each table."""
    for line in PAGE.splitlines():
        if line.startswith("| ") and "---" not in line:
            yield [cell.strip() for cell in line.strip("|").split("|")]


def number(cell: str) -> float:
    return float(cell.replace(",", ""))


def test_every_traffic_is_in_the_table_as_computed() -> None:
    found = {row[0]: [number(cell) for cell in row[1:]] for row in rows() if row[0] in PER_DAY}
    assert list(PER_DAY.values()) == list(scale.PER_DAY)
    for name, per_day in PER_DAY.items():
        computed = scale.rollout(per_day)
        assert found[name] == pytest.approx([computed[key] for key in SHOWN], rel=0.01), name


def test_quotas_are_in_the_tables_as_computed() -> None:
    found = list(rows())
    for item in (*scale.stacks(), *scale.at_once(1000)):
        assert [str(value) for value in item.values()] in found


def test_the_quota_that_is_met_first_is_named_first() -> None:
    first = scale.stacks()[0]
    assert (first["quota"], first["stacks"]) == ("deployment strategies", 10)
    assert "the eleventh stack" in PAGE


def test_more_traffic_makes_no_more_steps() -> None:
    few, many = scale.rollout(24e3), scale.rollout(1e6 * scale.DAY)
    assert (few["transitions"], few["steps"]) == (many["transitions"], many["steps"])


def test_a_ceiling_on_the_shadow_costs_nobody_anything_and_saves_much_at_scale() -> None:
    for per_day in scale.PER_DAY:
        row = scale.rollout(per_day)
        assert row["usd_under_ceiling"] <= row["usd_rollout"]
    assert scale.rollout(1e4 * scale.DAY)["usd_under_ceiling"] < 2000


def test_no_number_of_stacks_is_above_what_the_raised_quotas_hold() -> None:
    each = {item["quota"]: item["per_stack"] for item in scale.stacks()}
    named = re.search(r"5,000 each: (\d+) and (\d+) stacks", PAGE)
    assert named
    assert [int(word) for word in named.groups()] == [
        5000 // each["roles"],
        5000 // each["managed policies"],
    ]
