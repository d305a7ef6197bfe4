"""What a rehearsal starts ends with it, however it ends, and two do not meet."""

import os
import re
import signal
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest

from tests.local.running import exported, started, until

pytestmark = pytest.mark.local
LISTENING = "0A"
INTERRUPTED = 130


def children(pid: int) -> set[int]:
    """Every descendant, by reading /proc."""
    parents = {number: int(fields[1]) for number, fields in processes()}
    found, waiting = set(), [pid]
    while waiting:
        parent = waiting.pop()
        new = {child for child, known in parents.items() if known == parent}
        found |= new
        waiting += new
    return found


def processes() -> Iterator[tuple[int, list[str]]]:
    """(number, fields of `stat` from the state on) of every process that is not a zombie."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if fields[0] != "Z":
            yield int(entry.name), fields


def alive(pids: set[int]) -> set[int]:
    return pids & {number for number, _ in processes()}


def at_home_in(folder: Path) -> set[int]:
    """Those whose TMPDIR lies there; this finds also what was started after `children` looked."""
    mark = f"\0TMPDIR={folder}".encode()
    return {number for number, _ in processes() if mark in b"\0" + read(number, "environ")}


def read(pid: int, name: str) -> bytes:
    try:
        return (Path("/proc") / str(pid) / name).read_bytes()
    except OSError:
        return b""


def folders(pids: set[int]) -> set[Path]:
    """The temporary folders that these processes name on their command lines."""
    words = b"\0".join(read(pid, "cmdline") for pid in pids).decode()
    return {Path(found) for found in re.findall(r"/[^\0]*/rollout-[a-z]+-\w+", words)}


def ports(pids: set[int]) -> set[str]:
    """Inodes of the TCP sockets on which these processes listen."""
    held = set()
    for pid in pids:
        for link in (Path("/proc") / str(pid) / "fd").glob("*"):
            try:
                held.add(str(link.readlink()))
            except OSError:
                continue
    return {inode for inode in listening() if f"socket:[{inode}]" in held}


def listening() -> set[str]:
    rows = [
        row.split()
        for table in ("tcp", "tcp6")
        for row in (Path("/proc/net") / table).read_text().splitlines()[1:]
    ]
    return {row[9] for row in rows if row[3] == LISTENING}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a command that is started now makes its temporary folders."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@dataclass(frozen=True)
class Family:
    """What a command has started and made."""

    pids: set[int]
    folders: set[Path]
    ports: set[str]

    @classmethod
    def of(cls, pid: int) -> Self:
        found = children(pid)
        return cls(found, folders(found), ports(found))


def nothing_is_left(home: Path, *families: Family) -> None:
    pids = set().union(*(family.pids for family in families))
    made = set().union(*(family.folders for family in families))
    until(lambda: not alive(pids) and not at_home_in(home), f"they end: {alive(pids)}")
    assert not listening() & set().union(*(family.ports for family in families))
    until(lambda: not any(path.exists() for path in made), f"folders go: {made}")
    until(lambda: not list(home.iterdir()), f"folders go: {list(home.iterdir())}")


def test_nothing_outlives_a_rehearsal_that_is_interrupted(home: Path) -> None:
    with started("rehearse", "--story", "healthy") as running:
        running.says("shadow-soak")
        family = Family.of(running.process.pid)
        # The emulator, its functions, the database and its workers; each part has its folder.
        assert len(family.pids) > 5
        assert {path.name.split("-")[1] for path in family.folders} == {"emulator", "postgres"}
        assert len(family.ports) >= 1
        running.process.send_signal(signal.SIGINT)
        ended, said = running.ends()
    nothing_is_left(home, family)
    assert "Traceback" not in said
    assert ended == INTERRUPTED


def test_nothing_outlives_a_start_that_is_ended_impatiently(home: Path) -> None:
    with started("rehearse", "--story", "healthy") as running:
        until(lambda: len(children(running.process.pid)) > 5, "the parts are there")
        family = Family.of(running.process.pid)
        for ending in (signal.SIGTERM, signal.SIGINT, signal.SIGINT):
            os.kill(running.process.pid, ending)
            time.sleep(0.05)
        ended, said = running.ends()
    nothing_is_left(home, family)
    assert "Traceback" not in said
    # At its very end Python gives its handler back, and the system's ends the process.
    assert ended in (INTERRUPTED, -signal.SIGINT)


def test_two_stacks_that_start_at_once_do_not_meet_and_leave_nothing_however_they_end(
    home: Path,
) -> None:
    with (
        started("local", "up", "--no-traffic") as one,
        started("local", "up", "--no-traffic") as other,
    ):
        addresses = {exported(running)["AWS_ENDPOINT_URL"] for running in (one, other)}
        assert len(addresses) == 2
        families = [Family.of(running.process.pid) for running in (one, other)]
        one.process.send_signal(signal.SIGTERM)
        other.process.send_signal(signal.SIGKILL)
        # A stack that is up is there to be ended: that is no failure.
        assert [one.ends()[0], other.ends()[0]] == [0, -signal.SIGKILL]
    nothing_is_left(home, *families)
