"""What a scenario is made of: the states an execution visits, and what each call of them gets."""

import json
from dataclasses import dataclass
from typing import Any, Final

from tests.fakes import ROOT

FILE: Final = ROOT / "statemachines" / "playbook.asl.json"
DEFINITION: Final = FILE.read_text(encoding="utf-8")
_MACHINE: Final[dict[str, Any]] = json.loads(DEFINITION)
START: Final[str] = _MACHINE["StartAt"]
STATES: Final[dict[str, dict[str, Any]]] = _MACHINE["States"]


@dataclass(frozen=True)
class Failed:
    """A call that ends in an error, by the name that Step Functions gives it."""

    error: str
    cause: str

    @property
    def label(self) -> str:
        return self.error.rpartition(".")[2]


# One name for each rule of a Retry, and the one that no rule of a step's Retry names.
THROTTLED: Final = Failed("Lambda.TooManyRequestsException", "rate exceeded")
CALLS_THROTTLED: Final = Failed("ThrottledError", "the function's calls come too fast")
BROKEN: Final = Failed("BrokenError", "a mistake of ours")
TIMED_OUT: Final = Failed("States.Timeout", "no answer in time")


@dataclass(frozen=True)
class Answered:
    """A call that is answered: `returned` is the function's answer, or a person's to the token."""

    returned: dict[str, Any]

    @property
    def label(self) -> str:
        words = [self.returned.get(name) for name in ("word", "next")]
        return "-".join(word for word in words if word) or "answered"


Call = Failed | Answered


@dataclass(frozen=True)
class Visit:
    """A state that is entered. calls: of a task, what each attempt gets, in their order."""

    state: str
    calls: tuple[Call, ...] = ()


Path = tuple[Visit, ...]

_EXPOSURE: Final = {
    "reason": "",
    "phase": "half",
    "kind": "ramp",
    "exposure_bps": 5000,
    "deployment": 2,
    "started_at": 1,
    "seen_at": 2,
    "served_at": 3,
    "history": [],
    "wait_seconds": 1,
    "evaluate_every_seconds": 1,
    "approval_seconds": 60,
}
_VERDICT: Final = {
    "sentence": "",
    "reasons": [],
    "guardrails": [],
    "since": "",
    "otherwise": "",
    "phase": "half",
    "next": "RAMP",
}
_SCHEDULED: Final = {"sentence": "", "next": "full", "starts_at": "2027-01-15T08:00:00+00:00"}
_ROLLED_BACK: Final = {
    "reason": "errors",
    "changed": True,
    "holder": "beta-1",
    "exposure_bps": 0,
    "schedules_deleted": [],
    "seconds": 1,
}
# What each task answers beside its word; a test holds it against what the state reads.
BESIDE: Final[dict[str, dict[str, Any]]] = {
    "Preflight": {"reasons": [], "step": {}, "wait_seconds": 1},
    "Drill Rollback": {"reason": "", "set_seconds": 1, "seconds": 1},
    "Start Shadow": _EXPOSURE,
    "Enable Canary": _EXPOSURE,
    "Raise Exposure": _EXPOSURE,
    "Step Down": _EXPOSURE,
    "Confirm Exposure": _EXPOSURE,
    "Evaluate Shadow": _VERDICT,
    "Evaluate Metrics": _VERDICT,
    "Ask a Person": {},
    "Schedule Ramp": _SCHEDULED,
    "Schedule Cleanup": _SCHEDULED,
    "Cleanup": {"sentence": "", "exposure_bps": 10_000},
    "Roll Back": _ROLLED_BACK,
    "Notify": {"subject": "it has ended"},
}


def enters(state: str, *calls: str | Failed, **beside: Any) -> Visit:
    """A visit. A word among the calls is answered with what the task says beside it."""
    return Visit(state, tuple(_call(state, call, beside) for call in calls))


def _call(state: str, call: str | Failed, beside: dict[str, Any]) -> Call:
    if isinstance(call, Failed):
        return call
    # Notify alone says no word: nothing depends on it.
    word = {} if state == "Notify" else {"word": call}
    return Answered({**word, **BESIDE[state], **beside})


def written(text: str) -> Path:
    """The visits of a text: one state a line, after a colon the word that it is answered.

    A word may be followed by what the verdict leads to: "PROMOTE CANARY".
    """
    path = []
    for line in filter(None, map(str.strip, text.splitlines())):
        state, _, answer = line.partition(": ")
        word, _, following = answer.partition(" ")
        beside = {"next": following} if following else {}
        path.append(enters(state, *filter(None, (word,)), **beside))
    return tuple(path)
