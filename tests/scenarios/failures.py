"""Every task of the playbook, failing: as often as its Retry bears it, and once more."""

from typing import Final

from tests.scenarios.table import (
    CLEANING,
    IN_RAMP,
    IN_SHADOW,
    LAUNCHING,
    RAMP_IN_DOUBT,
    RAMPING,
    ROLLED_BACK,
    WAYS,
    judged,
    promoted,
    shadow,
)
from tests.scenarios.visits import (
    BROKEN,
    CALLS_THROTTLED,
    THROTTLED,
    TIMED_OUT,
    Answered,
    Failed,
    Path,
    Visit,
    enters,
    written,
)

# How each task is come to, and what follows its failure.
BEFORE: Final[dict[str, Path]] = {
    "Preflight": (),
    "Drill Rollback": LAUNCHING,
    "Start Shadow": (*LAUNCHING, *written("Drill Rollback: PROVEN\nRollback Proven?")),
    "Evaluate Shadow": IN_SHADOW,
    "Enable Canary": (*IN_SHADOW, *shadow("PROMOTE")),
    "Raise Exposure": RAMPING,
    "Confirm Exposure": (*RAMPING, *written("Raise Exposure: DEPLOYING")),
    "Evaluate Metrics": IN_RAMP,
    "Step Down": (*IN_RAMP, *judged("STEP_DOWN")),
    "Ask a Person": RAMP_IN_DOUBT,
    "Schedule Ramp": (*IN_RAMP, *promoted("RAMP")),
    "Schedule Cleanup": (*IN_RAMP, *promoted("CLEANUP")),
    "Cleanup": CLEANING,
    "Roll Back": (*IN_RAMP, *judged("ROLL_BACK")),
    "Notify": (*IN_RAMP, *promoted("RAMP"), *written("Schedule Ramp: RAMPED")),
}
AFTER: Final[dict[str, Path]] = {
    **dict.fromkeys(BEFORE, ROLLED_BACK),
    "Roll Back": (Visit("Control Not Confirmed"),),
    "Notify": written("How Did It End?\nRamped"),
}
Calls = tuple[Failed, ...]
# How often a task whose calls are throttled is called once more: where waiting leaves users on what
# is certified, for long; where evidence waits, for minutes; and long enough to roll back.
PATIENT: Final = 16
BRIEF: Final = 8
WAITS: Final[dict[str, int]] = {
    **dict.fromkeys(BEFORE, PATIENT),
    "Confirm Exposure": BRIEF,
    "Evaluate Shadow": BRIEF,
    "Evaluate Metrics": BRIEF,
    "Step Down": BRIEF,
    "Ask a Person": BRIEF,
    "Notify": BRIEF,
    "Roll Back": 12,
}
# What a task bears besides: after these calls it is called once more.
BORNE: Final[Calls] = (BROKEN, *3 * (THROTTLED,), BROKEN, THROTTLED)
BORNE_BY: Final[dict[str, Calls]] = {
    "Ask a Person": 4 * (THROTTLED,),
    "Roll Back": (BROKEN, *2 * (THROTTLED,), *2 * (TIMED_OUT,)),
}
# What it does not bear: after these calls its Catch is taken.
TOO_MUCH: Final[dict[str, Calls]] = {
    "Throttled": 5 * (THROTTLED,),
    "Broken": 3 * (BROKEN,),
    "TimesOut": (TIMED_OUT,),
}
TOO_MUCH_FOR: Final[dict[tuple[str, str], Calls]] = {
    ("Ask a Person", "Broken"): (BROKEN,),
    ("Roll Back", "Throttled"): 6 * (THROTTLED,),
    ("Roll Back", "Broken"): 6 * (BROKEN,),
    ("Roll Back", "TimesOut"): 6 * (TIMED_OUT,),
}


def borne(state: str) -> Calls:
    """All that a task bears, rule by rule."""
    return (*BORNE_BY.get(state, BORNE), *WAITS[state] * (CALLS_THROTTLED,))


def failing(state: str, *calls: Failed) -> Path:
    """To that task, which fails so for good, and to the end."""
    return (*BEFORE[state], enters(state, *calls), *AFTER[state])


def stumbling(path: Path) -> Path:
    """The same way, on which every task that answers does so at its last attempt."""
    return tuple(
        Visit(visit.state, (*borne(visit.state), *visit.calls))
        if any(isinstance(call, Answered) for call in visit.calls)
        else visit
        for visit in path
    )


FAILURES: Final[dict[str, Path]] = {
    **{
        f"{''.join(state.title().split())}{kind}": failing(
            state, *TOO_MUCH_FOR.get((state, kind), calls)
        )
        for state in BEFORE
        for kind, calls in TOO_MUCH.items()
    },
    **{
        f"{''.join(state.title().split())}CallsThrottled": failing(
            state, *(attempts + 1) * (CALLS_THROTTLED,)
        )
        for state, attempts in WAITS.items()
    },
    # Each rule counts for itself: the third of one error is too much, whatever else failed.
    "BrokenBetweenThrottles": failing("Evaluate Metrics", *borne("Evaluate Metrics"), BROKEN),
    "ThrottledBetweenBreaks": failing("Evaluate Metrics", *borne("Evaluate Metrics"), THROTTLED),
}
RECOVERIES: Final[dict[str, Path]] = {
    f"{name}AtTheLastAttempt": stumbling(WAYS[name])
    for name in ("ApprovedInShadow", "LastRamp", "RejectedAfterStepDown", "Cleanup")
}
# An answer that its state cannot read ends the execution: no Catch sees it, the guard does.
UNREADABLE: Final[dict[str, Path]] = {
    "Unreadable": (*RAMPING, Visit("Raise Exposure", (Answered({}),))),
}
