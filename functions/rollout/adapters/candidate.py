"""Asking the candidate function, within a budget."""

import json
import time
from dataclasses import dataclass
from typing import Any, Final, Protocol

from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

from rollout.adapters.clients import quick_client
from rollout.domain.observation import Observation
from rollout.settings import settings

TIMED_OUT: Final = "TimedOut"


class Candidate(Protocol):
    """The port: one read. Never raises; a failure is an observation."""

    def read(self, user_id: str) -> Observation: ...


@dataclass(frozen=True)
class LambdaCandidate:
    """The candidate function's alias."""

    api: Any
    function: str

    @classmethod
    def connect(cls, budget_ms: int = 0) -> "LambdaCandidate":
        """From the environment variables; the budget is CANDIDATE_BUDGET_MS unless given."""
        known = settings()
        api = quick_client("lambda", budget_ms or known.whole("CANDIDATE_BUDGET_MS"))
        return cls(api, known.text("CANDIDATE_FUNCTION"))

    def read(self, user_id: str) -> Observation:
        """The candidate's answer, or why there is none."""
        started = time.monotonic()
        value, error = self._ask(user_id)
        return Observation(value, error, (time.monotonic() - started) * 1000)

    def _ask(self, user_id: str) -> tuple[Any, str]:
        try:
            answer = self.api.invoke(
                FunctionName=self.function, Payload=json.dumps({"userId": user_id})
            )
            body = json.loads(answer["Payload"].read())
        except ReadTimeoutError:
            return None, TIMED_OUT
        except (ClientError, BotoCoreError, ValueError) as error:
            return None, type(error).__name__
        known = body if isinstance(body, dict) else {}
        if "FunctionError" in answer:
            return None, str(known.get("errorType", answer["FunctionError"]))
        if "error" not in known:
            return None, "MalformedAnswer"
        return known.get("user"), str(known["error"])
