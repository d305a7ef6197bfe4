"""Where faults strike: every invocation of a function and every call to AWS goes through here."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ops.faults.faults import DiedError, Fault, answered, called
from ops.faults.machine import TaskError
from ops.faults.services import Account
from ops.faults.wire import RefusedError

Call = Callable[[], Any]


@dataclass
class Strikes:
    """The faults of a world. where: the state whose function runs now, "" for a reader.

    struck: how often each has. outages: service -> until when it is out. calls: (state, call).
    """

    account: Account
    faults: tuple[Fault, ...] = ()
    struck: Counter[Fault] = field(default_factory=Counter)
    outages: dict[str, float] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)
    where: str = ""
    dead: bool = False

    def heal(self) -> None:
        """Everything works again."""
        self.faults = ()
        self.outages.clear()
        self.account.appconfig.never_completes = False
        plane = self.account.appconfigdata
        plane.frozen_until = plane.garbled_until = 0

    def invoke(self, state: str, run: Call) -> Any:
        """What Step Functions, or Lambda for the guard, sees of an invocation."""
        self.where, self.dead = state, False

        def whole() -> Any:
            return json.loads(json.dumps(run()))

        try:
            fault = self._strikes(state, "")
            return answered(fault, whole) if fault else whole()
        except TaskError:
            raise
        except DiedError:
            raise TaskError("Lambda.Unknown", "the sandbox died") from None
        except Exception as error:
            cause = {"errorMessage": str(error), "errorType": type(error).__name__}
            raise TaskError(type(error).__name__, json.dumps(cause)) from error
        finally:
            self.where, self.dead = "", False

    def call(self, service: str, operation: str, given: dict[str, Any]) -> dict[str, Any]:
        """What a function or a reader sees of a call to AWS."""
        if self.dead:
            raise DiedError
        action = f"{service}:{operation}"
        if self.outages.get(service, 0) > self.account.clock():
            raise RefusedError("InternalServerException", f"injected: {service} is out")

        def apply() -> dict[str, Any]:
            return self.account.answer(service, operation, given)

        if self.where:
            self.calls.append((self.where, action))
        fault = self._strikes(self.where, action)
        found: dict[str, Any] = called(fault, apply, self) if fault else apply()
        return found

    def _strikes(self, state: str, action: str) -> Fault | None:
        for fault in self.faults:
            if fault.strikes(state, action, self.struck[fault]):
                self.struck[fault] += 1
                return fault
        return None
