"""The judge over JSON objects: one rollout after another, one answer a minute.

The same judge as the state machine's, behind the interface of `rollout judge --jsonl`.
"""

from collections.abc import Mapping
from typing import Any, Final

from rollout.domain import counts, fields
from rollout.domain.case import ERRORS, MISMATCHES, SHADOW_FAILURES, SLOW, Rail
from rollout.domain.counts import Limits
from rollout.domain.errors import InvalidInputError
from rollout.domain.judge import Judge
from rollout.domain.latency import P95, Reference
from rollout.domain.minute import Minute
from rollout.domain.promises import Promises, Stage
from rollout.domain.window import Arm

START, MINUTE = "start", "minute"
GO, HOLD, ROLLBACK = "GO", "HOLD", "ROLLBACK"
COIN_TOSS: Final = 0.5
# A stage is not left before this part of its planned minutes. What comes and goes, or grows, must
# have had time to show before everyone is exposed.
LEAST, LEAST_BEFORE_ALL, LEAST_AT_LAST = 0.05, 0.3, 0.1
SLOW_TOLERATED, SLOW_LIMIT = 0.05, 0.10
MOST_BUCKETS: Final = 10_000
MOST_MINUTES: Final = 10_000_000
ALPHA, BETA = 0.01, 0.05


class Session:
    """Judges the rollouts of one stream, one after the other."""

    def __init__(self) -> None:
        self._judge: Judge | None = None

    def take(self, message: Any) -> tuple[str, str] | None:
        """(GO, HOLD or ROLLBACK; the reason) for a minute, None for a start.

        Raises InvalidInputError naming the field; the session is then as before the message.
        """
        known = fields.mapping(message, "message")
        if known.get("type") == START:
            self.start(known)
            return None
        if known.get("type") == MINUTE:
            return self.minute(known)
        value = known.get("type")
        raise InvalidInputError(field="type", value=value, expected=f'"{START}" or "{MINUTE}"')

    def start(self, message: Mapping[str, Any]) -> None:
        """Begin a rollout; everything known of the last one is forgotten."""
        limits = counts.limits(message.get("thresholds"))
        histogram = fields.mapping(message.get("hist"), "hist")
        ratio = fields.number(histogram.get("ratio"), "hist.ratio", least=1.0001, most=100)
        buckets = fields.whole(histogram.get("bins"), "hist.bins", least=1, most=MOST_BUCKETS)
        self._judge = Judge(promises(_schedule(message.get("schedule")), limits))
        self._reference = Reference(ratio, buckets, limits.p95_go, limits.p95_investigate)
        self._time = -1

    def minute(self, message: Mapping[str, Any]) -> tuple[str, str]:
        """The answer after one more minute. ROLLBACK stays."""
        judge = self._judge
        if judge is None:
            raise InvalidInputError(
                field="type", value=MINUTE, expected=f'a "{START}" before the first minute'
            )
        judge.see(self._minute(message, judge))
        if judge.accused:
            return ROLLBACK, max(judge.accused, key=lambda name: judge.accused[name])
        if judge.silence.silent:
            return ROLLBACK, "the candidate is silent"
        waiting = judge.waiting
        return (HOLD, waiting) if waiting else (GO, "certified")

    def _minute(self, message: Mapping[str, Any], judge: Judge) -> Minute:
        time = fields.whole(message.get("t"), "t", least=self._time + 1)
        last = len(judge.promises.stages) - 1
        stage = fields.whole(message.get("stage_index"), "stage_index", judge.stage, last)
        exposure = fields.number(message.get("weight"), "weight")
        found = self._counts(message, stage, exposure)
        self._time = time
        return found

    def _counts(self, message: Mapping[str, Any], stage: int, exposure: float) -> Minute:
        if message.get("control") is None or message.get("candidate") is None:
            return Minute(stage, exposure)
        buckets = self._reference.buckets
        control = counts.answers(message["control"], "control", buckets)
        candidate = counts.answers(message["candidate"], "candidate", buckets)
        shadow, tenants = counts.shadow(message.get("shadow")), message.get("tenants")
        rows = counts.tenants(tenants)
        speed = self._reference.measure(control.latencies, candidate.latencies, alone=exposure >= 1)
        return Minute(
            stage,
            exposure,
            Arm(control.requests, control.errors, speed.control[P95]),
            Arm(candidate.requests, candidate.errors, speed.candidate[P95]),
            shadow,
            rows,
            speed,
        )


def promises(schedule: list[tuple[str, float, int]], limits: Limits) -> Promises:
    """The start message in the judge's terms; schedule: (name, exposure, planned minutes)."""
    error = limits.error_roll_back
    rails = {
        ERRORS: Rail(
            error / 2, error, share=0.43, full=error / 2, full_limit=error, full_share=0.07
        ),
        # At full exposure those above the p95's limit are counted, not those above its tolerance.
        SLOW: Rail(
            SLOW_TOLERATED,
            SLOW_LIMIT,
            share=0.23,
            full=SLOW_TOLERATED,
            full_limit=SLOW_TOLERATED,
            full_share=0.03,
        ),
        MISMATCHES: Rail(limits.mismatch_go, limits.mismatch_investigate, share=0.08),
        SHADOW_FAILURES: Rail(error / 2, error, share=0.08),
    }
    following = [exposure for _, exposure, _ in schedule[1:]]
    least = [LEAST_BEFORE_ALL if risked >= 1 else LEAST for risked in following] + [LEAST_AT_LAST]
    stages = tuple(
        Stage(name, exposure, planned, max(1, round(part * planned)), _certify(exposure, w, limits))
        for (name, exposure, planned), w, part in zip(
            schedule, [*following, 1.0], least, strict=True
        )
    )
    worst = 2 * error
    tenant = Rail(worst, worst, share=0.06, full=worst, full_limit=worst, full_share=0.02)
    return Promises(ALPHA, BETA, rails, stages, tenant, histograms=True)


def _certify(exposure: float, following: float, limits: Limits) -> Mapping[str, float]:
    """What the next exposure risks, per metric."""
    if exposure == 0:
        return {MISMATCHES: limits.mismatch_investigate}
    return {
        ERRORS: min(COIN_TOSS, limits.error_go / following),
        SLOW: min(COIN_TOSS, SLOW_TOLERATED / following),
    }


def _schedule(value: Any) -> list[tuple[str, float, int]]:
    items = fields.array(value, "schedule")
    if not items:
        raise InvalidInputError(field="schedule", value=value, expected="at least one stage")
    found = []
    for index, item in enumerate(items):
        field = f"schedule[{index}]"
        stage = fields.mapping(item, field)
        exposure = fields.number(stage.get("weight"), f"{field}.weight")
        planned = fields.whole(stage.get("minutes"), f"{field}.minutes", 1, MOST_MINUTES)
        found.append((str(stage.get("stage")), exposure, planned))
    return found
