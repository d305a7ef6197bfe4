"""What every judge looks like from here, and the two that are not emulated."""

import json
import shlex
import subprocess
from typing import Any, Protocol

from rollout.domain.protocol import Session

GO, HOLD, ROLLBACK = "GO", "HOLD", "ROLLBACK"
WORDS = (GO, HOLD, ROLLBACK)


class Judge(Protocol):
    """Judges one rollout after another; `start` forgets everything."""

    def start(self, message: dict[str, Any]) -> None: ...

    def minute(self, message: dict[str, Any]) -> str:
        """GO, HOLD or ROLLBACK after one more minute."""
        ...


class Ours:
    """The judge of this repository: what `rollout judge --jsonl` and the state machine run."""

    def __init__(self) -> None:
        self._session = Session()

    def start(self, message: dict[str, Any]) -> None:
        self._session.start(message)

    def minute(self, message: dict[str, Any]) -> str:
        word, _reason = self._session.minute(message)
        return word


class JudgeFailedError(Exception):
    """An external judge gave no answer, or not one of the three words."""


class Command:
    """Any command that reads JSON lines and answers every minute with a line."""

    def __init__(self, command: str) -> None:
        self._command = command
        self._process = subprocess.Popen(
            shlex.split(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def start(self, message: dict[str, Any]) -> None:
        self._write(message)

    def minute(self, message: dict[str, Any]) -> str:
        self._write(message)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        word = line.split(maxsplit=1)[0] if line.strip() else ""
        if word not in WORDS:
            raise JudgeFailedError(f"{self._command!r} answered {line!r} to {_brief(message)}")
        return word

    def _write(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(message, separators=(",", ":")) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            code = self._process.wait()
            raise JudgeFailedError(f"{self._command!r} ended with code {code}") from None


def _brief(message: dict[str, Any]) -> str:
    return f"minute {message['t']}"
