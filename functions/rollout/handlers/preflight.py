"""Preflight: the Lambda behind the state of that name. Touches nothing."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from rollout.adapters import plan_documents
from rollout.adapters.alarms import Alarms, CloudWatchAlarms
from rollout.adapters.aliases import Aliases, LambdaAliases
from rollout.adapters.candidate import Candidate, LambdaCandidate
from rollout.adapters.flags import AppConfigFlags, FlagMissingError, Flags
from rollout.domain import holding
from rollout.domain import step as steps
from rollout.domain.errors import InvalidInputError
from rollout.domain.preflight import REFUSED, Fitness, Found, fitness
from rollout.domain.step import LAUNCH, Step
from rollout.telemetry import log

# A cold candidate must not fail the preflight, whose read also warms it.
BUDGET_MS: Final = 10_000
PROBE: Final = "user-1"


@dataclass(frozen=True)
class Ports:
    """What preflight needs from outside."""

    flags: Flags
    alarms: Alarms
    aliases: Aliases
    candidate: Candidate
    clock: Callable[[], float] = time.time


def preflight(event: dict[str, Any], ports: Ports) -> dict[str, Any]:
    """Check the input and everything the step relies on.

    Event: {"document": the execution's input, "execution_name": str}. Returns {"word": LAUNCH,
    RAMP, CLEANUP, REFUSED, ROLL_BACK or HELD, "reasons": [str], "step": Step or {},
    "wait_seconds": before the next look of a step that is HELD}.
    """
    now = ports.clock()
    try:
        step = steps.parse(event["document"], event["execution_name"], now)
        plan = plan_documents.parse(event["document"]["plan"])
        for name in (*([step.phase] if step.phase else []), *(name for name, _ in step.history)):
            plan.phase(name)
        found = _look(step, ports)
    except (InvalidInputError, FlagMissingError) as error:
        return _answer(Fitness(REFUSED, (str(error),)), None)
    return _answer(fitness(step, plan, found, now), step, holding.wait_seconds(plan))


def _look(step: Step, ports: Ports) -> Found:
    deployed = ports.flags.current()
    asked = step.action == LAUNCH
    return Found(
        flag=deployed.flag,
        deployment_running=ports.flags.running() is not None,
        alarms=ports.alarms.states(),
        weighted_aliases=ports.aliases.weighted(),
        candidate_error=ports.candidate.read(PROBE).error if asked else "",
        deployment=deployed.number,
        note=deployed.note,
    )


def _answer(fit: Fitness, step: Step | None, wait_seconds: int = 1) -> dict[str, Any]:
    log().info("preflight", extra={"word": fit.word, "reasons": fit.reasons})
    return {
        "word": fit.word,
        "reasons": list(fit.reasons),
        "step": step.to_json() if step else {},
        "wait_seconds": wait_seconds,
    }


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """The Lambda entry point."""
    ports = Ports(
        AppConfigFlags.connect(),
        CloudWatchAlarms.connect(),
        LambdaAliases.connect(),
        LambdaCandidate.connect(BUDGET_MS),
    )
    return preflight(event, ports)
