"""Fixtures of the tests that run commands."""

import os
from collections.abc import Iterator

import pytest
from botocore import endpoint

from tests.functional import aws


@pytest.fixture
def patch(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """The command sets what boto3 reads; no test may inherit it, or another's clients."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    known = dict(os.environ)
    yield monkeypatch
    monkeypatch.undo()
    for name in set(os.environ) - set(known):
        del os.environ[name]
    aws.forget()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls to AWS are tried as often as ever, without the seconds in between."""
    monkeypatch.setattr(endpoint.time, "sleep", lambda _: None)
