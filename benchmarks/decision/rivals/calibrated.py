"""The best alarms that hardly ever roll back wrongly: one for each metric, any of them rolls back.

Found by `python -m benchmarks.decision.calibrate --rollouts 40`, on its own seeds: for each metric
the setting that lets through the least harm among those with at most 4 false rollbacks in 1,800
rollouts. Fewer rollouts do not calibrate: the best of 270 without any rolled back 12 of 900 others.
"""

from typing import Final

from benchmarks.decision.rivals.alarms import (
    Part,
    candidate_errors,
    excess_errors,
    mismatches,
    p95_ratio,
    shadow_failures,
)

_OTHERS: Final = (
    Part(p95_ratio, limit=1.3, breaching=12, of=15),
    Part(mismatches, limit=0.015, breaching=2, of=2, least=5, period=5),
    Part(shadow_failures, limit=0.03, breaching=12, of=15, period=5),
)
# An alarm on the candidate's error rate, as a team has it.
CALIBRATED: Final = (Part(candidate_errors, limit=0.03, breaching=5, of=5, period=15), *_OTHERS)
# And on what it is above the control's, by metric math, where a team has thought of it.
CALIBRATED_EXCESS: Final = (
    Part(excess_errors, limit=0.04, breaching=3, of=3, least=5, period=5),
    *_OTHERS,
)
