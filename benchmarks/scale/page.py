"""The tables of docs/scale.md, as they stand there, from what was simulated."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from benchmarks.scale.rows import CEILING, Row
from benchmarks.scale.simulation import BETA
from benchmarks.scale.traffic import DIFFERING, FAILING, GOOD

Cells = Sequence[str]
TRAFFIC: Final = (
    *("reads", "transitions", "looks", "API calls", "fetches by the machine", "sandboxes"),
    *("flag polls a second", "GB, reads", "GB, rollout", "USD, rollout", "USD, reads"),
)
CEILED: Final = (
    *("reads", "ceiling", "a second", "dropped", "USD", "yes to a good one"),
    *("a person asked at 1.5 % differing", "rolled back at 8 % failing"),
)
ACCOUNT: Final = (
    *("what", "rollouts", "within", "refused most", "times", "served", "latest, s"),
    *("rolled back", "not confirmed"),
)
HOLDS: Final = ("quota", "default", "one stack has", "stacks")
RATES: Final = ("quota", "default", "one rollout asks for", "rollouts")


def markdown(head: Cells, rows: Iterator[Cells]) -> str:
    """A table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def tables(found: Mapping[str, Any]) -> dict[str, str]:
    """By name."""
    return {
        "one rollout": markdown(TRAFFIC, _traffic(found)),
        "the shadow": markdown(CEILED, _ceilings(found)),
        "stacks": markdown(HOLDS, (_holds(row) for row in found["stacks_by_resource"])),
        "all along": markdown(RATES, (_holds(row) for row in found["stacks_by_rate"])),
        "at the same time": markdown(ACCOUNT, _account(found)),
    }


def _traffic(found: Mapping[str, Any]) -> Iterator[Cells]:
    machines = {row["traffic"]: row for row in found["rollout"]}
    bills = {row["traffic"]: row for row in found["bill"] if row["ceiling"] == CEILING}
    for reader in found["readers"]:
        name = reader["traffic"]
        machine, bill = machines.get(name, machines[BETA]), bills[name]
        yield (
            name,
            *(f"{machine[key]:,}" for key in ("transitions", "looks", "calls", "fetches")),
            f"{reader['sandboxes_peak']:,}",
            number(reader["polls_per_second"]),
            *(number(bill[key]) for key in ("log_gb_reads", "log_gb_rollout")),
            *(f"{bill[key]:,.2f}" for key in ("usd_rollout", "usd_reads")),
        )


def _ceilings(found: Mapping[str, Any]) -> Iterator[Cells]:
    """Without and with a ceiling where it makes a difference, and the ceilings that were tried."""
    pairs = list(zip(found["shadow"], found["evidence"], strict=True))
    for name in dict.fromkeys(row["traffic"] for row, _ in pairs):
        mine = [pair for pair in pairs if pair[0]["traffic"] == name]
        same = mine[0][0]["share_bps"] == mine[1][0]["share_bps"]
        for shadow, soaks in mine[1:2] if same else mine:
            yield _ceiling(shadow, soaks)


def _ceiling(shadow: Row, soaks: Row) -> Cells:
    ceiling = "none" if shadow["ceiling"] is None else f"{shadow['ceiling']:g}"
    return (
        shadow["traffic"],
        ceiling,
        number(shadow["a_second"]),
        f"{shadow['busy_dropped']:.1%}",
        f"{shadow['usd']:,.2f}",
        *(_minutes(soaks[candidate.name]) for candidate in (GOOD, DIFFERING, FAILING)),
    )


def _minutes(soak: Mapping[str, Any]) -> str:
    return f"{soak['median']:,.0f}, {soak['p95']:,.0f} min"


def _account(found: Mapping[str, Any]) -> Iterator[Cells]:
    for row in found["account"]:
        yield (
            row["step"],
            f"{row['stacks']:,}",
            row["within"],
            row["first"] or "nothing",
            f"{row['refused'].get(row['first'], 0):,}",
            f"{row['served']:,}",
            f"{row['late']:,.0f}",
            *(f"{row[key]:,}" for key in ("rolled_back", "unconfirmed")),
        )


def _holds(row: Row) -> Cells:
    return (
        row["quota"],
        f"{row['default']:,}",
        f"{row['per_stack']:,.4g}",
        f"{row['stacks']:,}",
    )


def number(value: float) -> str:
    """Three digits that say something, or all whole ones."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
