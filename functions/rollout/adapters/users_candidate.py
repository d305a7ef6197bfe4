"""The candidate read: PostgreSQL through pg8000.

One lazy connection per sandbox, read-only transactions, one reconnect on a dead socket. Nothing
here sets session state, so RDS Proxy can multiplex; the role carries its statement timeout.
"""

import json
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

import pg8000.native

from rollout.domain.errors import InvalidInputError
from rollout.settings import Settings, settings

QUERY: Final = "SELECT id, name, email, plan, balance, created_at, tags FROM users WHERE id = :id"
COLUMNS: Final = ("id", "name", "email", "plan", "balance", "created_at", "tags")
CONNECT_TIMEOUT_S: Final = 3
WRONG_PASSWORD: Final = "28P01"


@dataclass
class UsersCandidate:
    """Users by id. `connect` opens a connection; `fresh=True` asks for a fresh password."""

    connect: Callable[[bool], pg8000.native.Connection]
    _connection: pg8000.native.Connection | None = field(default=None)

    def user(self, user_id: str) -> dict[str, Any] | None:
        """The user as JSON-like values, or None when there is none.

        Raises pg8000.native.DatabaseError for what the server says, InterfaceError or OSError
        when it cannot be reached, also on a second connection.
        """
        if "\x00" in user_id:
            return None  # PostgreSQL text cannot hold NUL, so no user has such an id
        try:
            return self._read(user_id)
        except (pg8000.native.InterfaceError, OSError):
            # A thawed sandbox may hold a socket that died meanwhile; reads may be repeated.
            self._drop()
            return self._read(user_id)

    def _read(self, user_id: str) -> dict[str, Any] | None:
        connection = self._connection or self._open()
        try:
            connection.run("BEGIN READ ONLY")
            rows = connection.run(QUERY, id=user_id)
            connection.run("COMMIT")
        except pg8000.native.DatabaseError:
            connection.run("ROLLBACK")
            raise
        return _json_like(rows[0]) if rows else None

    def _open(self) -> pg8000.native.Connection:
        try:
            self._connection = self.connect(False)
        except pg8000.native.DatabaseError as error:
            if not error.args or error.args[0].get("C") != WRONG_PASSWORD:
                raise
            self._connection = self.connect(True)  # the password was rotated
        return self._connection

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        try:
            if connection is not None:
                connection.close()
        except (pg8000.native.InterfaceError, OSError):
            pass  # it was dead already


def connect() -> UsersCandidate:
    """From DATABASE_URL, or else the secret in DATABASE_SECRET_ARN."""
    known = settings()

    def open_connection(fresh: bool) -> pg8000.native.Connection:
        return pg8000.native.Connection(**_arguments(known, fresh), timeout=CONNECT_TIMEOUT_S)

    return UsersCandidate(open_connection)


def _arguments(known: Settings, fresh: bool) -> dict[str, Any]:
    url = known.optional("DATABASE_URL")
    if url:
        return parse_url(url)
    return parse_secret(_secret(known.text("DATABASE_SECRET_ARN"), fresh))


def _secret(arn: str, fresh: bool) -> Any:
    from aws_lambda_powertools.utilities import parameters  # costs botocore; only when needed

    return parameters.get_secret(arn, force_fetch=fresh)


def parse_url(url: str) -> dict[str, Any]:
    """pg8000's arguments from postgresql://user:password@host:port/database[?host=/socket/dir].

    Raises InvalidInputError without showing the password.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("postgres", "postgresql") or not parts.username or not parts.path[1:]:
        raise InvalidInputError(
            field="DATABASE_URL",
            value=f"{parts.scheme}://…",
            expected="postgresql://user:password@host:port/database",
        )
    arguments: dict[str, Any] = {
        "user": unquote(parts.username),
        "password": unquote(parts.password or ""),
        "database": unquote(parts.path[1:]),
    }
    (socket,) = parse_qs(parts.query).get("host", [""])
    if socket.startswith("/"):
        port = parts.port or 5432
        return {**arguments, "unix_sock": f"{socket}/.s.PGSQL.{port}", "ssl_context": False}
    return {**arguments, **_tcp(parts.hostname, parts.port)}


def parse_secret(text: str) -> dict[str, Any]:
    """pg8000's arguments from a secret: a DATABASE_URL, bare or in JSON, or the five fields.

    Raises InvalidInputError naming the missing field, never its value.
    """
    if text.startswith(("postgres://", "postgresql://")):
        return parse_url(text)
    try:
        secret = json.loads(text)
    except ValueError:
        secret = None
    if not isinstance(secret, dict):
        raise _secret_error("database secret", "a JSON object or a DATABASE_URL")
    if "DATABASE_URL" in secret:
        return parse_url(str(secret["DATABASE_URL"]))
    for name in ("host", "database", "username", "password"):
        if not secret.get(name):
            raise _secret_error(f"database secret.{name}", "a value")
    return {
        "user": secret["username"],
        "password": secret["password"],
        "database": secret["database"],
        **_tcp(secret["host"], int(secret.get("port", 5432))),
    }


def _tcp(host: str | None, port: int | None) -> dict[str, Any]:
    # pg8000's own default verifies nothing and falls back to plain text.
    context = ssl.create_default_context()
    return {"host": host or "localhost", "port": port or 5432, "ssl_context": context}


def _secret_error(name: str, expected: str) -> InvalidInputError:
    return InvalidInputError(
        field=name,
        value=None,
        expected=expected,
        remedy="Put {host, port, database, username, password} into the secret.",
    )


def _json_like(row: list[Any]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in zip(COLUMNS, row, strict=True)}


def _plain(value: Any) -> Any:
    """PostgreSQL's Python types as the control's JSON values."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return value
