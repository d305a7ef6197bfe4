"""What can go wrong, as data and a function each.

A fault strikes in one state of the playbook (or the guard): an invocation of its function, one
call that the function makes, or the world while the state is entered.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from ops.faults.machine import TIMEOUT, TaskError
from ops.faults.wire import RefusedError

if TYPE_CHECKING:
    from ops.faults.strikes import Strikes

FOR_GOOD: Final = 10**6
CLIENT_ATTEMPTS: Final = 4
INJECTED: Final = "injected"


class DiedError(BaseException):
    """The sandbox is gone: nothing of the function runs any more, not even its `finally`."""


class AbortedError(BaseException):
    """The execution is ended from outside. status: what it then has, ABORTED or TIMED_OUT."""

    def __init__(self, status: str = "ABORTED") -> None:
        super().__init__(status)
        self.status = status


@dataclass(frozen=True)
class Fault:
    """kind: a name below. state: where. action: the call it strikes, "" for none. times: often."""

    kind: str
    state: str
    action: str = ""
    times: int = FOR_GOOD

    @property
    def on_entry(self) -> bool:
        """Whether it comes with the state, whatever its function does (see happenings)."""
        return self.kind not in INVOCATION and self.kind not in CALL

    def strikes(self, state: str, action: str, before: int) -> bool:
        """Whether it strikes this invocation (action "") or call, having struck `before` times."""
        here = (self.state, self.action) == (state, action)
        return here and not self.on_entry and before < self.times


Run = Callable[[], Any]


def answered(fault: Fault, run: Run) -> Any:
    """What Step Functions sees of an invocation."""
    return INVOCATION[fault.kind](run)


def called(fault: Fault, apply: Run, strikes: "Strikes") -> Any:
    """What the function sees of a call."""
    return CALL[fault.kind](apply, strikes)


# Invocations


def _fails(name: str) -> Callable[[Run], Any]:
    def invoke(_: Run) -> Any:
        raise TaskError(name, INJECTED)

    return invoke


def _loses(name: str) -> Callable[[Run], Any]:
    def invoke(run: Run) -> Any:
        run()
        raise TaskError(name, f"{INJECTED}: the answer was lost")

    return invoke


def _instead(value: Any) -> Callable[[Run], Any]:
    def invoke(run: Run) -> Any:
        run()
        return value

    return invoke


def _word(word: Any) -> Callable[[Run], Any]:
    return lambda run: {**run(), "word": word}


def _padded(run: Run) -> Any:
    return {**run(), "word": "x" * 300_000}


def _aborted(run: Run) -> Any:
    run()
    raise AbortedError


INVOCATION: Final[dict[str, Callable[[Run], Any]]] = {
    "raises": _fails("RuntimeError"),
    "is throttled": _fails("Lambda.TooManyRequestsException"),
    "times out": _fails(TIMEOUT),
    "runs out of memory": _fails("Lambda.Unknown"),
    "works, its answer is lost": _loses("Lambda.SdkClientException"),
    "works, and times out": _loses(TIMEOUT),
    "returns {}": _instead({}),
    "returns null": _instead(None),
    "returns text": _instead("ok"),
    "returns an unknown word": _word("PURPLE"),
    "returns a null word": _word(None),
    "returns 300 kB": _padded,
    "works, and the execution is aborted": _aborted,
}


# Calls


def _refused(code: str) -> Callable[[Run, "Strikes"], Any]:
    def call(*_: Any) -> Any:
        raise RefusedError(code, INJECTED)

    return call


def _unreachable(*_: Any) -> Any:
    raise EndpointConnectionError(endpoint_url=f"https://{INJECTED}")


def _lost_once(apply: Run, _: Any) -> Any:
    apply()
    return apply()  # the client's own second attempt


def _lost(apply: Run, _: Any) -> Any:
    for _attempt in range(CLIENT_ATTEMPTS):
        try:
            apply()
        except RefusedError:
            continue
    raise ReadTimeoutError(endpoint_url=f"https://{INJECTED}")


def _dies(apply: Run, strikes: "Strikes") -> Any:
    apply()
    strikes.dead = True
    raise DiedError


def _overtaken(apply: Run, strikes: "Strikes") -> Any:
    strikes.account.appconfig.interfere()
    return apply()


CALL: Final[dict[str, Callable[[Run, "Strikes"], Any]]] = {
    "is refused": _refused("AccessDeniedException"),
    "is throttled": _refused("ThrottlingException"),
    "does not answer": _unreachable,
    "works, the first answer is lost": _lost_once,
    "works, every answer is lost": _lost,
    "works, then the sandbox dies": _dies,
    "is overtaken by another deployment": _overtaken,
}
