"""Stands in for how Step Functions ends an execution from outside.

Used by the emulator's own process. There an execution has no end by time, and one that was aborted
while its task ran becomes FAILED when the task fails.
"""

import contextvars
import json
import threading
from typing import Any, Final

RUNNING: Final = "RUNNING"
TIMED_OUT: Final = "TIMED_OUT"
# The private names of ministack's module that are used here.
NAMES: Final = (
    "_add_event",
    "_emit_execution_status_event",
    "_executions",
    "_fail_execution",
    "_run_execution",
    "_state_machines",
    "now_iso",
)


def honour(stepfunctions: Any) -> None:
    """Let an execution end TIMED_OUT after its machine's TimeoutSeconds, and only once."""
    run, fail = stepfunctions._run_execution, stepfunctions._fail_execution

    def run_until_timeout(arn: str) -> None:
        seconds = _timeout_seconds(stepfunctions, arn)
        if seconds is None:
            run(arn)
            return
        # The account and the region of the request, which a thread does not inherit.
        expire = contextvars.copy_context().run
        clock = threading.Timer(seconds, expire, args=(_expire, stepfunctions, arn))
        clock.daemon = True
        clock.start()
        try:
            run(arn)
        finally:
            clock.cancel()

    def fail_if_running(execution: dict[str, Any], error: str, cause: str) -> None:
        if execution["status"] == RUNNING:
            fail(execution, error, cause)

    stepfunctions._run_execution = run_until_timeout
    stepfunctions._fail_execution = fail_if_running


def _timeout_seconds(stepfunctions: Any, arn: str) -> float | None:
    """Of the machine as it is defined now; None when it has none, or is gone."""
    execution = stepfunctions._executions.get(arn) or {}
    machine = stepfunctions._state_machines.get(execution.get("stateMachineArn")) or {}
    seconds = json.loads(machine.get("definition") or "{}").get("TimeoutSeconds")
    return None if seconds is None else float(seconds)


def _expire(stepfunctions: Any, arn: str) -> None:
    execution = stepfunctions._executions.get(arn)
    if execution is None or execution["status"] != RUNNING:
        return
    execution["status"] = TIMED_OUT
    execution["stopDate"] = stepfunctions.now_iso()
    stepfunctions._add_event(execution, "ExecutionTimedOut", {"executionTimedOutEventDetails": {}})
    stepfunctions._emit_execution_status_event(execution)
