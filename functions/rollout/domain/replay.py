"""Recorded minutes judged again: what a plan would have called for, when, and at what price."""

from collections.abc import Sequence
from dataclasses import dataclass

from rollout.domain.errors import InvalidInputError
from rollout.domain.judge import Judge
from rollout.domain.minute import Minute, by_try
from rollout.domain.plan import Plan
from rollout.domain.promises import promises_of

PROMOTE, STAY, TURN_BACK = "PROMOTE", "HOLD", "ROLL_BACK"


@dataclass(frozen=True)
class Turn:
    """A change of what the judge says: epoch second, phase, word, and why."""

    at: float
    phase: str
    word: str
    why: str


@dataclass(frozen=True)
class Replay:
    """One plan over one recording.

    turns: every change of the word, first to last. ends_at: when it rolled back, 0 if never.
    served_bad: errors and slow requests of exposed users until then; recorded_bad: in all.
    """

    plan: str
    turns: tuple[Turn, ...]
    ends_at: float
    served_bad: int
    recorded_bad: int

    @property
    def word(self) -> str:
        """What the judge said at the end."""
        return self.turns[-1].word if self.turns else STAY


def replay(minutes: Sequence[Minute], plan: Plan, period_seconds: int) -> Replay:
    """Judge the minutes, in their recorded phases, as this plan promises.

    What the evidence calls for is ROLL_BACK here, and final, also where the plan would ask a
    person. After a step down that it did not call for, evidence begins anew. Raises
    InvalidInputError when the minutes are not in order, or in a phase the plan does not have.
    """
    promises = promises_of(plan, period_seconds)
    judge, turns = Judge(promises), list[Turn]()
    before, ends_at, served, recorded, began = -1.0, 0.0, 0, 0, 0.0
    for number, (minute, anew) in enumerate(by_try(minutes)):
        _check(number, minute, before, plan)
        if anew and not ends_at:
            judge = Judge(promises)
        if not turns or minute.stage != judge.stage:
            began = minute.at
        before = minute.at
        judge.see(minute)
        bad = _bad(minute)
        recorded += bad
        served += 0 if ends_at else bad
        phase = plan.phases[minute.stage]
        turn = _turn(judge, minute, phase.name, minute.at - began >= phase.bake_seconds)
        if not turns or (turns[-1].word, turns[-1].phase) != (turn.word, turn.phase):
            turns.append(turn)
        if turn.word == TURN_BACK and not ends_at:
            ends_at = minute.at
    return Replay(plan.name, tuple(turns), ends_at, served, recorded)


def _check(number: int, minute: Minute, before: float, plan: Plan) -> None:
    if minute.at <= before:
        raise InvalidInputError(
            field=f"minute {number + 1}: at", value=minute.at, expected=f"after {before:g}"
        )
    if minute.stage >= len(plan.phases):
        raise InvalidInputError(
            field=f"minute {number + 1}: stage",
            value=minute.stage,
            expected=f"a phase of plan {plan.name}: 0 to {len(plan.phases) - 1}",
        )


def _bad(minute: Minute) -> int:
    if minute.candidate is None or minute.exposure == 0:
        return 0
    return min(minute.candidate.requests, minute.candidate.errors + minute.candidate.slow)


def _turn(judge: Judge, minute: Minute, phase: str, baked: bool) -> Turn:
    if judge.accused:
        worst = max(judge.accused, key=lambda name: judge.accused[name])
        return Turn(minute.at, phase, TURN_BACK, f"{worst}: evidence {judge.accused[worst]:.3g}")
    if judge.silence.silent:
        return Turn(minute.at, phase, TURN_BACK, "the candidate is silent")
    if baked and judge.ready:
        return Turn(minute.at, phase, PROMOTE, "certified")
    return Turn(minute.at, phase, STAY, "not certified yet" if baked else "baking")
