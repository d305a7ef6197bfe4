"""Any column type PostgreSQL has, through the candidate's own read: answered, comparable, JSON."""

import json
import sys
from collections.abc import Iterator
from typing import Any

import pg8000.native
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ops.local.database import Database
from rollout.adapters import users_candidate
from rollout.adapters.users_candidate import UsersCandidate
from rollout.domain.compare import comparison
from rollout.handlers.candidate import candidate
from rollout.settings import Settings
from tests.fuzz_counts import tried

pytestmark = pytest.mark.local
IN_LAMBDA = 1000


@pytest.fixture(autouse=True)
def as_deep_as_in_lambda() -> Iterator[None]:
    """Hypothesis lets recursion go deeper, for every test that comes after it in this process."""
    found = sys.getrecursionlimit()
    sys.setrecursionlimit(IN_LAMBDA)
    yield
    sys.setrecursionlimit(found)


INSTALL = """
CREATE SCHEMA hidden;
ALTER TABLE users SET SCHEMA hidden;
GRANT USAGE ON SCHEMA hidden TO candidate_reader;
CREATE TYPE mood AS ENUM ('calm', 'it''s "odd"');
"""
# The columns of the read, all but one of them of types they never had.
VIEW = """
DROP VIEW IF EXISTS users;
CREATE VIEW users AS SELECT 'u'::text AS id, {value} AS name, NULL::int AS email, true AS plan,
    'NaN'::numeric AS balance, 'infinity'::timestamptz AS created_at, '{{}}'::text[] AS tags;
GRANT SELECT ON users TO candidate_reader;
"""
KNOWN = {
    "'NaN'::numeric": "NaN",
    "'-Infinity'::float8": "-inf",
    "'infinity'::timestamptz": "infinity",
    "'-infinity'::timestamp": "-infinity",
    "'0044-03-15 BC'::date": "0044-03-15 BC",
    "'0044-03-15 BC'::timestamp": "0044-03-15 00:00:00 BC",
    "'0044-03-15 12:00 BC'::timestamptz": "0044-03-15 12:00:00+00 BC",
    "ARRAY['0044-03-15 BC'::timestamp]": '{"0044-03-15 00:00:00 BC"}',
    "'0001-01-01'::timestamptz": "0001-01-01T00:00:00Z",
    "'294276-01-01'::timestamptz": "294276-01-01 00:00:00+00",
    "'2020-06-01 00:00+05:30'::timestamptz": "2020-05-31T18:30:00Z",
    "'2020-01-01 00:00:00.25'::timestamp": "2020-01-01T00:00:00.250000Z",
    "'24:00:00'::time": "24:00:00",
    "'1000000 years'::interval": "1000000 years",
    "'\\xdeadbeef'::bytea": "\\xdeadbeef",
    "ARRAY['\\x00'::bytea]": ["\\x00"],
    "'calm'::mood": "calm",
    "NULL::jsonb": None,
    "ARRAY['NULL', NULL, '', 'b\"\\,{}']": ["NULL", None, "", 'b"\\,{}'],
    "ARRAY[ARRAY[1, 2], ARRAY[3, 4]]": [[1, 2], [3, 4]],
    "'[-1:0]={1,2}'::int[]": "[-1:0]={1,2}",
    "ARRAY[1.5, 'NaN'::numeric]": ["1.5", "NaN"],
    '\'{"a": [1, null, {"b": 1e999}]}\'::json': {"a": [1, None, {"b": "inf"}]},
    "(repeat('9', 5000))::jsonb": "9" * 5000,
    "(repeat('[', 3000) || repeat(']', 3000))::json": "[" * 3000 + "]" * 3000,
    "repeat('x', 2000000)": "x" * 2_000_000,
    "'[1,5)'::int4range": "[1,5)",
    "'10.0.0.0/8'::inet": "10.0.0.0/8",
    "12345678901234567890123456789.5": "12345678901234567890123456789.5",
    "'00000000-0000-0000-0000-000000000007'::uuid": "00000000-0000-0000-0000-000000000007",
}


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    with Database() as started:
        started.execute(INSTALL)
        yield started


