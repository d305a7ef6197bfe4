"""How long `rollout kill` takes, as a person types it, against a local stack.

    python -m benchmarks.kill --rounds 5

Each round exposes 25 % of the users, runs the command as a process of its own, and asks the data
plane. One JSON line: seconds of the whole command, of the closing until it was verified, and what
was served afterwards. The emulator deploys at once; AWS AppConfig takes seconds of its own.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import replace

from ops import rollouts
from ops.local.stack import LocalStack, found
from rollout.adapters.flags import AppConfigFlags
from rollout.domain.flag import CLOSED

COMMAND = (sys.executable, "-m", "ops.cli", "kill", "--why", "benchmark", "--who", "b", "--json")


def expose(flags: AppConfigFlags) -> None:
    """What there is to kill."""
    flag = replace(
        CLOSED, enabled=True, candidate_bps=2500, salt="s", rollout_id="bench", phase="ramp-25"
    )
    flag = replace(flag, lease_until=int(time.time()) + 600)
    flags.deploy(flags.current(), flag, "benchmark", urgent=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with LocalStack() as stack:
        known = found(stack)
        environment = {**os.environ, **stack.emulator.environment()}
        whole, inside, served = [], [], []
        for _ in range(rounds):
            expose(AppConfigFlags.connect(known.settings()))
            started = time.perf_counter()
            done = subprocess.run(
                [*COMMAND, "--stack", known.name],
                env=environment,
                capture_output=True,
                text=True,
                check=True,
            )
            whole.append(time.perf_counter() - started)
            inside.append(json.loads(done.stdout)["seconds"])
            served.append(rollouts.served(known).exposure_at(time.time()))
    print(
        json.dumps(
            {
                "benchmark": "kill",
                "rounds": rounds,
                "command_seconds": {"median": statistics.median(whole), "most": max(whole)},
                "verified_seconds": {"median": statistics.median(inside), "most": max(inside)},
                "served_bps_after": max(served),
            }
        )
    )


if __name__ == "__main__":
    main()
