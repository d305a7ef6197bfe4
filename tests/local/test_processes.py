"""What a rehearsal starts ends with it, however it ends, and two do not meet."""

import os
import signal
import tempfile
from pathlib import Path

import pytest

from tests.local.running import answer, local_stack, started, until

pytestmark = pytest.mark.local


def children(pid: int) -> set[int]:
    """Every descendant, by reading /proc."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        parents[int(entry.name)] = int(fields[1])
    found, waiting = set(), [pid]
    while waiting:
        parent = waiting.pop()
        new = {child for child, known in parents.items() if known == parent}
        found |= new
        waiting += new
    return found


def alive(pids: set[int]) -> set[int]:
    """Those that still run; a zombie does not."""
    found = set()
    for pid in pids:
        try:
            state = (Path("/proc") / str(pid) / "stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            continue
        if state != "Z":
            found.add(pid)
    return found


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_outlives_a_rehearsal_that_is_ended(
    ending: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with started("rehearse", "--story", "healthy") as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "shadow-soak" in line:
                break
        family = children(process.pid)
        assert len(family) > 5  # the emulator, its functions, and the database with its workers
        os.kill(process.pid, ending)
        _, said = process.communicate(timeout=30)
    until(lambda: not alive(family), f"they end: {alive(family)}")
    assert "Traceback" not in said
    until(lambda: not list(tmp_path.iterdir()), f"folders go: {list(tmp_path.iterdir())}")


def test_two_stacks_at_once_do_not_meet() -> None:
    with local_stack("--no-traffic") as first, local_stack("--no-traffic") as second:
        assert first != second
        for address in (first, second):
            assert answer("status", "--endpoint-url", address)["exposure_bps"] == 0
