"""The tee's own Invoke: what reaches Lambda is what botocore's client would send."""

import json
import threading
from collections.abc import Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from unittest.mock import patch
from urllib.parse import quote

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from rollout.adapters.queueing import Queueing
from rollout.adapters.shadow import LambdaTee, Shadow
from rollout.adapters.signing import Address
from rollout.domain.observation import Observation
from rollout.settings import settings

ALIAS = "arn:aws:lambda:eu-west-1:123456789012:function:compare:live"
SHADOW = Shadow("u", "hash", Observation({"name": "Zoë"}))


class Lambda:
    """Answers every POST with `status` and `headers`. asked: (path, headers, body)."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        self.connections, self.status, self.headers = 0, 202, dict[str, str]()
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                api.connections += 1

            def do_POST(self) -> None:  # named by the standard library
                body = self.rfile.read(int(self.headers["Content-Length"]))
                named = {name.lower(): value for name, value in self.headers.items()}
                api.asked.append((self.path, named, body))
                self.send_response(api.status)
                for name, value in {**api.headers, "Content-Length": "0"}.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Tests read standard error."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lambda]:
    """A Lambda API to which the environment points, as it points to AWS in a function."""
    found = Lambda()
    known = {
        "AWS_ENDPOINT_URL": found.url,
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "AKIA",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_SESSION_TOKEN": "token",
        "COMPARE_FUNCTION": ALIAS,
    }
    for name, value in known.items():
        monkeypatch.setenv(name, value)
    threading.Thread(target=found.server.serve_forever, args=(0.01,), daemon=True).start()
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture
def client(api: Lambda, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    config = Config(read_timeout=5, retries={"mode": "standard", "total_max_attempts": 1})
    return boto3.client("lambda", config=config)


def test_it_asks_what_the_client_would_ask(api: Lambda, client: Any) -> None:
    for one in (client, Queueing.like(client)):
        one.invoke(FunctionName=ALIAS, InvocationType="Event", Payload='{"name": "Zoë"}')
    (path, wanted, body), (own_path, found, own_body) = api.asked
    assert (own_path, own_body) == (path, body)
    same = ("x-amz-invocation-type", "x-amz-security-token", "host", "content-length")
    assert [found[name] for name in same] == [wanted[name] for name in same]
    for headers in (wanted, found):
        assert "/eu-west-1/lambda/aws4_request" in headers["authorization"]
        assert "x-amz-invocation-type;x-amz-security-token" in headers["authorization"]


def test_the_function_finds_everything_in_its_environment(
    api: Lambda, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.cache_clear()
    monkeypatch.setattr("rollout.adapters.shadow.quick_client", lambda *_: client)
    assert LambdaTee.connect().send(SHADOW) == ""
    settings.cache_clear()
    ((path, headers, body),) = api.asked
    assert path == f"/2015-03-31/functions/{ALIAS.replace(':', '%3A')}/invocations"
    assert headers["x-amz-invocation-type"] == "Event"
    assert Shadow.from_json(json.loads(body)) == SHADOW


NAMES = st.text("az09-:.$~ é/%", min_size=1, max_size=30)
TOKENS = st.sampled_from(["", "token/+=="])
ENDPOINTS = st.sampled_from(
    ["https://lambda.eu-west-1.amazonaws.com", "http://127.0.0.1:4566", "https://x:443/base//a"]
)


@given(name=NAMES, token=TOKENS, endpoint=ENDPOINTS, body=st.binary(max_size=99))
def test_the_signature_is_botocores(name: str, token: str, endpoint: str, body: bytes) -> None:
    current = ReadOnlyCredentials("AKIA", "secret", token)
    address = Address(f"{endpoint}/functions/{quote(name, safe='')}/invocations", "lambda", "r-1")
    found = address.signed(current, {"x-amz-invocation-type": "Event"}, body)
    moment = datetime.strptime(found["x-amz-date"], "%Y%m%dT%H%M%SZ")
    given = {"X-Amz-Invocation-Type": "Event", "User-Agent": "not signed"}
    request = AWSRequest("POST", address.url, given, body)
    with patch("botocore.auth.get_current_datetime", lambda: moment):
        SigV4Auth(current, "lambda", "r-1").add_auth(request)
    assert found["authorization"] == request.headers["Authorization"]


def test_many_shadows_share_one_connection(api: Lambda, client: Any) -> None:
    tee = LambdaTee(Queueing.like(client), "compare")
    assert {tee.send(SHADOW) for _ in range(5)} == {""}
    assert (len(api.asked), api.connections) == (5, 1)


def test_credentials_are_asked_for_at_each_call_since_they_may_have_been_renewed(
    api: Lambda, client: Any
) -> None:
    class Renewed:
        calls = 0

        def get_frozen_credentials(self) -> ReadOnlyCredentials:
            self.calls += 1
            return Credentials(f"AKIA{self.calls}", "secret", "t").get_frozen_credentials()

    like = Queueing.like(client)
    queueing = Queueing(like.endpoint, like.region, Renewed(), like.transport)
    for _ in range(2):
        queueing.invoke(FunctionName="f", InvocationType="Event", Payload="{}")
    used = [headers["authorization"].split("/")[0] for _, headers, _ in api.asked]
    assert used == ["AWS4-HMAC-SHA256 Credential=AKIA1", "AWS4-HMAC-SHA256 Credential=AKIA2"]


def test_without_credentials_nothing_is_sent_and_the_failure_is_named(
    api: Lambda, client: Any
) -> None:
    like = Queueing.like(client)
    tee = LambdaTee(Queueing(like.endpoint, like.region, None, like.transport), "f")
    assert tee.send(SHADOW) == "NoCredentialsError"
    assert api.asked == []


def test_lambda_can_tell_which_request_it_belongs_to(
    api: Lambda, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "read")
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-2;Parent=3;Sampled=1")
    assert LambdaTee(Queueing.like(client), "f").send(SHADOW) == ""
    assert api.asked[0][1]["x-amzn-trace-id"] == "Root=1-2;Parent=3;Sampled=1"


@pytest.mark.parametrize("status", [400, 403, 413, 429])
def test_a_refusal_is_the_error_the_client_would_raise(
    api: Lambda, client: Any, status: int
) -> None:
    api.status, api.headers = status, {"x-amzn-ErrorType": "RefusedException:http://x"}
    found = []
    for one in (client, Queueing.like(client)):
        with pytest.raises(ClientError) as raised:
            one.invoke(FunctionName="f", InvocationType="Event", Payload="{}")
        answer = raised.value.response
        found.append((answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]))
    assert found == [("RefusedException", status)] * 2
    assert LambdaTee(Queueing.like(client), "f").send(SHADOW) == "ClientError"
    assert len(api.asked) == 3  # none was repeated


def test_a_shadow_for_which_nobody_listens_is_named(api: Lambda, client: Any) -> None:
    tee = LambdaTee(Queueing.like(client), "f")
    api.server.shutdown()
    api.server.server_close()
    assert tee.send(SHADOW) == "EndpointConnectionError"
