"""Work after the answer, beside a Runtime API that gives events and waits as Lambda's does."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue
from types import SimpleNamespace

import pytest

from rollout.adapters import afterwards, users_control
from rollout.adapters.afterwards import Afterwards
from rollout.domain.observation import Observation
from rollout.handlers import read
from rollout.settings import Settings
from tests import fakes
from tests.fakes import NOW, FakeFlagSource, exposed


class RuntimeApi:
    """Registers the extension; `invoke` gives it one event; `asked` counts how often it waited."""

    def __init__(self, status: int = 200) -> None:
        self.registered: list[tuple[str, object]] = []
        self.asked = 0
        self.events: SimpleQueue[None] = SimpleQueue()
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                api.registered.append((self.headers["Lambda-Extension-Name"], json.loads(body)))
                self.send_response(status)
                self.send_header("Lambda-Extension-Identifier", "id-1")
                self.end_headers()

            def do_GET(self) -> None:
                assert self.headers["Lambda-Extension-Identifier"] == "id-1"
                api.asked += 1
                api.events.get()
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Tests read standard error."""

        self.server = ThreadingHTTPServer(("localhost", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        self.host = f"localhost:{self.server.server_address[1]}"

    def settings(self, **more: str) -> Settings:
        known = {"AWS_LAMBDA_RUNTIME_API": self.host, "TEE_AFTER_ANSWER": "true", **more}
        return Settings(known)

    def invoke(self) -> None:
        self.events.put(None)

    def idle(self, times: int) -> bool:
        """Whether the extension has asked so many times, so that the sandbox would be frozen."""
        for _ in range(400):
            if self.asked >= times:
                return True
            time.sleep(0.01)
        return False


@pytest.fixture
def api() -> Iterator[RuntimeApi]:
    made = RuntimeApi()
    yield made
    made.server.shutdown()


def connected(api: RuntimeApi) -> Afterwards:
    found = afterwards.connect(api.settings())
    assert found is not None
    return found


def test_a_job_is_done_after_the_answer_and_before_the_sandbox_is_frozen(api: RuntimeApi) -> None:
    after, done = connected(api), []
    assert api.registered == [("rollout-afterwards", {"events": ["INVOKE"]})]
    assert api.idle(1)
    api.invoke()
    after.later(lambda: done.append(api.asked))
    time.sleep(0.05)
    assert done == []  # not before the answer
    after.answered()
    assert api.idle(2)
    assert done == [1]  # before the extension asked again


def test_an_invocation_without_a_job_and_one_that_fails_hold_nothing_up(api: RuntimeApi) -> None:
    after, done = connected(api), []

    def broken() -> None:
        raise RuntimeError

    for jobs in ([], [broken, lambda: done.append(1)], [lambda: done.append(2)]):
        api.invoke()
        for job in jobs:
            after.later(job)
        after.answered()
    assert api.idle(4)
    assert done == [1, 2]


@pytest.mark.parametrize("more", [{"TEE_AFTER_ANSWER": ""}, {"AWS_LAMBDA_RUNTIME_API": ""}])
def test_where_nobody_asks_for_it_nobody_is_registered(
    api: RuntimeApi, more: dict[str, str]
) -> None:
    assert afterwards.connect(api.settings(**more)) is None
    assert api.registered == []


def test_where_lambda_refuses_everything_is_done_before_the_answer() -> None:
    refusing = RuntimeApi(status=403)
    assert afterwards.connect(refusing.settings()) is None
    refusing.server.shutdown()
    refusing.server.server_close()
    assert afterwards.connect(refusing.settings()) is None


def test_a_read_is_answered_before_its_shadow_is_sent(
    api: RuntimeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    after, sent, answered = connected(api), [], threading.Event()

    class Tee:
        def send(self, shadow: object) -> str:
            answered.wait()
            sent.append(shadow)
            return ""

    ports = read.Ports(
        FakeFlagSource(exposed(0)),
        users_control.user,
        SimpleNamespace(read=lambda _: Observation()),
        Tee(),
        fakes.request_log(),
        lambda: NOW,
        after.later,
    )
    monkeypatch.setattr(read, "AFTERWARDS", after)
    monkeypatch.setattr(
        read, "_reader", lambda: lambda event, request_id: read.read(event, request_id, ports)
    )
    api.invoke()
    answer = read.handler({"userId": "user-1"}, SimpleNamespace(aws_request_id="request-1"))
    assert (answer["statusCode"], sent) == (200, [])
    answered.set()
    assert api.idle(2)
    assert len(sent) == 1
