"""One rollout under one judge: on a fixed schedule, or led by the judge's answers."""

import time
from dataclasses import dataclass

import numpy as np

from benchmarks.decision.judge import GO, ROLLBACK, Judge
from benchmarks.decision.levels import WEIGHTS
from benchmarks.decision.simulate import Chunk, Rollout

# A stage that lasts this many times its planned minutes is paused for a person.
PATIENCE = 4
# Silence of at least half a stage, in which so many answers were due, is no ground for a GO.
DUE = 5

COMPLETED, PAUSED, ROLLED_BACK = "completed", "paused", "rolled back"


@dataclass(frozen=True)
class Open:
    """A fixed schedule: minutes from the start; bad and exposed: until rollback, or in all.

    onset: the first minute of the change. blind: GO although the candidate was silent.
    """

    rolled_back: int | None
    onset: int | None
    bad: float
    exposed: int
    go: int
    blind: int
    seconds: float
    minutes: int


@dataclass(frozen=True)
class Closed:
    """GO advances. reached: harm that was there before then came to 100 % of the users."""

    outcome: str
    minutes: int
    bad: float
    harmed: bool
    reached: bool


def open_loop(judge: Judge, rollout: Rollout, chunk: Chunk) -> Open:
    """ROLLBACK is final; GO and HOLD count in the last minute of a stage."""
    judge.start(rollout.start)
    each = rollout.level.minutes
    rolled_back, go, blind = None, 0, 0
    begun = time.process_time()
    for minute, message in enumerate(chunk.messages):
        word = judge.minute(message)
        if word == ROLLBACK:
            rolled_back = minute
            break
        if word == GO and minute % each == each - 1:
            go += 1
            blind += _silent(rollout, chunk, slice(minute + 1 - each, minute + 1))
    seconds = time.process_time() - begun
    return outcome(chunk, rolled_back, go, blind, seconds)


def outcome(
    chunk: Chunk, rolled_back: int | None, go: int = 0, blind: int = 0, seconds: float = 0.0
) -> Open:
    """What was served of a fixed schedule that a rollback ended in that minute, or nothing did."""
    seen = len(chunk.messages) if rolled_back is None else rolled_back + 1
    onset = int(chunk.active.argmax()) if chunk.active.any() else None
    return Open(
        rolled_back=rolled_back,
        onset=onset,
        bad=float(chunk.bad[:seen].sum()),
        exposed=int(chunk.exposed[onset or 0 : seen].sum()),
        go=go,
        blind=blind,
        seconds=seconds,
        minutes=seen,
    )


def _silent(rollout: Rollout, chunk: Chunk, stage: slice) -> bool:
    """Was there nothing to found a GO on at the end of this stage?"""
    if not rollout.scenario.change.silent:
        return False
    active = chunk.active[stage]
    if active.all():
        return True
    half = slice(stage.start + len(active) // 2, stage.stop)
    return bool(chunk.active[half].all() and chunk.exposed[half].sum() >= DUE)


def closed_loop(judge: Judge, rollout: Rollout) -> Closed:
    """GO enters the next stage; from the last one it completes the rollout."""
    judge.start(rollout.start)
    minute, bad, harmed, reached = 0, 0.0, False, False
    for stage, (_, weight) in enumerate(WEIGHTS):
        reached = reached or (weight == 1 and harmed)
        for _ in range(PATIENCE):
            chunk = rollout.chunk(stage, minute, rollout.level.minutes)
            word, spent = _until_decided(judge, chunk)
            minute += spent
            bad += float(chunk.bad[:spent].sum())
            harmed = harmed or bool(np.any(chunk.active[:spent]))
            if word in (GO, ROLLBACK):
                break
        if word != GO:
            outcome = ROLLED_BACK if word == ROLLBACK else PAUSED
            return Closed(outcome, minute, bad, harmed, reached)
    return Closed(COMPLETED, minute, bad, harmed, reached)


def _until_decided(judge: Judge, chunk: Chunk) -> tuple[str, int]:
    """The word that ends a stage, or the last one; and the minutes it took."""
    word = ""
    for spent, message in enumerate(chunk.messages, 1):
        word = judge.minute(message)
        if word in (GO, ROLLBACK):
            return word, spent
    return word, len(chunk.messages)
