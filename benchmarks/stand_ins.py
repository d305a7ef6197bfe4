"""What stands around a read in a benchmark: a flag in memory, and a Lambda API on this machine."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config

from rollout.adapters import users_control
from rollout.adapters.flag_reader import FlagReader
from rollout.adapters.queueing import Queueing
from rollout.adapters.shadow import Shadow
from rollout.domain.observation import Observation

CANDIDATE_MS = 5
FLAG_NAME = "prismaAdapter"
# One connection at a time, and next to no work of its own.
SERVER = """
import re, socket, sys

with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as listening:
    while True:
        connection, _ = listening.accept()
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            waiting = b""
            while more := connection.recv(1 << 20):
                waiting += more
                head, blank, body = waiting.partition(b"\\r\\n\\r\\n")
                length = re.search(rb"(?i)content-length: (\\d+)", head)
                if blank and len(body) >= int(length[1]):
                    connection.sendall(b"HTTP/1.1 202 Accepted\\r\\nContent-Length: 0\\r\\n\\r\\n")
                    waiting = b""
"""


class Nobody:
    """A candidate that is never asked and a tee that takes everything."""

    def read(self, user_id: str) -> Observation:
        raise AssertionError(user_id)

    def send(self, shadow: Shadow) -> str:
        return ""


class Answering:
    """A candidate that has the control's users."""

    def read(self, user_id: str) -> Observation:
        return Observation(users_control.user(user_id), "", 1.0)


def document(**attributes: Any) -> bytes:
    """A flag as AppConfig serves it, enabled and leased."""
    flag = {
        "enabled": True,
        "candidate_bps": 0,
        "shadow_bps": 0,
        "salt": "salt-1",
        "lease_until": 4_000_000_000,
        "rollout_id": "beta-1",
        "phase": "canary",
        "control_slow_ms": 20,
        "candidate_slow_ms": 500,
        **attributes,
    }
    return json.dumps({FLAG_NAME: flag}).encode()


def flag_source(**attributes: Any) -> FlagReader:
    """The read path's own reader, which has polled and is not due again."""
    reader = FlagReader(lambda: "", lambda _: ("", document(**attributes)), FLAG_NAME, 86_400)
    reader.flag()
    return reader


@contextmanager
def function_server() -> Iterator[str]:
    """The URL of a process of its own that takes asynchronous invocations and drops them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen([sys.executable, "-c", SERVER, str(port)])
    try:
        _wait(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def _wait(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nobody listens on port {port}")


def queueing(url: str) -> Queueing:
    """The read path's asynchronous Invoke, for that URL."""
    os.environ.update(AWS_ACCESS_KEY_ID="a", AWS_SECRET_ACCESS_KEY="b")
    return Queueing.like(lambda_client(url))


def lambda_client(url: str) -> Any:
    """A client as the read path makes it, for that URL."""
    untyped: Any = boto3
    return untyped.client(
        "lambda",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
        config=Config(retries={"mode": "standard", "total_max_attempts": 1}, tcp_keepalive=True),
    )
