"""The candidate read: its failures are answers, and its connection heals."""

from typing import Any

import pg8000.native

from rollout.adapters.users_candidate import UsersCandidate
from rollout.handlers.candidate import candidate
from tests import fakes

ROW = ["user-1", "Ada", "a@example.com", "free", None, None, []]


class Connection:
    """One that answers, or fails with each of these first."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.said: list[str] = []

    def run(self, text: str, **_: Any) -> list[list[Any]]:
        self.said.append(text.split()[0])
        if text.startswith("SELECT") and self.failures:
            raise self.failures.pop(0)
        return [ROW] if text.startswith("SELECT") else []

    def close(self) -> None:
        self.said.append("close")


def source(*connections: Connection | Exception) -> tuple[UsersCandidate, list[bool]]:
    """Users behind these connections in turn, and whether each was made with a fresh password."""
    made, waiting = [], iter(connections)

    def connect(fresh: bool) -> Any:
        made.append(fresh)
        connection = next(waiting)
        if isinstance(connection, Exception):
            raise connection
        return connection

    return UsersCandidate(connect), made


def test_a_user_is_read_in_a_read_only_transaction() -> None:
    connection = Connection()
    users, _ = source(connection)
    answer = candidate(fakes.event("candidate.invoke"), users)
    assert (answer["user"]["name"], answer["error"]) == ("Ada", "")
    assert connection.said == ["BEGIN", "SELECT", "COMMIT"]


def test_the_connection_is_kept() -> None:
    users, made = source(Connection())
    for _ in range(3):
        users.read("user-1")
    assert made == [False]


def test_a_dead_socket_is_replaced_once() -> None:
    users, made = source(Connection(pg8000.native.InterfaceError("dead")), Connection())
    assert users.read("user-1") is not None
    assert made == [False, False]


def test_a_database_that_is_not_there_is_an_answer_that_names_it() -> None:
    users, _ = source(ConnectionRefusedError("no"), ConnectionRefusedError("no"))
    answer = candidate({"userId": "user-1"}, users)
    assert (answer["user"], answer["error"]) == (None, "ConnectionRefusedError")


def test_a_rotated_password_is_fetched_once() -> None:
    users, made = source(pg8000.native.DatabaseError({"C": "28P01"}), Connection())
    assert users.read("user-1") is not None
    assert made == [False, True]


def lost(refusal: Exception) -> Exception:
    """As pg8000 raises it when the server closes the socket before the goodbye."""
    try:
        try:
            raise refusal
        except pg8000.native.DatabaseError:
            try:
                raise BrokenPipeError(32, "Broken pipe")
            except OSError as error:
                raise pg8000.native.InterfaceError("network error") from error
    except pg8000.native.InterfaceError as error:
        return error


def test_a_rotated_password_is_seen_behind_a_socket_error() -> None:
    users, made = source(lost(pg8000.native.DatabaseError({"C": "28P01"})), Connection())
    assert users.read("user-1") is not None
    assert made == [False, True]


def test_another_refusal_behind_a_socket_error_asks_for_no_password() -> None:
    refusals = [lost(pg8000.native.DatabaseError({"C": "53300"})) for _ in range(2)]
    users, made = source(*refusals)
    assert candidate({"userId": "user-1"}, users)["error"] == "InterfaceError"
    assert made == [False, False]


def test_what_the_server_refuses_is_not_asked_again() -> None:
    connection = Connection(pg8000.native.DatabaseError({"C": "57014"}))
    users, made = source(connection)
    assert candidate({"userId": "user-1"}, users)["error"] == "DatabaseError"
    assert (connection.said[-1], made) == ("ROLLBACK", [False])


def test_a_request_that_names_nobody_is_an_answer_too() -> None:
    users, made = source()
    answer = candidate({}, users)
    assert (answer["user"], answer["error"], made) == (None, "InvalidInputError", [])