@pytest.fixture(scope="module")
def users(database: Database) -> Iterator[UsersCandidate]:
    """As the function makes it."""
    with pytest.MonkeyPatch.context() as patch:
        known = Settings({"DATABASE_URL": database.url})
        patch.setattr(users_candidate, "settings", lambda: known)
        yield users_candidate.connect()


def read(database: Database, users: UsersCandidate, value: str) -> Any:
    """What the candidate answers when a user's name is this SQL; it is JSON, and comparable."""
    tried("PostgreSQL values")
    database.execute(VIEW.format(value=value))
    answer = candidate({"userId": "u"}, users)
    assert answer["error"] == "", value
    assert comparison(answer["user"], answer["user"]).differences == ()
    assert comparison({"name": "Ada"}, answer["user"]).differences
    return json.loads(json.dumps(answer["user"], allow_nan=False))["name"]


@pytest.mark.parametrize(("value", "shown"), KNOWN.items(), ids=lambda item: str(item)[:40])
def test_a_value_of_any_type_is_an_answer(
    database: Database, users: UsersCandidate, value: str, shown: Any
) -> None:
    assert read(database, users, value) == shown


def quoted(text: str) -> str:
    return pg8000.native.literal(text)


# PostgreSQL's text holds every character but NUL and the halves of a pair.
TEXTS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=30)
NUMBERS = st.decimals(allow_nan=True, allow_infinity=True).map(
    lambda number: "NaN" if number.is_nan() else str(number)
)
TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=10,
)
bounded = settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])


@bounded
@given(text=TEXTS)
def test_text_comes_back_as_it_was(database: Database, users: UsersCandidate, text: str) -> None:
    assert read(database, users, f"{quoted(text)}::text") == text


@bounded
@given(texts=st.lists(TEXTS | st.none(), max_size=5))
def test_an_array_comes_back_as_it_was(
    database: Database, users: UsersCandidate, texts: list[str | None]
) -> None:
    items = ",".join("NULL" if text is None else quoted(text) for text in texts)
    assert read(database, users, f"ARRAY[{items}]::text[]") == texts


@bounded
@given(tree=TREES)
def test_json_comes_back_as_it_was(database: Database, users: UsersCandidate, tree: Any) -> None:
    assert read(database, users, f"{quoted(json.dumps(tree, ensure_ascii=False))}::json") == tree


@bounded
@given(number=NUMBERS)
def test_a_number_of_any_size_is_answered(
    database: Database, users: UsersCandidate, number: str
) -> None:
    assert isinstance(read(database, users, f"'{number[:60]}'::numeric"), str)


def test_an_answer_that_cannot_be_read_leaves_no_rest_for_the_next(database: Database) -> None:
    """With a driver that gives up in the middle of an answer."""
    made: list[Any] = []

    def connect(_: bool) -> Any:
        from rollout.adapters.database_login import parse_url

        made.append(pg8000.native.Connection(**parse_url(database.url), timeout=3))
        return made[-1]

    users = UsersCandidate(connect)
    database.execute(VIEW.format(value="'24:00:00'::time"))
    assert candidate({"userId": "u"}, users)["error"] == "ValueError"
    database.execute(VIEW.format(value="'Ada'"))
    assert candidate({"userId": "u"}, users)["user"]["name"] == "Ada"
    assert len(made) == 2


@pytest.mark.parametrize("user_id", ["\x00", "u\x00", "\ud800", "u\udfff", "u" * 256, "\u202eu"])
def test_an_id_that_no_user_can_have_is_nobodys_and_no_error(
    users: UsersCandidate, user_id: str
) -> None:
    assert candidate({"userId": user_id}, users) == {"user": None, "error": ""}
