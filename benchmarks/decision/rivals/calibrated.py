"""The best alarms that hardly ever roll back wrongly: one for each metric, any of them rolls back.

Found by `python -m benchmarks.decision.calibrate --rollouts 6`, on its own seeds: for each metric
the setting that lets through the least harm among those without a false rollback in 270 rollouts.
"""

from typing import Final

from benchmarks.decision.rivals.alarms import (
    Part,
    candidate_errors,
    mismatches,
    p95_ratio,
    shadow_failures,
)

CALIBRATED: Final = (
    Part(candidate_errors, limit=0.03, breaching=8, of=10, period=5),
    Part(p95_ratio, limit=1.3, breaching=8, of=10),
    Part(mismatches, limit=0.007, breaching=3, of=3, period=15),
    Part(shadow_failures, limit=0.03, breaching=8, of=10, period=5),
)
