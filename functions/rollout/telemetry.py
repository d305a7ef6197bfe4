"""The logger of the rollout's own functions, in one place.

The read path does not use it: its one line per request is written by `adapters.request_log`.
"""

from functools import cache

from aws_lambda_powertools import Logger

from rollout.settings import settings


@cache
def log() -> Logger:
    """One structured logger per sandbox, made at first use."""
    return Logger(service=settings().optional("SERVICE_NAME") or "rollout")
