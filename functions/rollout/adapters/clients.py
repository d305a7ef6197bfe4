"""boto3 clients, made once per sandbox and service, at first use."""

from functools import cache
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

# The service's name is a variable here, which boto3's optional type stubs cannot follow.
_boto3: Any = boto3
# What AWS answers when calls come too fast. Source: boto3 guide, "Retries", standard mode; and
# "Throttled" of the SNS API, which botocore does not try again.
THROTTLED: Final = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "Throttled",
        "RequestThrottled",
        "RequestThrottledException",
        "TooManyRequestsException",
        "ProvisionedThroughputExceededException",
        "TransactionInProgressException",
        "RequestLimitExceeded",
        "BandwidthLimitExceeded",
        "LimitExceededException",
        "SlowDown",
        "PriorRequestNotComplete",
        "EC2ThrottledException",
    }
)


class ThrottledError(ClientError):
    """AWS refused a call because too many came at once, also at the client's last attempt.

    The name is what Step Functions sees of it: the playbook's Retry waits longer for this one.
    """


def naming_throttled(made: Any) -> Any:
    """The same client; a call that is refused for its rate raises ThrottledError."""
    made.meta.events.register("after-call", _name_throttled)
    return made


def _name_throttled(http_response: Any, parsed: dict[str, Any], model: Any, **_: Any) -> None:
    """What botocore calls after its retries, before it raises an error of its own."""
    code = parsed.get("Error", {}).get("Code")
    if http_response.status_code >= 300 and code in THROTTLED:
        raise ThrottledError(parsed, model.name)  # type: ignore[arg-type]


@cache
def client(service: str) -> Any:
    """A client for the rollout's own calls: bounded waits, standard retries. See ThrottledError."""
    config = Config(
        connect_timeout=3, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 4}
    )
    return naming_throttled(_boto3.client(service, config=config))


@cache
def brief_client(service: str) -> Any:
    """A client for what nothing may wait for long: its three attempts fit into half a minute."""
    config = Config(
        connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3}
    )
    return naming_throttled(_boto3.client(service, config=config))


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
