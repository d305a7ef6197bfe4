"""AWS is gone in the middle of a phase: a reader that knows the flag obeys it until its lease ends.

Real are the flag, deployed through AppConfig in the emulator and polled from its data plane, the
read path, and PostgreSQL. The read path runs in this process, because its sandboxes in the emulator
die with it.
"""

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pg8000.native
import pytest

from ops import deployed
from ops.local.database import Database
from ops.local.deploy import deploy
from ops.local.emulator import Emulator
from rollout.adapters import flag_reader, users_control
from rollout.adapters.database_login import parse_url
from rollout.adapters.flags import AppConfigFlags
from rollout.adapters.observed import observed
from rollout.adapters.users_candidate import UsersCandidate
from rollout.domain.observation import Observation
from rollout.handlers import read
from tests import fakes
from tests.local.running import ROOT

pytestmark = pytest.mark.local
POLL_SECONDS = 1.0
LEASE_SECONDS = 12
USERS = [f"user-{number}" for number in range(1, 21)]


@dataclass(frozen=True)
class Postgres:
    """The candidate, asked in this process."""

    users: UsersCandidate

    def read(self, user_id: str) -> Observation:
        return observed(self.users.read, user_id)


@dataclass(frozen=True)
class Seen:
    """One read: when it began, in epoch seconds; its status and arm; how stale the flag was."""

    at: float
    status: int
    arm: str
    stale: int


@dataclass(frozen=True)
class Watched:
    """All reads; when the emulator was killed and when the lease ended, in epoch seconds."""

    reads: list[Seen]
    killed_at: float
    lease_until: float

    def arms(self, since: float, until: float) -> set[str]:
        return {seen.arm for seen in self.reads if since <= seen.at < until}


@pytest.fixture(scope="module")
def watched() -> Iterator[Watched]:
    with Emulator() as emulator, Database() as database:
        outputs = deploy(emulator, "killed", {}, ROOT)
        known = deployed.Stack("killed", outputs).settings()
        flags = AppConfigFlags(
            api=emulator.client("appconfig"),
            application=known.text("APPCONFIG_APPLICATION_ID"),
            environment=known.text("APPCONFIG_ENVIRONMENT_ID"),
            profile=known.text("APPCONFIG_PROFILE_ID"),
            name=known.text("FLAG_NAME"),
            ramp_strategy=known.text("RAMP_STRATEGY_ID"),
            urgent_strategy=known.text("ROLLBACK_STRATEGY_ID"),
        )
        until = int(time.time()) + LEASE_SECONDS
        flag = fakes.exposed(5000, lease_until=until, shadow_bps=0)
        flags.deploy(flags.current(), flag, "canary", urgent=True)
        ports = reading(emulator, database, known)
        reads = read_for(ports, 1.0)
        killed_at = kill(emulator)
        reads += read_for(ports, until + 2 * POLL_SECONDS - time.time())
        yield Watched(reads, killed_at, float(until))


def reading(emulator: Emulator, database: Database, known: Any) -> read.Ports:
    """A warm sandbox of the read path."""
    reader = flag_reader.reader(emulator.client("appconfigdata"), known, poll_seconds=POLL_SECONDS)
    connect = parse_url(database.url)
    users = UsersCandidate(lambda _: pg8000.native.Connection(**connect, timeout=3))
    log = fakes.request_log()
    return read.Ports(reader, users_control.user, Postgres(users), fakes.FakeTee(), log)


def read_for(ports: read.Ports, seconds: float) -> list[Seen]:
    """Let users read one after the other for so long."""
    found, until = [], time.time() + seconds
    while time.time() < until:
        for user in USERS:
            at = time.time()
            answer = read.read({"userId": user}, "request-1", ports)
            arm = answer["headers"][read.ARM_HEADER]
            found.append(Seen(at, answer["statusCode"], arm, ports.flag.stale))
        time.sleep(0.05)
    return found


def kill(emulator: Emulator) -> float:
    """End every process of the emulator at once, without a word."""
    process = emulator._process
    assert process is not None
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return time.time()


def test_no_read_fails(watched: Watched) -> None:
    assert {seen.status for seen in watched.reads} == {read.OK}


def test_until_the_lease_ends_the_cohort_stays_with_the_candidate(watched: Watched) -> None:
    assert watched.arms(watched.killed_at, watched.lease_until) == {"candidate", "control"}
    known = [seen for seen in watched.reads if seen.at > watched.killed_at + 2 * POLL_SECONDS]
    assert min(seen.stale for seen in known) >= 1


def test_after_its_end_the_control_serves_everyone_with_nobodys_help(watched: Watched) -> None:
    late = [seen.arm for seen in watched.reads if seen.at >= watched.lease_until]
    assert set(late) == {"control"}
    assert len(late) >= len(USERS)
