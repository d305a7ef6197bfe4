"""python -m benchmarks.memory: the most memory a handler of the read path has ever held.

Each in a process of its own, called 10,000 times with 10,000 users; the baseline is the process
that has only imported the handler and holds the mock data. What the last 1,000 calls add would be
growth without end.
"""

import json
import resource
import subprocess
import sys
from collections.abc import Callable
from typing import Any, Final

import click

from benchmarks.timing import output_discarded, tell
from rollout.adapters import users_control

CALLS: Final = 10_000
LAST: Final = 1_000
HANDLERS: Final = ("read", "candidate", "compare")


def peak_kib() -> int:
    """The process's largest resident set so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // 1024 if sys.platform == "darwin" else peak


def call_of(name: str) -> Callable[[int], Any]:
    """The handler's own function with its outside in memory."""
    return {"read": _read, "candidate": _candidate, "compare": _compare}[name]()


def _read() -> Callable[[int], Any]:
    from benchmarks.stand_ins import Nobody, flag_source
    from rollout.adapters.request_log import RequestLog
    from rollout.handlers.read import Ports, read

    source = flag_source(shadow_bps=10_000)
    log = RequestLog("Bench/ReadPath", "read", 60, b"key")
    ports = Ports(source, users_control.user, Nobody(), Nobody(), log)
    return lambda number: read({"userId": f"user-{number + 1}"}, f"request-{number}", ports)


def _candidate() -> Callable[[int], Any]:
    from rollout.adapters.users_candidate import UsersCandidate
    from rollout.handlers.candidate import candidate

    class Connection:
        def run(self, text: str, **values: str) -> list[list[Any]]:
            user = users_control.user(values["id"]) if "id" in values else None
            return [list(user.values())] if user else []

    users = UsersCandidate(lambda _: Connection())
    return lambda number: candidate({"userId": f"user-{number + 1}"}, users)


def _compare() -> Callable[[int], Any]:
    from benchmarks.stand_ins import Answering
    from rollout.adapters.request_log import RequestLog
    from rollout.adapters.shadow import Shadow
    from rollout.domain.observation import Observation
    from rollout.handlers.compare import Ports, compare

    ports = Ports(Answering(), RequestLog("Bench/ReadPath", "read", 60, b"key"))

    def call(number: int) -> Any:
        user_id = f"user-{number + 1}"
        answer = Observation(users_control.user(user_id), "", 0.01)
        return compare(Shadow(user_id, "0" * 16, answer).to_json(), ports)

    return call


def measure(name: str) -> dict[str, int]:
    """In this process: KiB at the start, after 9,000 and after 10,000 calls."""
    call = call_of(name)
    for number in range(1, users_control.USERS + 1):
        users_control.user(f"user-{number}")
    found = {"imported_kib": peak_kib()}
    with output_discarded():
        for number in range(CALLS - LAST):
            call(number)
        found["before_last_kib"] = peak_kib()
        for number in range(CALLS - LAST, CALLS):
            call(number)
    return {**found, "peak_kib": peak_kib()}


@click.command()
@click.option("--handler", type=click.Choice(HANDLERS), help="In this process, for itself.")
def main(handler: str | None) -> None:
    """Measure memory; one JSON line."""
    if handler:
        print(json.dumps(measure(handler)))
        return
    handlers = {}
    for name in HANDLERS:
        command = [sys.executable, "-m", "benchmarks.memory", "--handler", name]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found = json.loads(done.stdout)
        handlers[name] = {
            "peak_mib": round(found["peak_kib"] / 1024, 1),
            "peak_over_imported": round(found["peak_kib"] / found["imported_kib"], 3),
            "last_calls_add_kib": found["peak_kib"] - found["before_last_kib"],
        }
    tell("memory", {"calls": CALLS, "last": LAST, "handlers": handlers})


if __name__ == "__main__":
    main()
