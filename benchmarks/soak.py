"""python -m benchmarks.soak: many reads in this process against a real PostgreSQL, with trouble.

The exposure rises and falls, AppConfig fails for a stretch, serves a malformed document for
another and lets a lease run out, and PostgreSQL restarts twice. Everything between the handler
and the database is the code that ships; only the Lambda API between the functions is this process.
What must hold is counted, and each count must be 0 or equal.
"""

import io
import json
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

import click
import pg8000.native

from benchmarks.soak_lines import lines_taken
from benchmarks.stand_ins import FLAG_NAME, document
from benchmarks.timing import tell
from ops.local.database import Database
from ops.local.traffic import SEED, Visitors
from rollout.adapters import users_control
from rollout.adapters.candidate import LambdaCandidate
from rollout.adapters.database_login import parse_url
from rollout.adapters.flag_reader import FlagReader
from rollout.adapters.request_log import RequestLog
from rollout.adapters.shadow import LambdaTee
from rollout.adapters.users_candidate import UsersCandidate
from rollout.handlers import compare, read
from rollout.handlers.candidate import candidate

BEGIN: Final = 1_800_000_000
BUDGET_MS: Final = 2000
SHADOW_BPS: Final = 1000
POLL_READS: Final = 50
OUTAGE, MALFORMED = "outage", "malformed"
# What AppConfig does, in equal stretches of the soak: serve an exposure, fail, serve nonsense.
# One lease ends in the middle of its stretch.
STRETCHES: Final[list[int | str]] = [
    0, 100, 500, 500, 2500, OUTAGE, 5000, MALFORMED, 10_000, 10_000, 0, 2500,
]  # fmt: skip
LEASE_ENDS_IN: Final = 3
RESTARTS: Final = (4, 8)


class Functions:
    """The Lambda API: the candidate is answered at once, a shadow when its turn comes."""

    def __init__(self, users: UsersCandidate) -> None:
        self.users = users
        self.shadows: list[str] = []

    def invoke(self, **given: Any) -> dict[str, Any]:
        if given.get("InvocationType") == "Event":
            self.shadows.append(given["Payload"])
            return {"StatusCode": 202}
        answer = candidate(json.loads(given["Payload"]), self.users)
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}


@dataclass
class Soak:
    """One soak of `reads` reads. `number` is the read at hand."""

    reads: int
    database: Database
    number: int = 0
    restarting: threading.Thread = field(default_factory=threading.Thread)

    def __post_init__(self) -> None:
        users = UsersCandidate(lambda _: self._connect())
        self.functions = Functions(users)
        log = RequestLog("Soak/ReadPath", "read", 60, b"key")
        asked = LambdaCandidate(self.functions, "candidate", BUDGET_MS)
        source = FlagReader(lambda: "", self._fetch, FLAG_NAME, POLL_READS, lambda: self.number)
        tee = LambdaTee(self.functions, "compare")
        self.ports = read.Ports(source, users_control.user, asked, tee, log, self._now)
        self.comparator = compare.Ports(asked, log)

    def run(self) -> Counter[int]:
        """How often each status was answered."""
        statuses: Counter[int] = Counter()
        visitors, restarts = Visitors(users_control.USERS, SEED), set(RESTARTS)
        for number in range(self.reads):
            self.number = number
            if self._stretch() in restarts:
                restarts.remove(self._stretch())
                self._restart_meanwhile()
            answer = read.read({"userId": next(visitors)}, f"request-{self.number}", self.ports)
            statuses[answer["statusCode"]] += 1
            while self.functions.shadows:
                compare.compare(json.loads(self.functions.shadows.pop()), self.comparator)
        self.restarting.join()
        return statuses

    def _stretch(self) -> int:
        return self.number * len(STRETCHES) // self.reads

    def _now(self) -> float:
        return BEGIN + self.number

    def _fetch(self, token: str) -> tuple[str, bytes]:
        stretch = self._stretch()
        does = STRETCHES[stretch]
        if does == OUTAGE:
            raise ConnectionError("no answer from AppConfig")
        if does == MALFORMED:
            return token, b'{"prismaAdapter": {"enabled": "yes"}}'
        middle = BEGIN + (stretch * 2 + 1) * self.reads // (2 * len(STRETCHES))
        lease = middle if stretch == LEASE_ENDS_IN else BEGIN + 2 * self.reads
        return token, document(candidate_bps=does, shadow_bps=SHADOW_BPS, lease_until=lease)

    def _restart_meanwhile(self) -> None:
        if self.restarting.ident is not None:
            self.restarting.join()  # one restart at a time
        self.restarting = threading.Thread(target=self._restart)
        self.restarting.start()

    def _restart(self) -> None:
        self.database.stop()
        self.database.start()

    def _connect(self) -> pg8000.native.Connection:
        return pg8000.native.Connection(**parse_url(self.database.url), timeout=3)


def soak(reads: int) -> dict[str, Any]:
    """Run it; what must be 0 or empty comes under "must_be_nothing"."""
    begun = time.monotonic()
    with Database() as database, lines_taken() as lines:
        statuses = Soak(reads, database).run()
    told = {"control", "candidate"}
    return {
        "reads": reads,
        "must_be_nothing": {
            "reads_failed": reads - statuses[200],
            "reads_without_a_line": reads - sum(lines.logged[arm, "Requests"] for arm in told),
            "users_flipped": lines.flips,
            "users_who_left_the_cohort": lines.left_the_cohort(),
            "metrics_unlike_log": lines.metrics_unlike_log(),
        },
        "by_arm": {arm: lines.logged[arm, "Requests"] for arm in sorted(told)},
        "candidate_errors": lines.logged["candidate", "Errors"],
        "fallbacks": lines.logged["read", "fallbacks"],
        "reads_on_a_stale_flag": lines.logged["read", "stale"],
        "shadow": {
            name: lines.logged["shadow", name] for name in ("Compared", "Mismatched", "Failed")
        },
        "seconds": round(time.monotonic() - begun, 1),
    }


@click.command()
@click.option("--reads", type=click.IntRange(1000), default=100_000, show_default=True)
def main(reads: int) -> None:
    """Soak the read path; one JSON line. Exit code 1 when something must be nothing and is not."""
    found = soak(reads)
    tell("soak", found)
    sys.exit(any(found["must_be_nothing"].values()))


if __name__ == "__main__":
    main()
