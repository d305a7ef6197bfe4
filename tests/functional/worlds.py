"""The world of the fault matrix, for tests that follow a rollout: its steps start by themselves."""

from functools import cache
from typing import Any

from ops.faults.machine import Execution
from ops.faults.plan import launch
from ops.faults.scenarios import before
from ops.faults.world import GUARD, World
from rollout.domain.question import Question

ROLLOUT = "r-1"


def world(steps: int = 0, **counts: Any) -> World:
    """One in which so many steps of a healthy rollout are over. counts: what CloudWatch tells."""
    found = before(steps).copy()
    found.schedules_fire = True
    for name, value in counts.items():
        setattr(found.account.cloudwatch, name, value)
    return found


def followed(found: World, document: dict[str, Any] | None = None, *, hurt: bool = False) -> World:
    """Launch, or go on with what is scheduled, until nothing is due.

    hurt: whether users then met what they must not: more exposure than the evidence allows.
    """
    if found.account.scheduler.pending:
        found.watch_schedules()
    else:
        found.start(ROLLOUT, document or launch(ROLLOUT))
    found.agenda.settle()
    assert bool(found.users.problems) is hurt, found.users.problems
    return found


@cache
def healthy() -> World:
    """A whole rollout that nothing disturbs, to look at."""
    return followed(world())


def started(found: World, name: str, document: dict[str, Any]) -> Execution:
    """One execution, and whatever follows it, to the end."""
    execution = found.start(name, document)
    found.agenda.settle()
    return execution


def scheduled(found: World) -> dict[str, Any]:
    """The input of the one step that is scheduled."""
    ((_, document),) = found.account.scheduler.pending.values()
    return document


def words(found: World) -> list[str]:
    return [execution.word for execution in found.executions]


def bps(found: World) -> int:
    """What the data plane serves now."""
    return found.account.appconfigdata.flag().exposure_at(found.clock())


def reason(found: World) -> str:
    return str(found.executions[-1].document["outcome"]["reason"])


def subjects(found: World) -> list[str]:
    """Of every message, in order."""
    return [text.splitlines()[0] for text in found.account.sns.told]


def questions(found: World) -> list[Question]:
    """The list to which every question that is kept will be added."""
    asked: list[Question] = []
    keep = found.account.ssm.put_parameter

    def kept(given: dict[str, Any]) -> dict[str, Any]:
        asked.append(Question.from_text(given["Value"]))
        return keep(given)

    found.account.ssm.put_parameter = kept  # type: ignore[method-assign]
    return asked


def alarm(found: World) -> dict[str, Any]:
    """The alarm rings, and the guard hears it at once."""
    detail = {"alarmName": "error-rate", "state": {"value": "ALARM"}}
    event = {"source": "aws.cloudwatch", "detail": detail}
    found.account.cloudwatch.ringing = True
    outcome = found.strikes.invoke(GUARD, lambda: found.guard(event))
    found.account.cloudwatch.ringing = False
    return dict(outcome)


def deploy(found: World, **changes: Any) -> None:
    """Somebody changes the flag by hand."""
    assert not found.account.appconfig.running()
    found.account.appconfig.edit(**changes)


def undo_next(found: World) -> None:
    """AppConfig undoes the next deployment, as it does while an alarm rings."""
    appconfig = found.account.appconfig
    start = appconfig.start_deployment

    def undone(given: dict[str, Any]) -> dict[str, Any]:
        appconfig.start_deployment = start  # type: ignore[method-assign]
        answer = start(given)
        appconfig.end(appconfig.deployments[-1], "CLOUDWATCH_ALARM")
        return answer

    appconfig.start_deployment = undone  # type: ignore[method-assign]
