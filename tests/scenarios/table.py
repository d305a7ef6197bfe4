"""The ways through the playbook, state by state, for every interpreter of it.

A line is a state that is entered; after the colon stands the word that its task is answered.
"""

from typing import Final

from tests.scenarios.visits import TIMED_OUT, Path, Visit, enters, written

_AT_THE_END: Final = """
    Notify: told
    How Did It End?
"""
ROLLED_BACK: Final = written(f"""
    Roll Back: ROLLED_BACK
    {_AT_THE_END}
    Rolled Back
""")
LAUNCHED: Final = written(f"""
    Schedule Ramp: LAUNCHED
    {_AT_THE_END}
    Launched
""")
RAMPED: Final = written(f"""
    Schedule Ramp: RAMPED
    {_AT_THE_END}
    Ramped
""")
LAST_SCHEDULED: Final = written(f"""
    Schedule Cleanup: RAMPED
    {_AT_THE_END}
    Ramped
""")
COMPLETED: Final = written(f"""
    Cleanup: COMPLETED
    Cleaned Up?
    {_AT_THE_END}
    Completed
""")

LAUNCHING: Final = written("""
    Preflight: LAUNCH
    Fit to Start?
""")
IN_SHADOW: Final = (
    *LAUNCHING,
    *written("""
        Drill Rollback: PROVEN
        Rollback Proven?
        Start Shadow: DEPLOYING
        Confirm Exposure: SERVED_SHADOW
        Exposure Served?
        Shadow Soak
    """),
)
CANARY: Final = written("""
    Enable Canary: DEPLOYING
    Confirm Exposure: SERVED_LIVE
    Exposure Served?
    Bake
""")
IN_CANARY: Final = (
    *IN_SHADOW,
    *written("""
        Evaluate Shadow: PROMOTE
        Shadow Sound?
    """),
    *CANARY,
)
RAMPING: Final = written("""
    Preflight: RAMP
    Fit to Start?
""")
RAISED: Final = written("""
    Raise Exposure: DEPLOYING
    Confirm Exposure: SERVED_LIVE
    Exposure Served?
    Bake
""")
IN_RAMP: Final = (*RAMPING, *RAISED)
CLEANING: Final = written("""
    Preflight: CLEANUP
    Fit to Start?
""")


def shadow(word: str) -> Path:
    return written(f"Evaluate Shadow: {word}\nShadow Sound?")


def judged(word: str) -> Path:
    return written(f"Evaluate Metrics: {word}\nGo / No-Go?")


def promoted(following: str) -> Path:
    return (*judged(f"PROMOTE {following}"), Visit("What Comes Next?"))


def asked(word: str) -> Path:
    return written(f"Ask a Person: {word}\nApproved?")


APPROVED: Final = (*asked("APPROVED"), Visit("What Comes Next?"))
REJECTED: Final = (*asked("REJECTED"), *ROLLED_BACK)
NOBODY_ANSWERS: Final = (enters("Ask a Person", TIMED_OUT), *ROLLED_BACK)
STEPPED_DOWN: Final = (
    *IN_RAMP,
    *written("""
        Evaluate Metrics: STEP_DOWN
        Go / No-Go?
        Step Down: DEPLOYING
        Confirm Exposure: SERVED_DOWN
        Exposure Served?
    """),
)
SHADOW_IN_DOUBT: Final = (*IN_SHADOW, *shadow("INVESTIGATE CANARY"))
CANARY_IN_DOUBT: Final = (*IN_CANARY, *judged("INVESTIGATE RAMP"))
RAMP_IN_DOUBT: Final = (*IN_RAMP, *judged("INVESTIGATE RAMP"))
LAST_IN_DOUBT: Final = (*IN_RAMP, *judged("INVESTIGATE CLEANUP"))
HELD: Final = written("""
    Preflight: HELD
    Fit to Start?
    Held
""")

