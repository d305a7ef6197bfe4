"""Sections of a report that other parts of the project bring.

To add one, write a function of a record and name it in FURTHER; it is called for every report.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ops.costs import prices
from ops.costs.lines import ROLLOUT, bill, total
from ops.costs.usage import Deployment, of_record


@dataclass(frozen=True)
class Section:
    """title: one line. lines: sentences. table: rows of texts, the first one the headings."""

    title: str
    lines: tuple[str, ...] = ()
    table: tuple[tuple[str, ...], ...] = ()


def cost(record: Mapping[str, Any]) -> Section:
    """What AWS charges for the rollout, at list prices, line by line."""
    here = Deployment()
    lines = [line for line in bill(of_record(record), here) if line.of == ROLLOUT and line.cost]
    said = (
        f"The rollout itself: {total(lines):.4f} USD, list prices of {prices.REGION} on "
        f"{prices.AS_OF}, without free tiers. `rollout cost` says what the reads cost anyway."
    )
    rows = [(line.service, line.what, _count(line.quantity), f"{line.cost:.4f}") for line in lines]
    return Section("Cost", (said,), (("service", "what", "count", "USD"), *rows))


def _count(quantity: float) -> str:
    return f"{quantity:,.0f}" if quantity >= 10 else f"{quantity:.3g}"


FURTHER: Final[tuple[Callable[[Mapping[str, Any]], Section], ...]] = (cost,)
