"""Where an interpreter does otherwise than the table, which has what AWS documents, and why."""

from itertools import takewhile
from typing import Final

from tests.scenarios import SCENARIOS
from tests.scenarios.failures import RECOVERIES, UNREADABLE
from tests.scenarios.runs import Run

# Two runs enter the same states, with another number of failed calls.
ATTEMPTS: Final = "attempts"

NULL: Final = "a path that points at nothing gives null, and the execution goes on"
CAUGHT: Final = "a Catch of States.ALL also takes States.Runtime"
ONCE: Final = "a mock is looked up once a visit: what throws does so at every attempt"
NO_RETRY: Final = "TestState looks at Catch before Retry, so nothing is tried again"

MIXED: Final = ("BrokenBetweenThrottles", "ThrottledBetweenBreaks")
RETRIED: Final = {
    name for name, way in SCENARIOS.items() if any(len(visit.calls) > 1 for visit in way)
}
# By interpreter and scenario: the state at which the two part, or ATTEMPTS; and the reason.
DIFFERENCES: Final[dict[str, dict[str, tuple[str, str]]]] = {
    "on_emulator": {
        **dict.fromkeys(RECOVERIES, ("Preflight", ONCE)),
        **dict.fromkeys(MIXED, (ATTEMPTS, ONCE)),
        **dict.fromkeys(UNREADABLE, ("Raise Exposure", NULL)),
    },
    "by_state_on_emulator": {
        **dict.fromkeys(RETRIED - RECOVERIES.keys(), (ATTEMPTS, NO_RETRY)),
        **dict.fromkeys(RECOVERIES, ("Preflight", NO_RETRY)),
        **dict.fromkeys(UNREADABLE, ("Raise Exposure", NULL)),
    },
    "on_moto": dict.fromkeys(UNREADABLE, ("Raise Exposure", CAUGHT)),
    "on_step_functions_local": {},
    "by_state_on_aws": {},
}


def parting(wanted: Run, found: Run) -> str:
    """Where two runs part: the last state that both enter, ATTEMPTS, or "" when they are equal."""
    if wanted == found:
        return ""
    if wanted.path == found.path:
        return ATTEMPTS
    common = takewhile(lambda pair: pair[0] == pair[1], zip(wanted.path, found.path, strict=False))
    return [state for state, _ in common][-1]
