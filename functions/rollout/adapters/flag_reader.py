"""The flag as AppConfig serves it to a reader: by the Lambda extension, or by the data plane."""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
from urllib.parse import quote

from rollout.adapters import local_http
from rollout.adapters.clients import client, quick_client
from rollout.domain import flag as flags
from rollout.domain.flag import CLOSED, Flag
from rollout.settings import Settings, settings

# AWS refuses a session that wants to poll more often.
LEAST_SESSION_POLL_SECONDS: Final = 15
# The extension polls AppConfig itself; asking it costs a millisecond and adds this to its age.
EXTENSION_POLL_SECONDS: Final = 5
READ_TIMEOUT_MS: Final = 1000


class FlagSource(Protocol):
    """The port of the read path: the flag to obey now. Never raises.

    version: of the document that the flag is from, "" before the first. stale: how many polls in
    a row have brought no good document; 0 means that the flag is as fresh as the poll interval.
    """

    version: str
    stale: int

    def flag(self) -> Flag: ...


@dataclass
class FlagReader:
    """Polls on its own interval, remembers the last good document, never raises.

    Through an outage the last good document is served, and so it is when the new one is
    malformed; its lease ends it. Each document that is taken over is told to `observed`.
    """

    start: Callable[[], str]
    fetch: Callable[[str], tuple[str, bytes]]
    name: str
    poll_seconds: float
    clock: Callable[[], float] = time.time
    observed: Callable[[str, Flag], None] = lambda version, flag: None
    stale: int = 0
    version: str = ""
    _token: str = ""
    _flag: Flag = field(default=CLOSED)
    _polled: float = 0
    _due: float = 0

    def flag(self) -> Flag:
        """The last good flag, refreshed when the poll interval has passed."""
        # By the wall clock: what a monotonic one does while a sandbox is frozen, nobody promises.
        now = self.clock()
        if not self._polled <= now < self._due:
            self._polled, self._due = now, now + self.poll_seconds
            self._refresh()
        return self._flag

    def _refresh(self) -> None:
        try:
            self._token = self._token or self.start()
            self._token, content = self.fetch(self._token)
        except Exception:  # any outage: a read must not fail because of the rollout
            self._token = ""  # a new session answers in full  # nosec B105  # none yet
            self.stale += 1
            return
        try:
            # An empty body means: unchanged since this session's last answer, good or bad.
            self.stale = self._stale_after(content)
        except Exception:  # nor because of a document, whatever is wrong with it
            self.stale += 1

    def _stale_after(self, content: bytes) -> int:
        if not content:
            return self.stale + 1 if self.stale else 0
        version = hashlib.sha256(content).hexdigest()[:12]
        if version != self.version:
            self._flag = flags.parse(json.loads(content), self.name)
            self.version = version
            self.observed(version, self._flag)
        return 0


def reader(api: Any, known: Settings, *, poll_seconds: float) -> FlagReader:
    """A reader of the stack's flag through the data plane.

    Source: AppConfig user guide, "Retrieving configuration data": a token is used once.
    """

    def start() -> str:
        answer = api.start_configuration_session(
            ApplicationIdentifier=known.text("APPCONFIG_APPLICATION_ID"),
            EnvironmentIdentifier=known.text("APPCONFIG_ENVIRONMENT_ID"),
            ConfigurationProfileIdentifier=known.text("APPCONFIG_PROFILE_ID"),
            RequiredMinimumPollIntervalInSeconds=max(LEAST_SESSION_POLL_SECONDS, int(poll_seconds)),
        )
        return str(answer["InitialConfigurationToken"])

    def fetch(token: str) -> tuple[str, bytes]:
        answer = api.get_latest_configuration(ConfigurationToken=token)
        return answer["NextPollConfigurationToken"], answer["Configuration"].read()

    return FlagReader(start, fetch, known.text("FLAG_NAME"), poll_seconds)


def extension_reader(port: int, known: Settings, *, poll_seconds: float) -> FlagReader:
    """A reader of the stack's flag through the AppConfig extension on this port.

    Source: AppConfig user guide, "Using AWS AppConfig Agent with AWS Lambda".
    """
    name = known.text("FLAG_NAME")
    application, environment, profile = (
        quote(known.text(f"APPCONFIG_{part}_ID"), safe="")
        for part in ("APPLICATION", "ENVIRONMENT", "PROFILE")
    )
    path = f"/applications/{application}/environments/{environment}/configurations/{profile}"

    def fetch(token: str) -> tuple[str, bytes]:
        return token, local_http.get(port, path, {}, READ_TIMEOUT_MS / 1000)

    return FlagReader(lambda: "extension", fetch, name, poll_seconds)


def connect() -> FlagReader:
    """The read path's reader; the extension's where the function has one."""
    known = settings()
    poll_seconds = known.whole("FLAG_POLL_SECONDS")
    port = known.port("AWS_APPCONFIG_EXTENSION_HTTP_PORT")
    if port:
        often = min(poll_seconds, EXTENSION_POLL_SECONDS)
        return extension_reader(port, known, poll_seconds=often)
    return reader(quick_client("appconfigdata", READ_TIMEOUT_MS), known, poll_seconds=poll_seconds)


@dataclass(frozen=True)
class ServedFlag:
    """What a reader that starts now is served. Raises whatever the data plane raises."""

    api: Any
    known: Settings

    def flag(self) -> Flag:
        """A fresh session's answer, not the memory of an old one."""
        fresh = reader(self.api, self.known, poll_seconds=0)
        _, content = fresh.fetch(fresh.start())
        return flags.parse(json.loads(content), fresh.name)


def served() -> ServedFlag:
    """For the functions that verify what users get."""
    return ServedFlag(client("appconfigdata"), settings())
