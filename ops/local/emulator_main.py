"""Stands in for AWS: ministack, with behaviours of AWS added that ministack lacks.

Run by `ops.local.emulator`, never by hand. Two processes: this one only watches, and cleans up
when its parent is gone; the fork it watches is ministack. The parent hands over a listening
socket, so that no port can be taken by somebody else in between.

The added behaviours, each a private name of ministack (tests/local pins them):
1. EventBridge Scheduler looks for due schedules every second instead of every ten.
2. AppConfig ignores an alarm whose actions are disabled.
3. An alarm that changes state tells EventBridge.
4. A Step Functions task honours TimeoutSecondsPath.
5. An asynchronous call of an alias has the retries and the failure queue of that alias.
6. Calls of an alias count towards its function's reserved concurrency. Those above it wait, as
   asynchronous calls do on AWS (where the others are refused).
7. An execution ends TIMED_OUT after its machine's TimeoutSeconds (ops/local/execution_end.py).
8. Calls are recorded (ops/local/calls.py).
9. Logs are read while they are written: a stream that appears meanwhile makes no InternalError.
"""

import asyncio
import ctypes
import json
import os
import select
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from ops.local import calls, execution_end

SCHEDULE_TICK_SECONDS = 1
PR_SET_PDEATHSIG = 1
LONGEST_WAIT_SECONDS = 60
LOG_READERS = ("_describe_log_groups", "_filter_log_events")
READS, PAUSE_SECONDS = 10, 0.01


class MinistackChangedError(Exception):
    """A private name of ministack that is replaced here does not exist any more."""

    def __init__(self, module: str, name: str) -> None:
        super().__init__(
            f"{module} has no {name}: this version of ministack differs from the one"
            " ops/local/emulator_main.py was written for"
        )


def private(module: ModuleType, name: str) -> Any:
    """A name ministack does not promise to keep; raises MinistackChangedError when it is gone."""
    try:
        return getattr(module, name)
    except AttributeError:
        raise MinistackChangedError(module.__name__, name) from None


def shorten_schedule_tick() -> None:
    scheduler: Any = import_module("ministack.services.scheduler")
    private(scheduler, "_SCHEDULE_TICK_INTERVAL")
    scheduler._SCHEDULE_TICK_INTERVAL = SCHEDULE_TICK_SECONDS


def honour_disabled_alarm_actions() -> None:
    cloudwatch: Any = import_module("ministack.services.cloudwatch")
    first_alarm_time = private(cloudwatch, "first_alarm_time")
    alarms = private(cloudwatch, "_alarms")

    def first_time_of_enabled(alarm_arn: str, start: float, end: float) -> Any:
        alarm = alarms.get(alarm_arn.rpartition(":alarm:")[2]) or {}
        if not alarm.get("ActionsEnabled", True):
            return None
        return first_alarm_time(alarm_arn, start, end)

    cloudwatch.first_alarm_time = first_time_of_enabled


def tell_alarm_changes() -> None:
    cloudwatch: Any = import_module("ministack.services.cloudwatch")
    record_history = private(cloudwatch, "_record_history")
    alarms = private(cloudwatch, "_alarms")
    put_events = private(import_module("ministack.services.eventbridge"), "_put_events")

    def record_and_tell(name: str, old: str, new: str, reason: str, *rest: Any) -> None:
        record_history(name, old, new, reason, *rest)
        if old != new:
            event = alarm_event(alarms.get(name) or {}, name, old, new, reason)
            put_events({"Entries": [event]}, allow_aws_source=True)

    cloudwatch._record_history = record_and_tell


def alarm_event(
    alarm: dict[str, Any], name: str, old: str, new: str, reason: str
) -> dict[str, Any]:
    """The entry of PutEvents that CloudWatch would send for a change of state."""
    detail = {
        "alarmName": name,
        "state": {"value": new, "reason": reason},
        "previousState": {"value": old},
    }
    return {
        "Source": "aws.cloudwatch",
        "DetailType": "CloudWatch Alarm State Change",
        "Detail": json.dumps(detail),
        "Resources": [alarm.get("AlarmArn", "")],
    }


def honour_timeout_path() -> None:
    stepfunctions: Any = import_module("ministack.services.stepfunctions")
    execute_task = private(stepfunctions, "_execute_task")
    resolve_path = private(stepfunctions, "_resolve_path")

    def execute_with_timeout(state: dict[str, Any], raw_input: Any, *rest: Any) -> Any:
        path = state.get("TimeoutSecondsPath")
        if path is not None:
            state = {**state, "TimeoutSeconds": resolve_path(path, raw_input)}
        return execute_task(state, raw_input, *rest)

    stepfunctions._execute_task = execute_with_timeout


