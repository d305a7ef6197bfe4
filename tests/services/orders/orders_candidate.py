"""The orders' candidate: a row of the table orders, whose lines are JSON."""

from typing import Final

from rollout.adapters.one_row import OneRow, connecting
from rollout.settings import settings

QUERY: Final = (
    "SELECT customer, number, state, placed_at, lines, total, delivery, served_by"
    " FROM orders WHERE customer = :id"
)


class OrdersCandidate(OneRow):
    """Latest orders by customer."""

    query = QUERY
    columns = (
        *("customer", "number", "state", "placed_at", "lines", "total", "delivery", "served_by"),
    )


def connect() -> OrdersCandidate:
    """The database that the environment variables name; nothing is asked before the first read."""
    return OrdersCandidate(connecting(settings()))
