"""What a candidate's database holds: a table, its rows, and how one of them would be wrong."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rollout.adapters import users_control


@dataclass(frozen=True)
class Table:
    """A candidate's table.

    name, columns: as in SQL, of our own words. schema: a file with SQL that creates the table, and
    grants it to candidate_reader. rows: the values in the order of columns, as COPY takes them from
    CSV. falsified, falsely: the column that is wrong in a mismatch, and SQL of a wrong value; the
    table is called t there.
    """

    name: str
    columns: tuple[str, ...]
    schema: Path
    rows: Callable[[], Iterable[Sequence[Any]]]
    falsified: str
    falsely: str


def _users() -> Iterable[Sequence[Any]]:
    """The control's users."""
    for number in range(1, users_control.USERS + 1):
        user = users_control.user(f"{users_control.PREFIX}{number}")
        assert user is not None
        # A JSON string is a valid element of PostgreSQL's array literal.
        tags = ",".join(json.dumps(tag, ensure_ascii=False) for tag in user["tags"])
        yield [*(user[name] for name in USERS.columns[:-1]), f"{{{tags}}}"]


USERS: Final = Table(
    name="users",
    columns=("id", "name", "email", "plan", "balance", "created_at", "tags"),
    schema=Path(__file__).with_name("schema.sql"),
    rows=_users,
    falsified="balance",
    falsely="(t.balance + 0.01)::numeric(12, 2)",
)