def apply_alias_settings() -> None:
    functions: Any = import_module("ministack.services.lambda_svc")
    invoke_async = private(functions, "invoke_async_with_retry")
    stored = private(functions, "_functions")

    def invoke_async_as_alias(version: dict[str, Any], event: Any) -> None:
        config = version.get("config") or version
        alias = config["FunctionArn"].split(":")[7:]
        settings = (stored.get(config["FunctionName"]) or {}).get("event_invoke_configs") or {}
        if alias and alias[0] in settings:
            version = {**version, "event_invoke_config": settings[alias[0]]}
        invoke_async(version, event)

    functions.invoke_async_with_retry = invoke_async_as_alias


def share_reserved_concurrency() -> None:
    functions: Any = import_module("ministack.services.lambda_svc")
    acquire = private(functions, "_acquire_execution_slot")
    release = private(functions, "_release_execution_slot")
    key_of = private(functions, "_inflight_key")
    stored = private(functions, "_functions")
    places: dict[str, threading.Semaphore] = {}

    def wait_and_acquire(version: dict[str, Any], config: dict[str, Any]) -> Any:
        function = stored.get(config.get("FunctionName")) or {}
        reserved = function.get("concurrency")
        if reserved is None:
            return acquire(version, config)
        place = places.setdefault(key_of(config), threading.Semaphore(int(reserved)))
        if not place.acquire(timeout=LONGEST_WAIT_SECONDS):
            return None, "function"
        return acquire(version, config)

    def release_place(key: str) -> None:
        release(key)
        if key in places:
            places[key].release()

    functions._acquire_execution_slot = wait_and_acquire
    functions._release_execution_slot = release_place


def end_executions_in_time() -> None:
    stepfunctions: Any = import_module("ministack.services.stepfunctions")
    for name in execution_end.NAMES:
        private(stepfunctions, name)
    execution_end.honour(stepfunctions)


def record_calls(folder: Path) -> None:
    private(import_module("ministack.core.iam_evaluator"), "enforce")
    private(import_module("ministack.services.sts"), "_sessions")
    calls.record(calls.calls_of(folder / "emulator.log"))


def read_growing_logs() -> None:
    logs: Any = import_module("ministack.services.cloudwatch_logs")
    for name in LOG_READERS:
        setattr(logs, name, again_when_grown(private(logs, name)))


def again_when_grown(reader: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The reader, which begins anew when what it reads has grown meanwhile."""

    def read(data: Any) -> Any:
        for _ in range(READS - 1):
            try:
                return reader(data)
            except RuntimeError:  # a dictionary changed its size while it was gone through
                time.sleep(PAUSE_SECONDS)
        return reader(data)

    return read


def serve(listener: int, folder: Path) -> None:
    """Run ministack on an inherited listening socket until the process is ended."""
    hypercorn = import_module("hypercorn.asyncio")
    config = import_module("hypercorn.config").Config()
    app = import_module("ministack.app").app

    shorten_schedule_tick()
    honour_disabled_alarm_actions()
    tell_alarm_changes()
    honour_timeout_path()
    apply_alias_settings()
    share_reserved_concurrency()
    end_executions_in_time()
    read_growing_logs()
    record_calls(folder)

    config.bind = [f"fd://{listener}"]
    config.keep_alive_timeout = 75
    config.loglevel = os.environ.get("LOG_LEVEL", "WARNING")
    asyncio.run(hypercorn.serve(app, config))


def die_with_parent() -> None:
    """Have Linux kill this process when its parent ends; elsewhere the parent has to do it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def watch(child: int) -> int:
    """Wait until ministack ends (returns its exit code) or standard input is closed (0)."""
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        readable, _, _ = select.select([0], [], [], 0.2)
        if readable and not os.read(0, 1):
            return 0


def end_session() -> None:
    """End ministack and its workers: all of this process group but this process."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    os.killpg(0, signal.SIGTERM)


def end(child: int) -> None:
    """Make sure ministack has ended, so that it no longer writes to its folder."""
    try:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    except (ProcessLookupError, ChildProcessError):
        pass


def main() -> int:
    listener, folder = int(sys.argv[1]), sys.argv[2]
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))

    child = os.fork()
    if child == 0:
        die_with_parent()
        serve(listener, Path(folder))
        return 0

    os.close(listener)
    try:
        return watch(child)
    finally:
        end_session()
        end(child)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
