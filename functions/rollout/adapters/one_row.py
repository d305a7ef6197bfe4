"""One row by its id, from PostgreSQL through pg8000: what a candidate's read usually is.

One lazy connection per sandbox, read-only transactions, one reconnect on a dead socket. Nothing
here sets session state, so RDS Proxy can multiplex; the role carries its statement timeout.

With values, `Connection.run` sends an unnamed Parse, a Bind and an Execute, each followed by a Sync
(pg8000 1.31.6, `execute_unnamed`): no named statement, which would pin the proxy's connection, and
the surrounding transaction keeps the three on one backend. BEGIN and COMMIT are simple queries.
Source: RDS user guide, "Avoiding pinning an RDS Proxy".
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

import pg8000.native

from rollout.adapters.column_values import json_like, reads_anything
from rollout.adapters.database_login import Login
from rollout.settings import Settings

CONNECT_TIMEOUT_S: Final = 3
WRONG_PASSWORD: Final = "28P01"


@dataclass
class OneRow:
    """Rows by id. `connect` opens a connection; `fresh=True` asks for a fresh password.

    A class of your own says what is read: `query` has the one parameter :id, and `columns` names
    what it selects, in that order.
    """

    query: ClassVar[str]
    columns: ClassVar[tuple[str, ...]]

    connect: Callable[[bool], pg8000.native.Connection]
    _connection: pg8000.native.Connection | None = field(default=None)

    def read(self, row_id: str) -> dict[str, Any] | None:
        """The row as JSON-like values, or None when there is none.

        Raises pg8000.native.DatabaseError for what the server says, InterfaceError or OSError
        when it cannot be reached, also on a second connection.
        """
        if not _storable(row_id):
            return None
        try:
            return self._read(row_id)
        except (pg8000.native.InterfaceError, OSError):
            # A thawed sandbox may hold a socket that died meanwhile; reads may be repeated.
            self._drop()
            return self._read(row_id)

    def _read(self, row_id: str) -> dict[str, Any] | None:
        connection = self._connection or self._open()
        try:
            connection.run("BEGIN READ ONLY")
            rows = connection.run(self.query, id=row_id)
            connection.run("COMMIT")
        except pg8000.native.DatabaseError:
            connection.run("ROLLBACK")
            raise
        except Exception:
            # The driver could not read an answer: the rest of it is still in the socket, and the
            # next read would take it for its own.
            self._drop()
            raise
        return self._row(rows[0]) if rows else None

    def _row(self, row: list[Any]) -> dict[str, Any]:
        return {name: json_like(value) for name, value in zip(self.columns, row, strict=True)}

    def _open(self) -> pg8000.native.Connection:
        try:
            self._connection = self.connect(False)
        except (pg8000.native.Error, OSError) as error:
            if not any(_code(each) == WRONG_PASSWORD for each in _chain(error)):
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


def connecting(known: Settings) -> Callable[[bool], pg8000.native.Connection]:
    """Opens connections to the database that the settings name; asks nobody before the first."""
    login = Login(known)

    def connect(fresh: bool) -> pg8000.native.Connection:
        made = pg8000.native.Connection(**login.arguments(fresh), timeout=CONNECT_TIMEOUT_S)
        return reads_anything(made)

    return connect


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and all that it came from.

    pg8000 says goodbye to a server that refused it; when the server was faster, what is raised is
    the dead socket, and the refusal is only its context.
    """
    waiting, seen = [error], set[int]()
    while waiting:
        each = waiting.pop()
        if id(each) not in seen:
            seen.add(id(each))
            yield each
            waiting += [more for more in (each.__cause__, each.__context__) if more]


def _code(error: BaseException) -> str:
    """The server's SQLSTATE, or "" when it is not the server who speaks."""
    said = error.args[0] if isinstance(error, pg8000.native.DatabaseError) and error.args else None
    return str(said.get("C", "")) if isinstance(said, dict) else ""


def _storable(row_id: str) -> bool:
    """Whether a row can have such an id: PostgreSQL text holds neither NUL nor half characters."""
    try:
        return b"\x00" not in row_id.encode()
    except UnicodeEncodeError:
        return False
