"""How the database is reached: by URL, by secret, by extension, by IAM; never without TLS."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aws_lambda_powertools.utilities import parameters

from rollout.adapters.database_login import Login, parse_secret, parse_url
from rollout.adapters.local_http import ExtensionError
from rollout.domain.errors import InvalidInputError
from rollout.settings import Settings
from tests.functional.extension import Extension

ARN = "arn:aws:secretsmanager:us-east-1:000000000000:secret:huntaze/database"
SECRET = {"host": "db", "port": 5433, "database": "app", "username": "u", "password": "p"}


def login(**known: str) -> Login:
    return Login(Settings({"DATABASE_SECRET_ARN": ARN, **known}))


def behind(extension: Extension, **known: str) -> Login:
    """A login beside a Parameters and Secrets extension."""
    port = str(extension.port)
    return login(PARAMETERS_SECRETS_EXTENSION_HTTP_PORT=port, AWS_SESSION_TOKEN="t0", **known)


def answer(secret: dict[str, Any]) -> bytes:
    return json.dumps({"Name": "huntaze/database", "SecretString": json.dumps(secret)}).encode()


def test_a_url_gives_a_verified_connection() -> None:
    found = parse_url("postgresql://reader:p%40ss@db.example.com:6543/app")
    assert found["ssl_context"].check_hostname
    del found["ssl_context"]
    assert found == {
        "user": "reader",
        "password": "p@ss",
        "database": "app",
        "host": "db.example.com",
        "port": 6543,
    }


def test_only_a_unix_socket_goes_without_tls() -> None:
    found = parse_url("postgresql://reader:p@/app?host=/run/postgres")
    assert (found["unix_sock"], found["ssl_context"]) == ("/run/postgres/.s.PGSQL.5432", False)


@pytest.mark.parametrize(
    "url", ["mysql://a:b@c/d", "postgresql://db/app", "postgresql://a:secret@b"]
)
def test_a_bad_url_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_url(url)
    assert caught.value.field == "DATABASE_URL"
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["host", "database", "username", "password"])
def test_a_secret_that_lacks_a_field_is_refused_by_its_name(name: str) -> None:
    secret = {"host": "h", "database": "d", "username": "u", "password": "hidden"}
    del secret[name]
    with pytest.raises(InvalidInputError) as caught:
        parse_secret(json.dumps(secret))
    assert caught.value.field == f"database secret.{name}"
    assert "hidden" not in str(caught.value)


def test_a_secret_may_be_a_url() -> None:
    assert parse_secret('{"DATABASE_URL": "postgresql://u:p@h/d"}')["host"] == "h"


def test_a_secret_comes_by_the_extension_beside_the_function() -> None:
    with Extension(answer(SECRET)) as extension:
        found = behind(extension).arguments(False)
    ((path, headers),) = extension.asked
    assert parse_qs(urlsplit(path).query) == {"secretId": [ARN]}
    assert headers["X-Aws-Parameters-Secrets-Token"] == "t0"
    assert (found["host"], found["port"], found["password"]) == ("db", 5433, "p")


def test_a_rotated_password_is_asked_for_past_the_extensions_cache(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def get_secret(arn: str, *, force_fetch: bool) -> str:
        assert (arn, force_fetch) == (ARN, True)
        return json.dumps({**SECRET, "password": "new"})

    monkeypatch.setattr(parameters, "get_secret", get_secret)
    with Extension(answer(SECRET)) as extension:
        assert behind(extension).arguments(True)["password"] == "new"
    assert extension.asked == []


def test_an_extension_that_refuses_is_named_without_its_words() -> None:
    with Extension(b"hidden", status=400) as extension, pytest.raises(ExtensionError) as caught:
        behind(extension).arguments(False)
    assert str(caught.value) == "status 400"


def test_with_iam_the_password_is_a_signed_token(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "b", "DEFAULT_REGION": "eu-west-1"}
    for name, value in known.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    with Extension(answer({**SECRET, "password": ""})) as extension:
        found = behind(extension, DATABASE_IAM_AUTH="true").arguments(False)
    token = urlsplit(f"https://{found['password']}")
    asked = parse_qs(token.query)
    assert (token.hostname, token.port, token.path) == ("db", 5433, "/")
    assert (asked["Action"], asked["DBUser"]) == (["connect"], ["u"])
    assert found["ssl_context"].check_hostname


def test_a_proxy_takes_the_place_of_the_host_in_the_secret() -> None:
    with Extension(answer(SECRET)) as extension:
        found = behind(extension, DATABASE_HOST="proxy.example.com").arguments(False)
    assert (found["host"], found["port"]) == ("proxy.example.com", 5432)
    assert (found["user"], found["database"]) == ("u", "app")
    assert found["ssl_context"].check_hostname


def test_a_url_is_taken_at_its_word_also_where_there_is_a_proxy() -> None:
    known = login(DATABASE_URL="postgresql://u:p@db/app", DATABASE_HOST="proxy.example.com")
    assert known.arguments(False)["host"] == "db"


def test_iam_is_refused_where_the_token_would_not_be_encrypted() -> None:
    url = "postgresql://reader:p@/app?host=/run/postgres"
    with pytest.raises(InvalidInputError) as caught:
        login(DATABASE_URL=url, DATABASE_IAM_AUTH="true").arguments(False)
    assert caught.value.field == "DATABASE_IAM_AUTH"
