"""The candidate read: users from PostgreSQL."""

from typing import Final

from rollout.adapters.one_row import OneRow, connecting
from rollout.settings import settings

QUERY: Final = "SELECT id, name, email, plan, balance, created_at, tags FROM users WHERE id = :id"
COLUMNS: Final = ("id", "name", "email", "plan", "balance", "created_at", "tags")


class UsersCandidate(OneRow):
    """Users by id."""

    query, columns = QUERY, COLUMNS


def connect() -> UsersCandidate:
    """The database that the environment variables name; nothing is asked before the first read."""
    return UsersCandidate(connecting(settings()))
