"""python -m benchmarks.memory: the most memory a handler of the template has ever held.

Each in a process of its own, called 10,000 times; those of the read path with 10,000 users, those
of the playbook with an event and an account in memory as they are in a rollout. The baseline is the
process that has made one call and, for the read path, holds the mock data. What the last 1,000
calls add would be growth without end.
"""

import base64
import json
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from benchmarks.memory_calls import HANDLERS, Kept, call_of, kept_calls
from benchmarks.timing import output_discarded, tell
from rollout.adapters import users_control

CALLS: Final = 10_000
STATUS: Final = Path("/proc/self/status")
READ_PATH: Final = ("read", "candidate", "compare")


def peak_kib() -> int:
    """The process's largest resident set so far.

    Linux counts a parent's from before the program began into ru_maxrss, but not into VmHWM.
    """
    if STATUS.exists():
        (line,) = [line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM:")]
        return int(line.split()[1])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // 1024 if sys.platform == "darwin" else peak


def measure(name: str, calls: int, kept: Kept) -> dict[str, int]:
    """In this process: KiB after the first call, after nine tenths of them, and after all."""
    with output_discarded():
        call = call_of(name, kept)
        if name in READ_PATH:
            for number in range(1, users_control.USERS + 1):
                users_control.user(f"user-{number}")
        call(0)
        found = {"ready_kib": peak_kib()}
        for number in range(1, calls - calls // 10):
            call(number)
        found["before_last_kib"] = peak_kib()
        for number in range(calls - calls // 10, calls):
            call(number)
    return {**found, "peak_kib": peak_kib()}


def measured(name: str, calls: int, kept: str) -> dict[str, float]:
    """In a process of its own. kept: as that process reads it."""
    command = [sys.executable, "-m", "benchmarks.memory", "--calls", str(calls), "--here", name]
    done = subprocess.run(command, input=kept, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    return {
        "peak_mib": round(found["peak_kib"] / 1024, 1),
        "peak_over_ready": round(found["peak_kib"] / found["ready_kib"], 3),
        "last_calls_add_kib": found["peak_kib"] - found["before_last_kib"],
    }


@click.command()
@click.option("--calls", type=click.IntRange(10), default=CALLS, show_default=True)
@click.option(
    "--handler", "names", type=click.Choice(HANDLERS), multiple=True, help="Only this one."
)
@click.option("--here", type=click.Choice(HANDLERS), hidden=True)
def main(calls: int, names: Sequence[str], here: str | None) -> None:
    """Measure memory; one JSON line."""
    if here:
        kept = {name: base64.b64decode(text) for name, text in json.load(sys.stdin).items()}
        print(json.dumps(measure(here, calls, kept)))
        return
    with output_discarded():
        found = kept_calls()
    text = json.dumps({name: base64.b64encode(data).decode() for name, data in found.items()})
    handlers = {name: measured(name, calls, text) for name in names or HANDLERS}
    tell("memory", {"calls": calls, "last": calls // 10, "handlers": handlers})


if __name__ == "__main__":
    main()
