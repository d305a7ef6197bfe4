"""Work after the answer: done by a thread that Lambda waits for, while the user has the answer.

A plain thread is frozen once the handler has answered. One that is registered as an internal
extension is not: the sandbox is frozen when the runtime and every extension have asked for the
next event, so this one asks when its jobs are done. Their time is billed.
Source: Lambda developer guide, "Extensions API"; AWS Compute Blog, "Running code after returning a
response from an AWS Lambda function".
"""

import http.client
import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from queue import SimpleQueue
from typing import Final

from rollout.settings import Settings

Job = Callable[[], None]
NAME: Final = "rollout-afterwards"
API: Final = "/2020-01-01/extension"
REGISTER_TIMEOUT_S: Final = 1
# The runtime sends the answer meanwhile; a job that begins at once would take its processor.
PAUSE_S: Final = 0.005


@dataclass
class Afterwards:
    """Jobs of the invocation at hand. `later` is for one thread, the handler's."""

    jobs: list[Job] = field(default_factory=list)
    _answered: SimpleQueue[list[Job]] = field(default_factory=SimpleQueue)

    def later(self, job: Job) -> None:
        """Do this once the invocation is answered. What a job raises is lost."""
        self.jobs.append(job)

    def answered(self) -> None:
        """Every invocation must end with this, whatever became of it: Lambda waits for it."""
        jobs, self.jobs = self.jobs, []
        self._answered.put(jobs)

    def run(self, next_event: Job) -> None:
        """The extension's thread: an event, the jobs of that invocation, and again."""
        while True:
            next_event()
            jobs = self._answered.get()
            if jobs:
                time.sleep(PAUSE_S)
            for job in jobs:
                # This thread must not end: Lambda would wait for it at every invocation.
                with suppress(Exception):
                    job()


def connect(known: Settings) -> Afterwards | None:
    """Register with Lambda, which must happen while the function is initialised, at its import.

    None when the function does not ask for it (TEE_AFTER_ANSWER=true), does not run in Lambda, or
    is refused: then everything is done before the answer.
    """
    host = known.optional("AWS_LAMBDA_RUNTIME_API")
    if known.optional("TEE_AFTER_ANSWER") != "true" or not host:
        return None
    try:
        identifier = _register(host)
    except Exception:  # whatever it is, a function must not fail to start because of it
        return None
    found, wait = Afterwards(), partial(_next_event, host, identifier)
    threading.Thread(target=found.run, args=(wait,), name=NAME, daemon=True).start()
    return found


def _next_event(host: str, identifier: dict[str, str]) -> None:
    """Wait for the next invocation, however long: without a timeout, and again when cut off."""
    while True:
        connection = http.client.HTTPConnection(host)
        try:
            connection.request("GET", f"{API}/event/next", headers=identifier)
            answer = connection.getresponse()
            answer.read()
            if answer.status == http.client.OK:
                return
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        time.sleep(PAUSE_S)


def _register(host: str) -> dict[str, str]:
    """The header that identifies the extension from now on."""
    connection = http.client.HTTPConnection(host, timeout=REGISTER_TIMEOUT_S)
    try:
        body, headers = json.dumps({"events": ["INVOKE"]}), {"Lambda-Extension-Name": NAME}
        connection.request("POST", f"{API}/register", body, headers)
        answer = connection.getresponse()
        answer.read()
    finally:
        connection.close()
    identifier = answer.getheader("Lambda-Extension-Identifier")
    if answer.status != http.client.OK or not identifier:
        raise http.client.HTTPException(f"register: status {answer.status}")
    return {"Lambda-Extension-Identifier": identifier}
