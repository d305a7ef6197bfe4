"""The case against the candidate: which minutes are evidence, on what."""

from rollout.domain.minute import Minute
from rollout.domain.trial import ERRORS, MISMATCHES, SHADOW_FAILURES, SLOW, Rail, Trial
from rollout.domain.window import Arm

RAILS = {
    ERRORS: Rail(0.01, 0.02, 0.5),
    SLOW: Rail(0.05, 0.10, 0.3),
    MISMATCHES: Rail(0.005, 0.01, 0.1),
    SHADOW_FAILURES: Rail(0.01, 0.02, 0.1),
}


def trial() -> Trial:
    return Trial(RAILS, 360)


def minute(control: Arm, candidate: Arm, body: tuple[tuple[int, int], ...] = ()) -> Minute:
    return Minute(1, 0.01, control, candidate, body=body)


def test_the_control_is_compared_with_also_in_minutes_without_a_candidate_request() -> None:
    """At a few requests an hour the two arms are hardly ever asked in the same minute."""
    known = trial()
    for number in range(120):
        asked = number % 20 == 0
        known.see(minute(Arm(1, 0, 0), Arm(int(asked), int(asked), 0)))
    assert known.values()[ERRORS] > 100


def test_a_shift_of_all_requests_is_seen_before_the_tail_shows_it() -> None:
    shifted, tail_only = trial(), trial()
    for _ in range(60):
        arms = (Arm(95, 0, 5), Arm(5, 0, 0))
        shifted.see(minute(*arms, body=((19, 3), (47, 5))))
        tail_only.see(minute(*arms, body=((19, 1), (47, 2))))
    assert shifted.values()[SLOW] > 100 > 1 > tail_only.values()[SLOW]


def test_trouble_that_both_arms_share_does_not_blunt_the_evidence_in_calm_minutes() -> None:
    """Storms are set aside; they must not pass for the clumping of calm minutes."""
    known = trial()
    for number in range(400):
        known.see(
            Minute(0, 0.0, Arm(1000, 300 if number % 40 == 0 else number % 3, 0), Arm(0, 0, 0))
        )
    assert known.clumping.phi() < 0.005


def test_evidence_below_the_limit_withholds_a_promotion_but_accuses_nobody() -> None:
    known = trial()
    for _ in range(400):
        known.see(minute(Arm(9900, 10, 0), Arm(100, 2, 0)))
    values = known.values()
    assert values[ERRORS] > 10
    assert known.evidence(values)[ERRORS] == 0


def test_one_busy_minute_is_not_taken_for_knowledge_of_clumps() -> None:
    known = trial()
    known.see(Minute(0, 0.0, Arm(13_507, 124, 0), Arm(0, 0, 0)))
    assert known.clumping.phi() >= 0.005
