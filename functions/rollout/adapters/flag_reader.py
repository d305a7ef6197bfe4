"""The flag's data plane: what AppConfig serves to a reader."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from rollout.adapters.clients import client, quick_client
from rollout.domain import flag as flags
from rollout.domain.errors import InvalidInputError
from rollout.domain.flag import CLOSED, Flag
from rollout.settings import Settings, settings

# AWS refuses a session that wants to poll more often.
LEAST_SESSION_POLL_SECONDS: Final = 15
READ_TIMEOUT_MS: Final = 1000


class FlagSource(Protocol):
    """The port of the read path: the flag to obey now. Never raises."""

    def flag(self) -> Flag: ...


@dataclass
class FlagReader:
    """Polls on its own interval, remembers the last good document, never raises.

    Through an outage the last document is served; its lease ends it. A malformed document is
    counted in `stale` and the last good one kept.
    """

    start: Callable[[], str]
    fetch: Callable[[str], tuple[str, bytes]]
    name: str
    poll_seconds: float
    clock: Callable[[], float] = time.monotonic
    stale: int = 0
    _token: str = ""
    _flag: Flag = field(default=CLOSED)
    _due: float = 0

    def flag(self) -> Flag:
        """The last good flag, refreshed when the poll interval has passed."""
        now = self.clock()
        if now >= self._due:
            self._due = now + self.poll_seconds
            self._refresh()
        return self._flag

    def _refresh(self) -> None:
        try:
            self._token = self._token or self.start()
            self._token, content = self.fetch(self._token)
            # An empty body means: unchanged since this session's last answer.
            if content:
                self._flag = flags.parse(json.loads(content), self.name)
        except (InvalidInputError, ValueError):
            self.stale += 1
        except Exception:  # any outage: a read must not fail because of the rollout
            self._token = ""
            self.stale += 1


def reader(api: Any, known: Settings, *, poll_seconds: float) -> FlagReader:
    """A reader on AppConfig's data plane, by the ids in the environment variables."""

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


def connect() -> FlagReader:
    """The read path's reader."""
    known = settings()
    api = quick_client("appconfigdata", READ_TIMEOUT_MS)
    return reader(api, known, poll_seconds=known.whole("FLAG_POLL_SECONDS"))


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
