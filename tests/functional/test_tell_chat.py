"""Tell Chat: from the topic to a webhook that really listens, and what the secret must be."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from rollout.adapters import webhook
from rollout.adapters.webhook import NotToldError, SecretWebhook
from rollout.domain.errors import InvalidInputError
from rollout.handlers import tell_chat
from rollout.settings import SettingInvalidError
from tests import fakes


@dataclass
class Chat:
    """A chat that keeps what it was told and answers with `status`."""

    status: int = 200
    told: list[Any] = field(default_factory=list)
    address: str = ""

    def post(self, body: dict[str, Any]) -> None:
        """The port: over HTTP, as the real one."""
        webhook.post(self.address, body)


@pytest.fixture
def chat() -> Iterator[Chat]:
    found = Chat()

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            found.told.append((self.headers["Content-Type"], json.loads(self.rfile.read(length))))
            self.send_response(found.status)
            self.send_header("Location", found.address)
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        found.address = f"http://127.0.0.1:{server.server_port}/T000/secret"
        yield found
        server.shutdown()


@pytest.mark.parametrize("kind", ["slack", "teams"])
def test_a_message_of_the_topic_reaches_the_chat(chat: Chat, kind: str) -> None:
    event = fakes.event("tell_chat.notice")
    assert tell_chat.tell_chat(event, tell_chat.Ports(chat, kind)) == {"told": 1}
    ((content, body),) = chat.told
    assert content == "application/json; charset=utf-8"
    assert "canary holds at 1 %" in json.dumps(body)
    assert set(body) == ({"text"} if kind == "slack" else {"type", "attachments"})


@pytest.mark.parametrize("status", [302, 404, 429, 500])
def test_a_chat_that_does_not_take_it_raises_so_that_lambda_tries_again(
    chat: Chat, status: int
) -> None:
    chat.status = status
    event = fakes.event("tell_chat.notice")
    with pytest.raises(NotToldError, match=f"answered {status}") as caught:
        tell_chat.tell_chat(event, tell_chat.Ports(chat, "slack"))
    assert "secret" not in str(caught.value)


def test_a_chat_that_is_not_there_is_told_without_its_address() -> None:
    with pytest.raises(NotToldError) as caught:
        webhook.post("http://127.0.0.1:9/secret", {})
    assert "secret" not in f"{caught.value}{caught.value.__cause__}"


class Kept:
    """SSM with one parameter."""

    def __init__(self, value: str) -> None:
        self.value = value

    def get_parameter(self, **given: Any) -> dict[str, Any]:
        assert given == {"Name": "/chat", "WithDecryption": True}
        return {"Parameter": {"Value": self.value}}


@pytest.mark.parametrize("value", ["http://example.com/secret", "secret", "", "file:///secret"])
def test_an_address_that_is_none_of_https_is_refused_without_repeating_it(value: str) -> None:
    with pytest.raises(InvalidInputError, match="SSM parameter /chat") as caught:
        SecretWebhook(Kept(value), "/chat").post({})
    assert "example" not in str(caught.value)


def test_a_kind_of_chat_that_nobody_knows_is_refused(chat: Chat) -> None:
    ports = tell_chat.Ports(chat, "irc")
    with pytest.raises(SettingInvalidError, match="expected one of slack, teams"):
        tell_chat.tell_chat(fakes.event("tell_chat.notice"), ports)


@pytest.mark.parametrize("event", [None, {}, {"Records": None}, {"Records": [{}]}])
def test_an_event_of_another_kind_is_refused(chat: Chat, event: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"event\.Records"):
        tell_chat.tell_chat(event, tell_chat.Ports(chat, "slack"))
    assert chat.told == []
