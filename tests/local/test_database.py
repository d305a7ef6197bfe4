"""The candidate's PostgreSQL: the control's users, a role that only reads, faults and outages."""

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import pg8000.native
import pytest

from ops import rollouts
from ops.local.database import Database, DatabaseError
from ops.local.faults import LONGEST_MS, Faults
from ops.local.stack import LocalStack, found
from rollout.adapters import users_control
from rollout.adapters.database_login import parse_url
from rollout.adapters.flags import AppConfigFlags
from rollout.adapters.users_candidate import COLUMNS, QUERY, UsersCandidate
from rollout.domain.errors import InvalidInputError
from rollout.domain.flag import Flag
from rollout.handlers.candidate import candidate
from tests.local.running import ROOT, until

pytestmark = pytest.mark.local
PLAN = ROOT / "plans" / "rehearsal.json"
REFUSED, READ_ONLY, TIMED_OUT, INJECTED = "42501", "25006", "57014", "58030"
# pg8000 says goodbye to a server that has refused it; that fails when the server was faster.
NOT_LET_IN = (pg8000.native.DatabaseError, pg8000.native.InterfaceError)


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    with Database() as started:
        yield started


@pytest.fixture(scope="module")
def users(database: Database) -> UsersCandidate:
    """The candidate's own read, as its role."""
    return UsersCandidate(lambda _: as_role(database))


@pytest.fixture
def faults(database: Database) -> Iterator[Faults]:
    made = Faults(database)
    yield made
    made.clear()


def as_role(database: Database) -> Any:
    return pg8000.native.Connection(**parse_url(database.url), timeout=3)


def code_of(error: pytest.ExceptionInfo[Any]) -> str:
    """The SQLSTATE."""
    return str(error.value.args[0]["C"])


class Fetched:
    """A connection that has every row already, so that all are read as the candidate reads one."""

    def __init__(self, database: Database) -> None:
        rows = database.execute(f"SELECT {', '.join(COLUMNS)} FROM users")
        self.rows = {row[0]: row for row in rows}

    def run(self, text: str, **values: str) -> list[list[Any]]:
        return [self.rows[values["id"]]] if text == QUERY else []


def test_the_candidate_has_exactly_the_users_of_the_control(database: Database) -> None:
    fetched = Fetched(database)
    users = UsersCandidate(lambda _: fetched)
    assert len(fetched.rows) == users_control.USERS
    unlike = [name for name in fetched.rows if users.read(name) != users_control.user(name)]
    assert unlike == []


@pytest.mark.parametrize(
    "user_id", ["user-0", "user-10001", "user-01", "USER-1", "", "' OR 1=1 --", "user-1\x00", "é"]
)
def test_neither_knows_anybody_else(users: UsersCandidate, user_id: str) -> None:
    assert users.read(user_id) is users_control.user(user_id) is None


FORBIDDEN = [
    "UPDATE users SET balance = 0",
    "DELETE FROM users",
    "INSERT INTO users (id) VALUES ('user-0')",
    "TRUNCATE users",
    "DROP TABLE users",
    "CREATE TABLE mine (id text)",
    "CREATE TEMPORARY TABLE mine (id text)",
    "COPY users TO '/tmp/users'",
    "ALTER ROLE candidate_reader SUPERUSER",
]


@pytest.mark.parametrize("sql", FORBIDDEN)
def test_the_role_only_reads(database: Database, sql: str) -> None:
    connection = as_role(database)
    with pytest.raises(pg8000.native.DatabaseError) as caught:
        connection.run(sql)
    assert code_of(caught) in (READ_ONLY, REFUSED)
    # Nor when a session lifts what is only a default.
    connection.run("SET default_transaction_read_only = off")
    with pytest.raises(pg8000.native.DatabaseError) as caught:
        connection.run(sql)
    assert code_of(caught) == REFUSED
    connection.close()


def test_a_read_that_takes_too_long_is_ended(database: Database) -> None:
    connection = as_role(database)
    with pytest.raises(pg8000.native.DatabaseError) as caught:
        connection.run("SELECT pg_sleep(60)")
    assert code_of(caught) == TIMED_OUT
    connection.close()


