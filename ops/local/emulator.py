"""An emulator of AWS for the length of a `with` block: one process tree, one port, one folder."""

import http.client
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import boto3
from botocore.config import Config

from ops.local.calls import Call, calls_of, read

# The emulator takes any credentials.
MADE_UP = "test"
REGION = "us-east-1"
START_SECONDS = 60
LAUNCHER = Path(__file__).with_name("emulator_main.py")


class EmulatorError(Exception):
    """The emulator did not come up, or has ended; the message carries the tail of its log."""


class Emulator:
    """ministack on a free port of 127.0.0.1, with IAM enforcement.

    Nothing outlives the block: not on an exception, not when this process is killed.

    Args:
        settings: further environment variables for ministack, e.g. {"SFN_WAIT_SCALE": "0.1"}.
            Its Lambda workers inherit them.
    """

    def __init__(self, settings: Mapping[str, str] | None = None) -> None:
        self._settings = dict(settings or {})
        self._folder = Path()
        self._process: subprocess.Popen[bytes] | None = None
        self._clients: dict[str, Any] = {}
        self.port = 0

    def __enter__(self) -> Self:
        """Start; raises EmulatorError."""
        self._folder = Path(tempfile.mkdtemp(prefix="rollout-emulator-"))
        try:
            self._launch()
            self._wait_until_healthy()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def endpoint_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """What ministack wrote; gone with the emulator."""
        return self._folder / "emulator.log"

    def calls(self) -> list[Call]:
        """The calls that roles have made so far, each once; gone with the emulator."""
        return read(calls_of(self.log))

    def environment(self) -> dict[str, str]:
        """The variables with which any AWS SDK or the AWS CLI talks to this emulator."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": MADE_UP,
            "AWS_SECRET_ACCESS_KEY": MADE_UP,
            "AWS_DEFAULT_REGION": REGION,
        }

    def client(self, service: str) -> Any:
        """A boto3 client; one per service, safe to share between threads."""
        if service not in self._clients:
            session: Any = boto3.session.Session()
            self._clients[service] = session.client(
                service,
                endpoint_url=self.endpoint_url,
                region_name=REGION,
                aws_access_key_id=MADE_UP,
                aws_secret_access_key=MADE_UP,
                config=Config(
                    max_pool_connections=64,
                    inject_host_prefix=False,
                    proxies={},
                    retries={"total_max_attempts": 2},
                ),
            )
        return self._clients[service]

    def close(self) -> None:
        """End every process of the emulator and delete its folder; safe to repeat."""
        process, self._process = self._process, None
        if process is not None:
            if process.stdin is not None:
                process.stdin.close()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self._folder != Path():
            shutil.rmtree(self._folder, ignore_errors=True)

    def _launch(self) -> None:
        with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
            self.port = int(listener.getsockname()[1])
            number = listener.fileno()
            with self.log.open("wb") as log:
                # -P: a module of this folder must not hide one of the standard library.
                self._process = subprocess.Popen(
                    [sys.executable, "-P", str(LAUNCHER), str(number), str(self._folder)],
                    stdin=subprocess.PIPE,  # closed when this process ends, however it ends
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=self._child_environment(),
                    cwd=self._folder,
                    pass_fds=(number,),
                    start_new_session=True,
                )

    def _child_environment(self) -> dict[str, str]:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        return {
            **inherited,
            "GATEWAY_PORT": str(self.port),
            "BIND_HOST": "127.0.0.1",
            "AUTH": "true",
            "TMPDIR": str(self._folder),
            "STATE_DIR": str(self._folder / "state"),
            "S3_DATA_DIR": str(self._folder / "s3"),
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "LOG_LEVEL": "WARNING",
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
            # It would otherwise stop containers it takes for its own.
            "DOCKER_HOST": f"unix://{self._folder}/no-docker.sock",
            **self._settings,
        }

    def _wait_until_healthy(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process is None or self._process.poll() is not None:
                raise EmulatorError(f"the emulator ended while starting\n{self._log_tail()}")
            if time.monotonic() > deadline:
                raise EmulatorError(
                    f"the emulator did not answer in {START_SECONDS} s\n{self._log_tail()}"
                )
            time.sleep(0.05)

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", "/_ministack/health")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _log_tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-30:])
