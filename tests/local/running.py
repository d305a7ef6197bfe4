"""Commands of this project as other processes, and waiting for what they do."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
ROLLOUT = str(Path(sys.executable).with_name("rollout"))
PATIENCE_SECONDS = 90


def until(true: Callable[[], Any], what: str) -> Any:
    """What `true` returns once it is truthy."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if found := true():
            return found
        time.sleep(0.2)
    raise AssertionError(f"never: {what}")


def clean_environment() -> dict[str, str]:
    """As a person's shell: nothing of AWS that an earlier test has set."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}


@contextmanager
def started(*words: str) -> Iterator[subprocess.Popen[str]]:
    """`rollout` with these words in its own session, ended at the end if it still runs."""
    process = subprocess.Popen(
        [ROLLOUT, *words],
        cwd=ROOT,
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=30)


@contextmanager
def local_stack(*words: str) -> Iterator[str]:
    """`rollout local up`, and the address it prints."""
    with started("local", "up", *words) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.fullmatch(r"export AWS_ENDPOINT_URL=(http://127\.0\.0\.1:\d+)\n", line)
        assert found, line
        assert process.stderr is not None
        for said in process.stderr:
            if "is up" in said:
                break
        yield found[1]


def rollout(*words: str) -> tuple[int, str, str]:
    """(exit code, standard output, standard error) of one command."""
    done = subprocess.run(
        [ROLLOUT, *words],
        cwd=ROOT,
        env=clean_environment(),
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
