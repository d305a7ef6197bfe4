"""How the candidate's database is reached: pg8000's arguments, from a URL, a secret or IAM."""

import json
import ssl
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, quote, unquote, urlsplit

from rollout.adapters import local_http
from rollout.domain.errors import InvalidInputError
from rollout.settings import Settings

SECRET_TIMEOUT_S: Final = 3
DEFAULT_PORT: Final = 5432


@dataclass(frozen=True)
class Login:
    """Where the arguments come from: DATABASE_URL, or else the secret in DATABASE_SECRET_ARN.

    DATABASE_HOST, an RDS Proxy, takes the place of the secret's host and port.
    With DATABASE_IAM_AUTH=true the password is a token signed with the function's own role.
    """

    known: Settings

    def arguments(self, fresh: bool) -> dict[str, Any]:
        """pg8000's arguments; `fresh` asks past every cache, because the password was rotated.

        Raises InvalidInputError for what makes no sense, and what the source of a secret raises.
        """
        iam = self.known.optional("DATABASE_IAM_AUTH") == "true"
        url = self.known.optional("DATABASE_URL")
        found = parse_url(url) if url else parse_secret(self._secret(fresh), password=not iam)
        proxy = self.known.optional("DATABASE_HOST")
        if proxy and not url:  # the secret names the database that is behind it
            found.update(host=proxy, port=DEFAULT_PORT)  # RDS Proxy listens on no other
        return {**found, "password": _token(found)} if iam else found

    def _secret(self, fresh: bool) -> str:
        arn = self.known.text("DATABASE_SECRET_ARN")
        port = self.known.port("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT")
        # The extension may serve a rotated password for as long as it caches (300 s by default).
        if port and not fresh:
            return _secret_by_extension(port, arn, self.known.optional("AWS_SESSION_TOKEN"))
        from aws_lambda_powertools.utilities import parameters  # costs botocore; only when needed

        return str(parameters.get_secret(arn, force_fetch=fresh))


def _secret_by_extension(port: int, arn: str, token: str) -> str:
    """Source: Secrets Manager user guide, "AWS Parameters and Secrets Lambda Extension"."""
    path = f"/secretsmanager/get?secretId={quote(arn, safe='')}"
    headers = {"X-Aws-Parameters-Secrets-Token": token}
    answer = json.loads(local_http.get(port, path, headers, SECRET_TIMEOUT_S))
    return str(answer["SecretString"])


def _token(arguments: dict[str, Any]) -> str:
    """A password of 15 minutes, which suffices: it is asked for at each connect, and only then.

    Signed here, without a call. RDS accepts it over TLS only, which `_tcp` makes sure of.
    """
    if "host" not in arguments:
        raise InvalidInputError(
            field="DATABASE_IAM_AUTH", value="true", expected="a database on a host"
        )
    import boto3  # costs botocore; only when needed

    signer: Any = boto3.client("rds")
    token = signer.generate_db_auth_token(
        DBHostname=arguments["host"], Port=arguments["port"], DBUsername=arguments["user"]
    )
    return str(token)


def parse_url(url: str) -> dict[str, Any]:
    """pg8000's arguments from postgresql://user:password@host:port/database[?host=/socket/dir].

    Raises InvalidInputError without showing the password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # its text quotes what stands around the password
        raise _url_error() from None
    if parts.scheme not in ("postgres", "postgresql") or not parts.username or not parts.path[1:]:
        raise _url_error()
    arguments: dict[str, Any] = {
        "user": unquote(parts.username),
        "password": unquote(parts.password or ""),
        "database": unquote(parts.path[1:]),
    }
    socket = parse_qs(parts.query).get("host", [""])[-1]
    if socket.startswith("/"):
        path = f"{socket}/.s.PGSQL.{port or DEFAULT_PORT}"
        return {**arguments, "unix_sock": path, "ssl_context": False}
    return {**arguments, **_tcp(parts.hostname, port)}


def parse_secret(text: str, *, password: bool = True) -> dict[str, Any]:
    """pg8000's arguments from a secret: a DATABASE_URL, bare or in JSON, or the five fields.

    password: whether the secret must have one; with IAM it need not.
    Raises InvalidInputError naming the missing field, never its value.
    """
    if text.startswith(("postgres://", "postgresql://")):
        return parse_url(text)
    try:
        secret = json.loads(text)
    except (ValueError, RecursionError):
        secret = None
    if not isinstance(secret, dict):
        raise _secret_error("database secret", "a JSON object or a DATABASE_URL")
    if "DATABASE_URL" in secret:
        return parse_url(str(secret["DATABASE_URL"]))
    for name in ("host", "database", "username", *(["password"] if password else [])):
        if not secret.get(name) or not isinstance(secret[name], str):
            raise _secret_error(f"database secret.{name}", "a value, as text")
    given = secret.get("password", "")
    return {
        "user": secret["username"],
        "password": given if isinstance(given, str) else "",
        "database": secret["database"],
        **_tcp(secret["host"], _port(secret.get("port", DEFAULT_PORT))),
    }


def _port(value: Any) -> int:
    """A port that is written as a number or, as RDS does at times, as text."""
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) < 65_536):
        raise _secret_error("database secret.port", "a port, 1 to 65535")
    return int(text)


def _tcp(host: str | None, port: int | None) -> dict[str, Any]:
    # pg8000's own default verifies nothing and falls back to plain text.
    context = ssl.create_default_context()
    return {"host": host or "localhost", "port": port or DEFAULT_PORT, "ssl_context": context}


def _url_error() -> InvalidInputError:
    return InvalidInputError(
        field="DATABASE_URL",
        value="not shown, it may hold a password",
        expected="postgresql://user:password@host:port/database, with %XX for what is special",
    )


def _secret_error(name: str, expected: str) -> InvalidInputError:
    return InvalidInputError(
        field=name,
        value="missing or not usable",
        expected=expected,
        remedy="Put {host, port, database, username, password} into the secret.",
    )
