"""May a code release of the functions go on? What was found -> reasons against it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

BROKEN_FROM: Final = 500


@dataclass(frozen=True)
class Probe:
    """One read by a version that nobody is served by yet. error: "" when it answered."""

    version: str
    error: str = ""


def obstacles(holder: str, probes: tuple[Probe, ...]) -> tuple[str, ...]:
    """Why the release must not go on; nothing when it may.

    Args:
        holder: the rollout that holds the flag, "" for nobody. Its evidence is about the code
            that runs; two canaries at once would confound each other.
        probes: at least one, or nothing is known of the new code.
    """
    reasons = [f"{probe.version} does not answer: {probe.error}" for probe in probes if probe.error]
    if holder:
        reasons.append(f"rollout {holder} holds the flag: wait for its end or roll it back")
    if not probes:
        reasons.append("no version is newer than what its alias serves: nothing was tried")
    return tuple(reasons)


def failure_of(body: Any, function_error: str = "") -> str:
    """What is wrong with the answer of a read; "" when nothing is.

    Args:
        body: what the function returned: an HTTP response of the read function, or the
            candidate's {"user", "error"}. That there is no such user is an answer.
        function_error: Lambda's own word for an exception or a timeout.
    """
    known = body if isinstance(body, Mapping) else {}
    if function_error:
        return str(known.get("errorType", function_error))
    if "statusCode" in known:
        status = known["statusCode"]
        failed = not isinstance(status, int) or status >= BROKEN_FROM
        return f"status {status}" if failed else ""
    return str(known["error"]) if "error" in known else "MalformedAnswer"
