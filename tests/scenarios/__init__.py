"""One table of scenarios for every interpreter of the playbook: the states that an execution
enters, and what each call of a task gets there."""

from typing import Final

from tests.scenarios.failures import FAILURES, RECOVERIES, UNREADABLE
from tests.scenarios.table import UNKNOWN, WAYS
from tests.scenarios.visits import Path

SCENARIOS: Final[dict[str, Path]] = {**WAYS, **UNKNOWN, **FAILURES, **RECOVERIES, **UNREADABLE}
