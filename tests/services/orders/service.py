"""The orders as a local stack serves them: names, data, visitors."""

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from ops.local.service import Service
from ops.local.tables import Table
from ops.local.traffic import Visitors
from tests.services.orders import orders_control
from tests.services.orders.orders_control import CUSTOMERS, PREFIX

HERE: Final = Path(__file__).parent
PLAN: Final = HERE / "plan.json"
CONFIG: Final = tomllib.loads((HERE / "samconfig.toml").read_text(encoding="utf-8"))
DEPLOYED: Final = CONFIG["default"]["deploy"]["parameters"]
PARAMETERS: Final = dict(item.split("=", 1) for item in DEPLOYED["parameter_overrides"])
COLUMNS: Final = (
    *("customer", "number", "state", "placed_at", "lines", "total", "delivery", "served_by"),
)


def _rows() -> Iterable[Sequence[Any]]:
    """The control's orders as a database has them: amounts are numbers, lists in another order."""
    for number in range(1, CUSTOMERS + 1):
        found = orders_control.order(f"{PREFIX}{number}")
        assert found is not None
        lines = [
            {**line, "price": float(line["price"]), "gifts": line["gifts"][::-1]}
            for line in reversed(found["lines"])
        ]
        delivery = {**found["delivery"], "fee": float(found["delivery"]["fee"])}
        order = {**found, "served_by": "postgresql"}
        order.update(lines=json.dumps(lines), delivery=json.dumps(delivery))
        yield [order[name] for name in COLUMNS]


def _visitors(seed: int) -> Iterator[str]:
    """As many requests by few customers as there are by few users."""
    return (re.sub(r"^\D+", PREFIX, visitor) for visitor in Visitors(CUSTOMERS, seed))


ORDERS: Final = Service(
    stack=DEPLOYED["stack_name"],
    table=Table(
        name="orders",
        columns=COLUMNS,
        schema=HERE / "orders.sql",
        rows=_rows,
        falsified="total",
        falsely="t.total + 1",
    ),
    visitors=_visitors,
    parameters=PARAMETERS,
    files={name: HERE / name for name in ("orders_control.py", "orders_candidate.py")},
)
