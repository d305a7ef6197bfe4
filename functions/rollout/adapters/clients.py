"""boto3 clients, made once per sandbox and service, at first use."""

from functools import cache
from typing import Any

import boto3
from botocore.config import Config

# The service's name is a variable here, which boto3's optional type stubs cannot follow.
_boto3: Any = boto3


@cache
def client(service: str) -> Any:
    """A client for the rollout's own calls: bounded waits, standard retries."""
    config = Config(
        connect_timeout=3, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 4}
    )
    return _boto3.client(service, config=config)


@cache
def brief_client(service: str) -> Any:
    """A client for what nothing may wait for long: its three attempts fit into half a minute."""
    config = Config(
        connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3}
    )
    return _boto3.client(service, config=config)


@cache
def quick_client(service: str, read_timeout_ms: int) -> Any:
    """A client for the read path: one attempt, and no longer than the read may wait."""
    seconds = read_timeout_ms / 1000
    config = Config(
        connect_timeout=min(1, seconds),
        read_timeout=seconds,
        retries={"mode": "standard", "total_max_attempts": 1},
        tcp_keepalive=True,
    )
    return _boto3.client(service, config=config)
