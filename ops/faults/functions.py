"""The real handlers with their real adapters, by the names the definition has for them.

Only clock, pauses and clients are given; everything else is what the Lambda functions run.
"""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, Final

from ops.faults.appconfig import FLAG_NAME, RAMP, URGENT
from ops.faults.machine import MACHINE_ARN
from ops.faults.services import ALARM
from ops.faults.wire import client
from rollout.adapters import flag_reader, users_control
from rollout.adapters.alarms import CloudWatchAlarms
from rollout.adapters.aliases import LambdaAliases
from rollout.adapters.approvals import ParameterApprovals
from rollout.adapters.candidate import LambdaCandidate
from rollout.adapters.executions import StepFunctionsExecutions
from rollout.adapters.flag_reader import ServedFlag
from rollout.adapters.flags import AppConfigFlags
from rollout.adapters.metrics import CloudWatchMetrics
from rollout.adapters.notifications import SnsNotifications
from rollout.adapters.request_log import RequestLog
from rollout.adapters.schedules import SchedulerSchedules
from rollout.adapters.shadow import LambdaTee
from rollout.handlers import (
    ask_a_person,
    cleanup,
    confirm_exposure,
    evaluate,
    guard,
    notify,
    preflight,
    read,
    roll_back,
    schedule_next,
    set_exposure,
    watchdog,
)
from rollout.settings import Settings

POLL_SECONDS: Final = 45
IDS: Final = ("APPCONFIG_APPLICATION_ID", "APPCONFIG_ENVIRONMENT_ID", "APPCONFIG_PROFILE_ID")
SETTINGS: Final = Settings({**dict.fromkeys(IDS, "x"), "FLAG_NAME": FLAG_NAME})
Function = Callable[[dict[str, Any]], dict[str, Any]]
Clock = Callable[[], float]
Pause = Callable[[float], None]


class AtOnce(Executor):
    """Runs what is submitted in the caller's thread, so that nothing depends on chance."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as error:
            done.set_exception(error)
        return done


class Silent(RequestLog):
    """The read path's log without its lines."""

    def write(self, *_: Any) -> None: ...
    def note(self, *_: Any) -> None: ...


def _flags() -> AppConfigFlags:
    return AppConfigFlags(client("appconfig"), "x", "x", "x", FLAG_NAME, RAMP, URGENT)


def _served() -> ServedFlag:
    return ServedFlag(client("appconfigdata"), SETTINGS)


def _alarms() -> CloudWatchAlarms:
    return CloudWatchAlarms(client("cloudwatch"), (ALARM,))


def _schedules() -> SchedulerSchedules:
    return SchedulerSchedules(client("scheduler"), "x", "arn:aws:iam::000000000000:role/x", "")


def _approvals() -> ParameterApprovals:
    return ParameterApprovals(client("ssm"), "/x")


def _topic() -> SnsNotifications:
    return SnsNotifications(client("sns"), "arn:aws:sns:us-east-1:000000000000:x", "a-stack")


def rolling_back(clock: Clock, sleep: Pause) -> roll_back.Ports:
    """What a rollback is given."""
    return roll_back.Ports(_flags(), _served(), _alarms(), _schedules(), _approvals(), clock, sleep)


def guarding(clock: Clock, sleep: Pause) -> Function:
    """The guard, which EventBridge invokes."""
    ports = guard.Ports(rolling_back(clock, sleep), _topic())
    return lambda event: guard.guard(event, ports)


def watching(clock: Clock, sleep: Pause) -> Callable[[], dict[str, Any]]:
    """The watchdog, which a schedule invokes."""
    executions = StepFunctionsExecutions(client("stepfunctions"), MACHINE_ARN)
    ports = watchdog.Ports(rolling_back(clock, sleep), executions, _topic(), sleep)
    return lambda: watchdog.watch(ports)


def functions(clock: Clock, sleep: Pause) -> dict[str, Function]:
    """Placeholder in the definition -> handler."""
    flags, metrics = _flags(), CloudWatchMetrics(client("cloudwatch"), "x", "x")
    asked = LambdaCandidate(client("lambda"), "candidate", threads=AtOnce())
    aliases = LambdaAliases(client("lambda"), ("read:live",))
    fit = preflight.Ports(flags, _alarms(), aliases, asked, clock)
    setting = set_exposure.Ports(flags, metrics, clock)
    confirming = confirm_exposure.Ports(flags, _served(), _topic(), POLL_SECONDS, clock)
    weighing = evaluate.Ports(flags, metrics, _alarms(), _topic(), clock)
    asking = ask_a_person.Ports(_approvals(), _topic(), clock)
    scheduling = schedule_next.Ports(flags, _schedules(), clock)
    cleaning = cleanup.Ports(flags, _served(), _schedules(), sleep)
    back = rolling_back(clock, sleep)
    return {
        "${PreflightFunctionArn}": lambda e: preflight.preflight(e, fit),
        "${SetExposureFunctionArn}": lambda e: set_exposure.set_exposure(e, setting),
        "${ConfirmExposureFunctionArn}": lambda e: confirm_exposure.confirm_exposure(e, confirming),
        "${EvaluateFunctionArn}": lambda e: evaluate.evaluate(e, weighing),
        "${AskAPersonFunctionArn}": lambda e: ask_a_person.ask_a_person(e, asking),
        "${ScheduleNextFunctionArn}": lambda e: schedule_next.schedule_next(e, scheduling),
        "${CleanupFunctionArn}": lambda e: cleanup.cleanup(e, cleaning),
        "${RollBackFunctionArn}": lambda e: roll_back.answer(e, back),
        "${NotifyFunctionArn}": lambda e: notify.notify(e, _topic()),
    }


def reader(clock: Clock) -> read.Ports:
    """A warm sandbox of the read path."""
    flag = flag_reader.reader(client("appconfigdata"), SETTINGS, poll_seconds=POLL_SECONDS)
    flag.clock = clock
    asked = LambdaCandidate(client("lambda"), "candidate", threads=AtOnce())
    tee = LambdaTee(client("lambda"), "compare")
    log = Silent("x", "x", 60, b"key")
    return read.Ports(flag, users_control.user, asked, tee, log, clock)
