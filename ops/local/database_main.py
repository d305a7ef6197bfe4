"""Keeps one PostgreSQL server in a temporary folder, and leaves nothing behind.

Run by `ops.local.database`, never by hand. Standard input brings commands, one a line: "start" or
"stop". Each is answered by one JSON line: {} or {"error": str}; the first line, before any
command, is {"folder": str} or {"error": str}. When standard input closes, the parent has ended,
whichever way: the server is stopped and the folder deleted.

A process of its own, because PR_SET_PDEATHSIG acts when the *thread* that started a child ends,
and whoever starts the database may be a short-lived thread. This process has one thread.
"""

import ctypes
import json
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1
PROGRAMS = ("initdb", "postgres")
SYSTEM_USER = "nobody"  # PostgreSQL refuses to run as root
LONGEST_SOCKET_PATH = 103  # the shortest limit among the systems we know
START_SECONDS = 30
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "32MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Nobody needs the data after a crash of the machine.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}
# The superuser is protected by the folder's permissions, the candidate's role by its password.
ACCESS_RULES = "local all postgres trust\nlocal huntaze candidate_reader scram-sha-256\n"


class ServerError(Exception):
    """PostgreSQL did not do what was asked; the message carries what it said."""


def die_with_parent() -> None:
    """Have Linux stop this process when its parent ends; elsewhere closed stdin has to do."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)


def child_arguments() -> dict[str, Any]:
    """How every child is started: not as root, without our terminal, dying with us."""
    arguments: dict[str, Any] = {
        "stdin": subprocess.DEVNULL,
        "env": {k: v for k, v in os.environ.items() if not k.startswith("PG")},
        "preexec_fn": die_with_parent,  # runs after the change of user, which would reset it
    }
    if os.geteuid() == 0:
        entry = pwd.getpwnam(SYSTEM_USER)
        arguments |= {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    return arguments


def new_folder() -> Path:
    """A folder with a path short enough for a socket, which the server's user may enter."""
    for base in (Path(tempfile.gettempdir()).resolve(), Path("/tmp")):  # nosec B108  # ours alone
        folder = Path(tempfile.mkdtemp(prefix="rollout-postgres-", dir=base))
        short = len(str(folder / ".s.PGSQL.5432")) <= LONGEST_SOCKET_PATH
        if short and (os.geteuid() != 0 or all_may_enter(base)):
            give_to_server(folder)
            return folder
        folder.rmdir()
    raise ServerError(f"{tempfile.gettempdir()} and /tmp cannot hold PostgreSQL's socket")


def all_may_enter(base: Path) -> bool:
    return all(path.stat().st_mode & stat.S_IXOTH for path in (base, *base.parents))


def give_to_server(path: Path) -> None:
    if os.geteuid() == 0:
        entry = pwd.getpwnam(SYSTEM_USER)
        os.chown(path, entry.pw_uid, entry.pw_gid)


def usable_programs(programs: Path, folder: Path) -> Path:
    """The directory of `initdb` and `postgres`: the installed one, or else a copy.

    A copy (40 MB) is needed when root's virtual environment lies where nobody else may read,
    such as /root. Opening that place to everybody would be a lasting change of the machine.
    """
    if os.geteuid() != 0 or all(runs(programs / name) for name in PROGRAMS):
        return programs
    package = programs.parents[1]
    copy = folder / "programs" / package.name
    shutil.copytree(programs.parent, copy / programs.parent.name, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, copy.with_name(libraries.name), symlinks=True)
    for path in (folder / "programs", *(folder / "programs").rglob("*")):
        give_to_server(path)
    return copy / programs.parent.name / programs.name


def runs(program: Path) -> bool:
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    try:
        done = subprocess.run([program, "--version"], cwd="/", **quiet, **child_arguments())
    except OSError:
        return False
    return done.returncode == 0


class Server:
    """One cluster in a folder; the server can be started and stopped many times."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.log = folder / "server.log"
        self.programs = programs
        self.process: subprocess.Popen[bytes] | None = None

    def create(self) -> None:
        """Make the cluster; raises ServerError."""
        command = [str(self.programs / "initdb"), "-D", str(self.data), "--username=postgres"]
        command += ["--encoding=UTF8", "--locale=C", "--auth=trust"]
        command += ["--no-sync", "--no-instructions"]
        done = subprocess.run(
            command,
            text=True,
            errors="replace",
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            **child_arguments(),
        )
        if done.returncode != 0:
            raise ServerError(f"initdb failed\n{done.stdout}")
        (self.data / "pg_hba.conf").write_text(ACCESS_RULES)

    def start(self) -> None:
        """Start, and wait until it answers; raises ServerError. Nothing to do when it runs."""
        if self.process is not None and self.process.poll() is None:
            return
        command = [str(self.programs / "postgres"), "-D", str(self.data)]
        command += ["-k", str(self.folder), "-p", "5432"]
        for name, value in SETTINGS.items():
            command += ["-c", f"{name}={value}"]
        with self.log.open("ab") as output:
            process: subprocess.Popen[bytes] = subprocess.Popen(
                command,
                cwd=self.folder,
                stdout=output,
                stderr=subprocess.STDOUT,
                **child_arguments(),
            )
        self.process = process
        deadline = time.monotonic() + START_SECONDS
        while not self.ready(process.pid):
            if process.poll() is not None or time.monotonic() > deadline:
                tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])
                raise ServerError(f"PostgreSQL did not start\n{tail}")
            time.sleep(0.01)

    def ready(self, pid: int) -> bool:
        """Whether the server's own status file says so; a killed server leaves an old one."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and int(lines[0]) == pid and lines[7].strip() == "ready"

    def stop(self, number: signal.Signals) -> None:
        """SIGINT closes the sessions and writes a checkpoint; SIGQUIT just ends."""
        process, self.process = self.process, None
        if process is None:
            return
        for attempt in (number, signal.SIGQUIT, signal.SIGKILL):
            process.send_signal(attempt)
            try:
                process.wait(timeout=5)
                return
            except subprocess.TimeoutExpired:
                continue


def answer(document: dict[str, str]) -> None:
    print(json.dumps(document), flush=True)


def obey(server: Server) -> None:
    """Carry out commands until standard input is closed."""
    for line in sys.stdin:
        try:
            if line.strip() == "start":
                server.start()
            else:
                server.stop(signal.SIGINT)
            answer({})
        except ServerError as error:
            answer({"error": str(error)})


def main() -> int:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(0))
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    folder = new_folder()
    server = Server(folder, Path(sys.argv[1]))
    try:
        server.programs = usable_programs(server.programs, folder)
        server.create()
        answer({"folder": str(folder)})
        obey(server)
    except BrokenPipeError:
        pass  # the parent is gone
    except (ServerError, OSError, KeyError) as error:
        answer({"error": str(error)})
        return 1
    finally:
        server.stop(signal.SIGQUIT)
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