@pytest.mark.parametrize("change", [{"password": "guessed"}, {"database": "postgres"}])
def test_the_role_gets_in_with_its_password_and_nowhere_else(
    database: Database, change: dict[str, str]
) -> None:
    with pytest.raises(NOT_LET_IN):
        pg8000.native.Connection(**{**parse_url(database.url), **change}, timeout=3)


def outcomes(users: UsersCandidate, reads: int) -> Counter[str]:
    """How many reads failed, differed from the control, and were right."""
    counted: Counter[str] = Counter()
    for number in range(1, reads + 1):
        name = f"user-{number}"
        answer = candidate({"userId": name}, users)
        right = answer["user"] == users_control.user(name)
        counted["failed" if answer["error"] else "right" if right else "different"] += 1
    return counted


def test_faults_do_nothing_until_asked(faults: Faults, users: UsersCandidate) -> None:
    assert outcomes(users, 50) == {"right": 50}


def test_errors_fail_reads_and_name_themselves(faults: Faults, users: UsersCandidate) -> None:
    faults.errors(1)
    answer = candidate({"userId": "user-1"}, users)
    assert (answer["user"], answer["error"]) == (None, "DatabaseError")
    assert answer["message"].startswith(f"SQLSTATE {INJECTED} in ")
    assert "injected fault" not in answer["message"]
    assert outcomes(users, 50) == {"failed": 50}


def test_mismatches_answer_one_cent_too_much(faults: Faults, users: UsersCandidate) -> None:
    faults.mismatches(1)
    known, got = users_control.user("user-1"), users.read("user-1")
    assert known is not None
    assert got is not None
    cents = [int(user["balance"].replace(".", "")) for user in (known, got)]
    assert cents[1] == cents[0] + 1
    assert {**got, "balance": known["balance"]} == known


# Of 400 reads 80 are expected; each bound is more than six standard deviations (8) away.
@pytest.mark.parametrize(
    ("fault", "word"), [(Faults.errors, "failed"), (Faults.mismatches, "different")]
)
def test_a_share_of_the_reads_is_hit(
    faults: Faults, users: UsersCandidate, fault: Callable[[Faults, float], None], word: str
) -> None:
    fault(faults, 0.2)
    assert 30 < outcomes(users, 400)[word] < 130


def test_faults_add_up(faults: Faults, users: UsersCandidate) -> None:
    faults.errors(0.5)
    faults.mismatches(1)
    found = outcomes(users, 100)
    assert found["failed"] + found["different"] == 100
    assert min(found["failed"], found["different"]) > 10


def test_slow_reads_take_that_long(faults: Faults, users: UsersCandidate) -> None:
    faults.slow(200)
    started = time.monotonic()
    assert users.read("user-1") == users_control.user("user-1")
    assert time.monotonic() - started >= 0.2


def test_too_slow_a_read_fails_by_the_limit_of_the_role(
    faults: Faults, users: UsersCandidate
) -> None:
    faults.slow(LONGEST_MS)
    assert TIMED_OUT in candidate({"userId": "user-1"}, users)["message"]


def test_users_who_do_not_exist_are_spared(faults: Faults, users: UsersCandidate) -> None:
    faults.errors(1)
    assert candidate({"userId": "user-0"}, users) == {"user": None, "error": ""}


def test_clear_ends_every_fault(faults: Faults, users: UsersCandidate) -> None:
    faults.errors(1)
    faults.mismatches(1)
    faults.slow(1000)
    faults.clear()
    assert outcomes(users, 50) == {"right": 50}


def test_made_again_it_takes_over_what_is_there(
    database: Database, faults: Faults, users: UsersCandidate
) -> None:
    faults.errors(1)
    Faults(database).clear()
    assert outcomes(users, 10) == {"right": 10}


