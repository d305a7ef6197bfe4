"""The orders in service today: the latest order of each customer, in memory.

A fixed function of the customer's number, so that a table can be filled with the same orders.
"""

import hashlib
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

CUSTOMERS: Final = 2_000
PREFIX: Final = "customer-"
FIRST: Final = datetime(2024, 3, 1, tzinfo=UTC)
STATES: Final = ("open", "paid", "shipped", "returned")
ARTICLES: Final = ("cup", "lamp", "rug", "shelf", "vase", "clock", "stool")


def order(customer: str) -> dict[str, Any] | None:
    """The customer's latest order, or None when there is no such customer."""
    number = customer.removeprefix(PREFIX)
    canonical = number.isascii() and number.isdigit() and not number.startswith("0")
    if number == customer or not canonical or len(number) > len(str(CUSTOMERS)):
        return None
    return _order(int(number)) if int(number) <= CUSTOMERS else None


@lru_cache(maxsize=CUSTOMERS)
def _order(number: int) -> dict[str, Any]:
    """Amounts are text with two decimals, as money is where no digit may be lost."""
    digest = hashlib.sha256(f"order:{number}".encode()).digest()
    placed = FIRST + timedelta(seconds=int.from_bytes(digest[0:4], "big") % 70_000_000)
    lines = [_line(digest[8 + 4 * i : 12 + 4 * i], i) for i in range(1 + digest[4] % 4)]
    cents = sum(line["pieces"] * _cents(line["price"]) for line in lines)
    return {
        "customer": f"{PREFIX}{number}",
        "number": 700_000 + number,
        "state": STATES[digest[5] % len(STATES)],
        "placed_at": placed.isoformat(),
        "lines": lines,
        "total": _money(cents),
        "delivery": {"method": "parcel" if digest[6] % 3 else "pickup", "fee": _money(490)},
        "served_by": "memory",
    }


def _line(some: bytes, index: int) -> dict[str, Any]:
    return {
        "sku": f"{ARTICLES[some[0] % len(ARTICLES)]}-{index}",
        "pieces": 1 + some[1] % 5,
        "price": _money(100 + int.from_bytes(some[2:4], "big") % 20_000),
        "gifts": [f"card-{bit}" for bit in range(3) if some[1] >> bit & 1],
    }


def _money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def _cents(amount: str) -> int:
    whole, cents = amount.split(".")
    return 100 * int(whole) + int(cents)
