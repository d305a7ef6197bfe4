"""What a failure leaves in logs and traces: codes, and never what was asked for or read."""

import errno
import json
from types import SimpleNamespace
from typing import Any

import pg8000.native
import pytest
from botocore.exceptions import ClientError

from rollout.adapters import tracing
from rollout.adapters.database_login import parse_secret, parse_url
from rollout.adapters.local_http import ExtensionError
from rollout.adapters.observed import observed, told
from rollout.domain.errors import InvalidInputError
from rollout.handlers import compare
from rollout.settings import SettingMissingError

ADA = "ada@example.com"
SAID = {"S": "ERROR", "C": "22P02", "M": f'invalid input syntax: "{ADA}"', "R": "set_var_from_str"}


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (pg8000.native.DatabaseError(SAID), "SQLSTATE 22P02 in set_var_from_str"),
        (pg8000.native.InterfaceError("network error"), "network error"),
        (
            ClientError({"Error": {"Code": "Throttled", "Message": ADA}}, "Invoke"),
            "Throttled of Invoke",
        ),
        (SettingMissingError("FLAG_NAME"), str(SettingMissingError("FLAG_NAME"))),
        (ExtensionError("status 403"), "status 403"),
        (
            InvalidInputError(field="userId", value=ADA, expected="a string"),
            "userId: expected a string",
        ),
        (ConnectionRefusedError(errno.ECONNREFUSED, ADA), "Connection refused"),
        (KeyError(ADA), ""),
        (ValueError(ADA), ""),
        (OSError(ADA), ""),
    ],
)
def test_a_failure_is_told_in_codes_and_in_words_of_our_own(error: Exception, text: str) -> None:
    assert told(error) == text


def test_a_strange_exception_hides_nothing_and_says_nothing() -> None:
    strange = ValueError(ADA)
    strange.response = {"Error": None}  # type: ignore[attr-defined]
    assert told(strange) == ""


def test_a_control_that_fails_is_observed_without_its_text() -> None:
    def broken(user_id: str) -> None:
        raise KeyError(user_id)

    seen = observed(broken, ADA)
    assert (seen.error, seen.message) == ("KeyError", "")


class Recorder:
    """The SDK's recorder as far as it is used: a subsegment is told what passes through it."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def in_subsegment(self, name: str) -> "Recorder":
        return self

    def __enter__(self) -> Any:
        return SimpleNamespace(
            add_fault_flag=lambda: self.told.append("fault"),
            put_annotation=lambda *pair: self.told.append(pair),
        )

    def __exit__(self, *raised: Any) -> None:
        self.told.append(raised[0])


def test_a_trace_is_told_the_class_of_a_failure_and_nothing_it_says() -> None:
    recorder = Recorder()

    def failing() -> None:
        raise ValueError(ADA)

    with pytest.raises(ValueError, match=ADA):
        tracing.part(recorder, "query", failing)()
    assert recorder.told == ["fault", ("error", "ValueError"), None]


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://app:hunter2/x@host:port/db",
        "postgresql://app:hunter2@host:hunter2/db",
        "postgresql://app:hunter2\u2100@host/db",
        "postgresql://[hunter2/db",
        "hunter2://app@host/db",
        "hunter2:x",
    ],
)
def test_no_part_of_a_bad_database_url_is_repeated(url: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_url(url)
    assert "hunter2" not in f"{caught.value} {caught.value.value}"


@pytest.mark.parametrize("port", ["hunter2", 0, 70_000, True, None, [1], "9" * 9, 5432.5])
def test_a_secret_with_an_impossible_port_is_refused_without_repeating_it(port: Any) -> None:
    secret = {"host": "h", "database": "d", "username": "u", "password": "p", "port": port}
    with pytest.raises(InvalidInputError) as caught:
        parse_secret(json.dumps(secret))
    assert caught.value.field == "database secret.port"
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("name", ["host", "database", "username", "password"])
def test_a_secret_whose_fields_are_no_text_is_refused(name: str) -> None:
    secret: dict[str, Any] = {"host": "h", "database": "d", "username": "u", "password": "p"}
    with pytest.raises(InvalidInputError, match=f"secret.{name}"):
        parse_secret(json.dumps({**secret, name: ["hunter2"]}))


@pytest.mark.parametrize(
    "event",
    [
        None,
        [],
        {},
        {"userId": ADA, "userHash": ADA},
        {"userId": ADA, "userHash": "0123456789abcdef"},
    ],
)
def test_a_comparison_that_cannot_be_made_leaves_a_line_and_no_user(
    event: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(compare, "_ports", lambda: None)
    assert compare.handler(event, None)["outcome"] == "SHADOW-DROPPED"
    line = json.loads(capsys.readouterr().out)
    assert line["event"] == "shadow.dropped"
    assert line["user_hash"] in ("", "0123456789abcdef")
    assert ADA not in json.dumps(line)