@pytest.mark.parametrize(
    "fault",
    [
        lambda faults: faults.errors(1.01),
        lambda faults: faults.mismatches(-0.1),
        lambda faults: faults.slow(10, float("nan")),
        lambda faults: faults.slow(LONGEST_MS + 1),
        lambda faults: faults.slow(-1),
    ],
)
def test_a_fault_that_cannot_be_is_refused(
    faults: Faults, users: UsersCandidate, fault: Callable[[Faults], None]
) -> None:
    with pytest.raises(InvalidInputError):
        fault(faults)
    assert outcomes(users, 5) == {"right": 5}


@pytest.mark.parametrize("name", ["faults.users", "faults.settings"])
@pytest.mark.usefixtures("faults")
def test_the_role_gets_past_no_fault(database: Database, name: str) -> None:
    connection = as_role(database)
    connection.run("SET default_transaction_read_only = off")
    for sql in (f"SELECT * FROM {name}", f"DELETE FROM {name}"):
        with pytest.raises(pg8000.native.DatabaseError) as caught:
            connection.run(sql)
        assert code_of(caught) == REFUSED
    connection.close()


def test_an_outage_is_an_answer_and_the_connection_heals(
    database: Database, users: UsersCandidate
) -> None:
    assert outcomes(users, 1) == {"right": 1}
    database.stop()
    try:
        assert outcomes(users, 3) == {"failed": 3}
    finally:
        database.start()
    assert outcomes(users, 50) == {"right": 50}


def test_nothing_is_left_of_a_database_that_is_closed() -> None:
    with Database() as gone:
        folder = gone.folder
        assert gone.execute("SELECT 1") == [[1]]
    assert not folder.exists()
    gone.close()
    with pytest.raises(DatabaseError, match="the database is closed"):
        gone.start()


def test_two_databases_do_not_meet(database: Database) -> None:
    with Database() as other:
        assert other.folder != database.folder
        password = parse_url(other.url)["password"]
        with pytest.raises(NOT_LET_IN):
            pg8000.native.Connection(**{**parse_url(database.url), "password": password}, timeout=3)


# --- With a whole stack in front of it ---


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    with mock.patch.dict(os.environ), LocalStack() as started:
        yield started


@pytest.fixture
def exposed(stack: LocalStack) -> Iterator[LocalStack]:
    """Every user is the candidate's, without any execution; afterwards nobody is."""
    flags = AppConfigFlags.connect(found(stack).settings())
    everybody = Flag(
        enabled=True,
        candidate_bps=10_000,
        salt="s",
        lease_until=int(time.time()) + 600,
        rollout_id="by-hand",
    )
    flags.deploy(flags.current(), everybody, "a test", urgent=True)
    until(lambda: arms(stack) == {"candidate"}, "the candidate answers")
    yield stack
    stack.database.start()
    rollouts.roll_back(found(stack), "test", "its end")


def arms(stack: LocalStack) -> set[str]:
    """Who answers some users, each of whom must get an answer."""
    replies = [stack.read(f"user-{number}") for number in range(1, 6)]
    assert {reply.status for reply in replies} == {200}
    return {reply.arm for reply in replies}


def test_the_control_answers_while_the_database_is_gone(exposed: LocalStack) -> None:
    exposed.database.stop()
    assert arms(exposed) == {"control"}
    exposed.database.start()
    until(lambda: arms(exposed) == {"candidate"}, "the candidate answers again")


def test_the_alarm_ends_an_exposure_that_no_execution_watches(exposed: LocalStack) -> None:
    exposed.database.stop()

    def closed() -> bool:
        assert arms(exposed) == {"control"}
        return not rollouts.served(found(exposed)).enabled

    until(closed, "the guard has closed the flag")


def test_no_rollout_begins_without_a_database(stack: LocalStack) -> None:
    stack.database.stop()
    launched = rollouts.launch(found(stack), PLAN)
    machine = stack.emulator.client("stepfunctions")

    def ended() -> Any:
        item = machine.describe_execution(executionArn=launched["execution_arn"])
        return item if item["status"] != "RUNNING" else None

    outcome = json.loads(until(ended, "it ends")["output"])["outcome"]
    assert outcome["word"] == "REFUSED"
    assert any("the candidate does not answer" in reason for reason in outcome["reasons"])
    assert not rollouts.served(found(stack)).enabled
    assert arms(stack) == {"control"}
