"""The API in front of the read function, asked as a caller on AWS asks it."""

import json
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from ops.local.deploy import deploy
from ops.local.emulator import REGION, Emulator
from tests.fakes import ROOT
from tests.local.test_emulator_contract import role_session

pytestmark = pytest.mark.local
SOMEBODY = Credentials("test", "test")  # of the account's owner, who may do anything


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator({}) as started:
        yield started


@pytest.fixture(scope="module")
def url(emulator: Emulator) -> str:
    return deploy(emulator, "api", {}, ROOT)["ReadUrl"]


def ask(
    emulator: Emulator, url: str, signer: Credentials | None = SOMEBODY
) -> tuple[int, Any, Mapping[str, str]]:
    """(status, body, headers) of a GET at the emulator's own address."""
    parts, port = urlsplit(url), urlsplit(emulator.endpoint_url).port
    api = parts.netloc.partition(".")[0]  # on AWS the rest names the region
    host = f"{api}.execute-api.localhost:{port}"
    request = AWSRequest("GET", f"http://{host}{parts.path}", headers={"Host": host})
    if signer:
        SigV4Auth(signer, "execute-api", REGION).add_auth(request)
    headers = dict(request.headers.items())
    there = urllib.request.Request(f"{emulator.endpoint_url}{parts.path}", headers=headers)
    try:
        with urllib.request.urlopen(there, timeout=30) as answer:
            return answer.status, json.loads(answer.read()), dict(answer.headers)
    except HTTPError as error:
        return error.code, json.loads(error.read()), dict(error.headers)


def test_a_caller_who_does_not_sign_is_turned_away(emulator: Emulator, url: str) -> None:
    status, body, _ = ask(emulator, url.replace("{userId}", "user-1"), None)
    assert status == 403
    assert "id" not in body


@pytest.mark.parametrize(
    ("role", "action", "path", "expected"),
    [
        ("reader", "execute-api:Invoke", "$default/GET/users/*", 200),
        ("writer", "execute-api:Invoke", "$default/POST/users/*", 403),
        ("invoker", "lambda:InvokeFunction", "*", 403),
    ],
)
def test_a_role_reads_only_if_it_was_given_invoke_on_the_path(
    emulator: Emulator, url: str, role: str, action: str, path: str, expected: int
) -> None:
    api = urlsplit(url).netloc.partition(".")[0]
    resource = f"arn:aws:execute-api:{REGION}:000000000000:{api}/{path}"
    allowed = {"Effect": "Allow", "Action": action, "Resource": resource}
    keys = role_session(emulator, role, allowed).get_credentials().get_frozen_credentials()
    signer = Credentials(keys.access_key, keys.secret_key, keys.token)
    status, body, _ = ask(emulator, url.replace("{userId}", "user-1"), signer)
    assert (status, body.get("id")) == (expected, "user-1" if expected == 200 else None)


def test_a_caller_who_signs_reads_the_user_that_the_path_names(
    emulator: Emulator, url: str
) -> None:
    status, body, headers = ask(emulator, url.replace("{userId}", "user-1"))
    assert (status, body["id"]) == (200, "user-1")
    assert {key.lower(): value for key, value in headers.items()}["x-rollout-arm"] == "control"


def test_no_user_is_no_failure(emulator: Emulator, url: str) -> None:
    assert ask(emulator, url.replace("{userId}", "nobody-at-all"))[0] == 404


def test_another_path_is_not_served(emulator: Emulator, url: str) -> None:
    assert ask(emulator, url.replace("{userId}", "user-1/more"))[0] == 404
