"""Commands of this project as other processes, and waiting for what they do."""

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).parents[2]
ROLLOUT = str(Path(sys.executable).with_name("rollout"))
PATIENCE_SECONDS = 90


def until(true: Callable[[], Any], what: str) -> Any:
    """What `true` returns once it is truthy; asked ever less often, for asking may be a process."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    pause = 0.1
    while time.monotonic() < deadline:
        if found := true():
            return found
        time.sleep(pause)
        pause = min(1.5 * pause, 1)
    raise AssertionError(f"never: {what}")


def clean_environment() -> dict[str, str]:
    """As a person's shell: nothing of AWS that an earlier test has set."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}


class Running:
    """`rollout` with some words in its own session. What it says is read as it comes, so that it
    never waits for a reader."""

    def __init__(self, *words: str) -> None:
        self.process = subprocess.Popen(
            [ROLLOUT, *words],
            cwd=ROOT,
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.out: list[str] = []
        self.err: list[str] = []
        self._readers = [
            threading.Thread(target=_collect, args=pair, daemon=True)
            for pair in ((self.process.stdout, self.out), (self.process.stderr, self.err))
        ]
        for reader in self._readers:
            reader.start()

    def says(self, word: str) -> None:
        """Wait until a line on standard error has this word."""

        def said() -> bool:
            assert self.process.poll() is None, "".join(self.err)
            return any(word in line for line in self.err)

        until(said, f"{word!r} in {self.err}")

    def ends(self) -> tuple[int, str]:
        """(exit code, all of standard error), once it has ended."""
        code = self.process.wait(timeout=PATIENCE_SECONDS)
        for reader in self._readers:
            reader.join(timeout=PATIENCE_SECONDS)
        return code, "".join(self.err)


def _collect(stream: IO[str], lines: list[str]) -> None:
    lines.extend(iter(stream.readline, ""))


@contextmanager
def started(*words: str) -> Iterator[Running]:
    """`rollout` with these words, ended at the end if it still runs."""
    running = Running(*words)
    try:
        yield running
    finally:
        running.process.terminate()
        running.ends()


@contextmanager
def local_stack(*words: str) -> Iterator[dict[str, str]]:
    """`rollout local up`, and the environment it prints."""
    with started("local", "up", *words) as running:
        yield exported(running)


def exported(running: Running) -> dict[str, str]:
    """What a shell would take over from a stack that is up."""
    running.says("is up")
    lines = [re.fullmatch(r"export (\w+)=(\S+)\n", line) for line in running.out]
    assert all(lines), running.out
    return {line[1]: line[2] for line in lines if line}


def rollout(*words: str, **environment: str) -> tuple[int, str, str]:
    """(exit code, standard output, standard error) of one command."""
    done = subprocess.run(
        [ROLLOUT, *words],
        cwd=ROOT,
        env={**clean_environment(), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def answer(*words: str) -> dict[str, Any]:
    """The JSON that a command that must succeed ends with."""
    code, out, err = rollout(*words, "--json")
    assert code == 0, err
    return dict(json.loads(out.splitlines()[-1]))
