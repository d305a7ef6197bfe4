"""Secrets and approvals: read, or refused without repeating what is in them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops import approving
from rollout.adapters.database_login import parse_secret, parse_url
from rollout.domain.errors import InvalidInputError
from rollout.domain.question import Answer, Question, RefusedAnswerError
from tests.functional.fuzz.inputs import documents, refused, texts, written

SECRET = "hunter2-7f3a"
FIELDS = {
    "host": "db.example.com",
    "port": 5432,
    "database": "app",
    "username": "app",
    "password": SECRET,
}
URL = f"postgresql://app:{SECRET}@db.example.com:5432/app?host=/tmp"
QUESTION = {
    "token": SECRET,
    "phase": "canary",
    "sentence": "INVESTIGATE: errors",
    "evidence": "0123456789abcdef",
    "deadline": 1_800_000_000,
    "people": 2,
    "approvals": [{"by": "ada", "why": "a typo", "evidence": "0123456789abcdef"}],
}


@st.composite
def spoilt(draw: st.DrawFn, text: str) -> str:
    """The text with a piece put in or cut out; the secret stays whole or goes."""
    at = draw(st.integers(0, len(text)))
    if draw(st.booleans()):
        return text[:at] + draw(texts)[:300] + text[at:]
    return text[:at] + text[at + draw(st.integers(1, 10)) :]


def as_login(found: dict[str, Any] | None) -> None:
    """What pg8000 takes."""
    if found:
        assert all(isinstance(found[name], str) for name in ("user", "password", "database"))
        assert "unix_sock" in found or 0 < found["port"] < 65_536


@given(content=written(FIELDS))
def test_a_secret_is_read_or_refused_without_repeating_it(content: bytes) -> None:
    text = content.decode("utf-8", "surrogateescape")
    as_login(refused("database secret", lambda: parse_secret(text), SECRET))


@given(document=documents({"DATABASE_URL": URL}) | documents(FIELDS))
def test_a_secret_of_other_fields_is_refused_without_repeating_it(document: Any) -> None:
    try:
        text = json.dumps(document)
    except (RecursionError, ValueError):
        return
    as_login(refused("database secret", lambda: parse_secret(text), SECRET))


@given(url=spoilt(URL))
def test_a_url_is_read_or_refused_without_repeating_it(url: str) -> None:
    as_login(refused("database URL", lambda: parse_url(url), SECRET))


@given(content=written(QUESTION))
def test_a_pending_question_is_read_or_refused_without_its_token(content: bytes) -> None:
    text = content.decode("utf-8", "surrogateescape")
    found = refused("pending question", lambda: Question.from_text(text), SECRET)
    if found is not None:
        assert SECRET not in json.dumps(found.to_json())
        usable(found)


@given(document=documents(QUESTION), by=texts, why=texts)
def test_a_question_that_is_read_can_be_answered(document: Any, by: str, why: str) -> None:
    try:
        text = json.dumps(document)
    except (RecursionError, ValueError):
        return
    found = refused("pending question", lambda: Question.from_text(text), SECRET)
    if found is not None:
        usable(found, by, why)


def usable(found: Question, by: str = "bob", why: str = "fine") -> None:
    try:
        after = found.approved(Answer(by, why, ""), 0)
    except RefusedAnswerError:
        return
    assert after.decided in (True, False)
    json.dumps([after.yes(), after.no(by, why), after.to_json()])


@given(evidence=texts)
def test_a_hash_is_one_or_refused_clearly(evidence: str) -> None:
    refused("approval", lambda: approving._check_hash(evidence))


@pytest.mark.parametrize("change", [{"deadline": "x"}, {"people": None}, {"deadline": 1e20}])
def test_a_record_of_other_kinds_is_refused_when_it_is_read(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError, match="the pending question"):
        Question.from_text(json.dumps({**QUESTION, **change}))