# Every function answers, with a word that the machine knows.
WAYS: Final[dict[str, Path]] = {
    "Launch": (*IN_CANARY, *promoted("RAMP"), *LAUNCHED),
    "Ramp": (*IN_RAMP, *promoted("RAMP"), *RAMPED),
    "LastRamp": (*IN_RAMP, *promoted("CLEANUP"), *LAST_SCHEDULED),
    "Cleanup": (*CLEANING, *COMPLETED),
    "HoldThenPromoteInShadow": (
        *IN_SHADOW,
        *shadow("HOLD"),
        Visit("Shadow Soak"),
        *shadow("PROMOTE"),
        *CANARY,
        *promoted("RAMP"),
        *LAUNCHED,
    ),
    "HoldThenPromoteInCanary": (
        *IN_CANARY,
        *judged("HOLD"),
        Visit("Bake"),
        *promoted("RAMP"),
        *LAUNCHED,
    ),
    "HoldThenPromoteInRamp": (
        *IN_RAMP,
        *judged("HOLD"),
        Visit("Bake"),
        *judged("HOLD"),
        Visit("Bake"),
        *promoted("RAMP"),
        *RAMPED,
    ),
    "ApprovedInShadow": (
        *SHADOW_IN_DOUBT,
        *APPROVED,
        *CANARY,
        *promoted("RAMP"),
        *LAUNCHED,
    ),
    "ApprovedInCanary": (*CANARY_IN_DOUBT, *APPROVED, *LAUNCHED),
    "ApprovedInRamp": (*RAMP_IN_DOUBT, *APPROVED, *RAMPED),
    "ApprovedInLastRamp": (*LAST_IN_DOUBT, *APPROVED, *LAST_SCHEDULED),
    "ApprovedAfterStepDown": (*STEPPED_DOWN, *APPROVED, *RAMPED),
    "RejectedInShadow": (*SHADOW_IN_DOUBT, *REJECTED),
    "RejectedInCanary": (*CANARY_IN_DOUBT, *REJECTED),
    "RejectedInRamp": (*RAMP_IN_DOUBT, *REJECTED),
    "RejectedAfterStepDown": (*STEPPED_DOWN, *REJECTED),
    "NobodyAnswersInShadow": (*SHADOW_IN_DOUBT, *NOBODY_ANSWERS),
    "NobodyAnswersInCanary": (*CANARY_IN_DOUBT, *NOBODY_ANSWERS),
    "NobodyAnswersInRamp": (*RAMP_IN_DOUBT, *NOBODY_ANSWERS),
    "NobodyAnswersAfterStepDown": (*STEPPED_DOWN, *NOBODY_ANSWERS),
    "RollBackBeforeShadow": (*written("Preflight: ROLL_BACK\nFit to Start?"), *ROLLED_BACK),
    "RollBackUnproven": (
        *LAUNCHING,
        *written("Drill Rollback: NOT_PROVEN\nRollback Proven?"),
        *ROLLED_BACK,
    ),
    "RollBackInShadow": (*IN_SHADOW, *shadow("ROLL_BACK"), *ROLLED_BACK),
    "RollBackInCanary": (*IN_CANARY, *judged("ROLL_BACK"), *ROLLED_BACK),
    "RollBackInRamp": (*IN_RAMP, *judged("ROLL_BACK"), *ROLLED_BACK),
    "RollBackWhileSpreading": (
        *RAMPING,
        *written("""
            Raise Exposure: DEPLOYING
            Confirm Exposure: SPREADING
            Exposure Served?
            Let It Spread
            Confirm Exposure: LOST
            Exposure Served?
        """),
        *ROLLED_BACK,
    ),
    "SpreadsSlowly": (
        *RAMPING,
        *written("""
            Raise Exposure: DEPLOYING
            Confirm Exposure: SPREADING
            Exposure Served?
            Let It Spread
            Confirm Exposure: SERVED_LIVE
            Exposure Served?
            Bake
        """),
        *promoted("RAMP"),
        *RAMPED,
    ),
    "HeldBeforeTheStep": (*HELD, *HELD, *IN_RAMP, *promoted("RAMP"), *RAMPED),
    "HeldWhileRaising": (
        *RAMPING,
        *written("""
            Raise Exposure: HELD
            Confirm Exposure: HELD
            Exposure Served?
            Held
        """),
        *IN_RAMP,
        *promoted("RAMP"),
        *RAMPED,
    ),
    "HeldWhileCleaningUp": (
        *CLEANING,
        *written("Cleanup: HELD\nCleaned Up?\nHeld"),
        *CLEANING,
        *COMPLETED,
    ),
    "Refused": written(f"Preflight: REFUSED\nFit to Start?\nRefuse\n{_AT_THE_END}\nRefused"),
}

# An answer that no state knows: doubt rolls back, and at the end the guard is called.
UNKNOWN: Final[dict[str, Path]] = {
    "UnknownFitness": (*written("Preflight: PURPLE\nFit to Start?"), *ROLLED_BACK),
    "UnknownShadow": (*IN_SHADOW, *shadow("PURPLE"), *ROLLED_BACK),
    "UnknownVerdict": (*IN_RAMP, *judged("PURPLE"), *ROLLED_BACK),
    "UnknownNext": (*IN_RAMP, *promoted("PURPLE"), *ROLLED_BACK),
    "UnknownAnswer": (*RAMP_IN_DOUBT, *asked("PURPLE"), *ROLLED_BACK),
    "UnknownCleanup": (*CLEANING, *written("Cleanup: PURPLE\nCleaned Up?"), *ROLLED_BACK),
    "UnknownOutcome": (
        *IN_RAMP,
        *promoted("RAMP"),
        *written(f"Schedule Ramp: PURPLE\n{_AT_THE_END}\nControl Not Confirmed"),
    ),
}
