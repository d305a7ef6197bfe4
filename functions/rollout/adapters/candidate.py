"""Asking the candidate function, within a budget."""

import json
import time
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

from rollout.adapters.clients import quick_client
from rollout.adapters.observed import told
from rollout.adapters.shadow import TEE_TIMEOUT_MS
from rollout.domain.observation import Observation
from rollout.settings import settings

TIMED_OUT: Final = "TimedOut"
# Asked one at a time; the others are for those that were given up and have not ended yet.
THREADS: Final = 4
LONGEST_BUDGET_MS: Final = 10_000


class Candidate(Protocol):
    """The port: one read. Never raises; a failure is an observation."""

    def read(self, user_id: str) -> Observation: ...


def _threads() -> Executor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix="candidate")


@dataclass(frozen=True)
class LambdaCandidate:
    """The candidate function's alias, given `budget_ms` from the question to the last byte.

    A client's own timeouts bound each wait, not their sum (name, connect, TLS, each part of the
    answer), so the call has a thread of its own and is given up when its time is over. The
    client's timeouts end it then; it is not repeated.
    """

    api: Any
    function: str
    budget_ms: int = LONGEST_BUDGET_MS
    threads: Executor = field(default_factory=_threads)

    @classmethod
    def connect(cls, budget_ms: int = 0) -> "LambdaCandidate":
        """From the environment variables; the budget is CANDIDATE_BUDGET_MS unless given."""
        known = settings()
        budget_ms = budget_ms or known.whole("CANDIDATE_BUDGET_MS")
        # The tee's client where that is patient enough: one less to make, and one connection.
        api = quick_client("lambda", max(budget_ms, TEE_TIMEOUT_MS))
        return cls(api, known.text("CANDIDATE_FUNCTION"), budget_ms)

    def read(self, user_id: str) -> Observation:
        """The candidate's answer, or why there is none."""
        started = time.monotonic()
        asked = self.threads.submit(self._ask, user_id)
        try:
            value, error, message = asked.result(self.budget_ms / 1000)
        except TimeoutError:
            asked.cancel()  # if it has not begun, nobody waits for it any more
            value, error, message = None, TIMED_OUT, f"no answer in {self.budget_ms} ms"
        except Exception as failure:  # the port promises an observation
            value, error, message = None, type(failure).__name__, told(failure)
        return Observation(value, error, (time.monotonic() - started) * 1000, message)

    def _ask(self, user_id: str) -> tuple[Any, str, str]:
        """(user, error, message)."""
        try:
            answer = self.api.invoke(
                FunctionName=self.function, Payload=json.dumps({"userId": user_id})
            )
            body = json.loads(answer["Payload"].read())
        except ReadTimeoutError:
            return None, TIMED_OUT, ""
        except (ClientError, BotoCoreError, ValueError, RecursionError) as error:
            return None, type(error).__name__, told(error)
        known = body if isinstance(body, dict) else {}
        if "FunctionError" in answer:
            # Its message is whatever the function choked on; its class is enough.
            return None, str(known.get("errorType", answer["FunctionError"])), ""
        if "error" not in known:
            return None, "MalformedAnswer", ""
        return known.get("user"), str(known["error"]), str(known.get("message", ""))
