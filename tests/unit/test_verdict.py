"""The judge: severity decides, doubt is never a pass, and more harm never makes a call milder."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.domain.binomial import lower_bound, upper_bound
from rollout.domain.plan import Plan
from rollout.domain.verdict import SEVERITY, Call, Verdict, Vote, judge
from rollout.domain.window import Arm, Evidence, Shadow

PHASES = ("soak", "canary", "half", "full")
ARM_PHASES = PHASES[1:]

# Enough of everything, all of it clean: certifies every rate of the plan's in every phase.
CLEAN = Evidence(
    control=Arm(5000), candidate=Arm(5000), shadow=Shadow(compared=5000), baked_seconds=100
)


def with_arm(evidence: Evidence, requests: int, errors: int = 0, slow: int = 0) -> Evidence:
    return replace(evidence, candidate=Arm(requests, errors, slow))


def with_shadow(
    evidence: Evidence, compared: int, mismatched: int = 0, failed: int = 0
) -> Evidence:
    return replace(evidence, shadow=Shadow(compared, mismatched, failed))


def judged(plan: Plan, phase: str, evidence: Evidence) -> Verdict:
    return judge(evidence, plan.phase(phase), plan)


def vote(verdict: Verdict, metric: str) -> Vote:
    return next(vote for vote in verdict.votes if vote.metric == metric)


@st.composite
def arms(draw: st.DrawFn) -> Arm:
    """Arms with rates around the limits, where calls change."""
    requests = draw(st.integers(min_value=0, max_value=200))
    events = st.integers(min_value=0, max_value=min(requests, 1 + requests // 8))
    return Arm(requests, draw(events), draw(events))


@st.composite
def shadows(draw: st.DrawFn) -> Shadow:
    """Shadows with rates around the limits."""
    compared = draw(st.integers(min_value=0, max_value=200))
    events = st.integers(min_value=0, max_value=min(compared, 1 + compared // 8))
    return Shadow(compared, mismatched=draw(events), failed=draw(events))


NAMES = st.sampled_from(PHASES)
BAKED = st.integers(min_value=0, max_value=1200)
EVIDENCE = st.builds(Evidence, candidate=arms(), shadow=shadows(), baked_seconds=BAKED)
MORE = st.integers(min_value=1, max_value=40)

# A verdict costs milliseconds when much is missing, so few of them for each invariant.
few = settings(max_examples=15)


# Severity


def test_calls_rise_in_severity_from_promote_to_roll_back() -> None:
    assert SEVERITY == [Call.PROMOTE, Call.HOLD, Call.INVESTIGATE, Call.ROLL_BACK]


@pytest.mark.parametrize("phase", PHASES)
def test_clean_and_ample_evidence_promotes_when_the_bake_is_over(plan: Plan, phase: str) -> None:
    assert judged(plan, phase, CLEAN).call is Call.PROMOTE


@few
@given(phase=NAMES, evidence=EVIDENCE)
def test_no_call_is_milder_than_the_worst_vote(plan: Plan, phase: str, evidence: Evidence) -> None:
    verdict = judged(plan, phase, evidence)
    worst = max(SEVERITY.index(vote.call) for vote in verdict.votes)

    assert SEVERITY.index(verdict.call) >= worst


@few
@given(phase=st.sampled_from(ARM_PHASES), evidence=EVIDENCE)
def test_no_health_elsewhere_averages_a_breach_away(
    plan: Plan, phase: str, evidence: Evidence
) -> None:
    failing = replace(evidence, candidate=Arm(100, errors=50))

    assert judged(plan, phase, failing).call is Call.ROLL_BACK


@pytest.mark.parametrize(
    ("evidence", "call"),
    [
        (with_arm(CLEAN, 1000, errors=100), Call.ROLL_BACK),
        (with_arm(CLEAN, 1000, slow=300), Call.INVESTIGATE),
        (with_arm(CLEAN, 1000, slow=80), Call.HOLD),
        (with_arm(CLEAN, 1000, errors=100, slow=300), Call.ROLL_BACK),
        (with_shadow(CLEAN, 1000, mismatched=100), Call.INVESTIGATE),
        (with_shadow(CLEAN, 1000, failed=300), Call.ROLL_BACK),
        (with_shadow(CLEAN, 1000, mismatched=100, failed=300), Call.ROLL_BACK),
    ],
)
def test_each_guardrail_calls_for_what_its_bands_say(
    plan: Plan, evidence: Evidence, call: Call
) -> None:
    assert judged(plan, "canary", evidence).call is call


# Alarms


@few
@given(phase=NAMES, evidence=EVIDENCE)
def test_an_alarm_always_rolls_back(plan: Plan, phase: str, evidence: Evidence) -> None:
    ringing = replace(evidence, alarms=("errors-high",))
    verdict = judged(plan, phase, ringing)

    assert verdict.call is Call.ROLL_BACK
    assert "alarm errors-high is in ALARM" in verdict.reasons


def test_every_alarm_is_a_reason(plan: Plan) -> None:
    verdict = judged(plan, "canary", replace(CLEAN, alarms=("one", "two")))

    assert verdict.reasons == ("alarm one is in ALARM", "alarm two is in ALARM")


def test_an_alarm_rolls_back_even_without_counts(plan: Plan) -> None:
    evidence = Evidence.missing("metrics are late", 0, ("errors-high",))

    assert judged(plan, "soak", evidence).call is Call.ROLL_BACK


# Doubt


@few
@given(phase=NAMES, baked=BAKED)
def test_without_data_nothing_is_promoted(plan: Plan, phase: str, baked: int) -> None:
    verdict = judged(plan, phase, Evidence.missing("metrics are late", baked))

    assert verdict.call in (Call.HOLD, Call.INVESTIGATE)


@few
@given(phase=st.sampled_from(ARM_PHASES), baked=BAKED)
def test_a_silent_candidate_is_never_promoted(plan: Plan, phase: str, baked: int) -> None:
    silent = replace(CLEAN, candidate=Arm(), baked_seconds=baked)

    assert judged(plan, phase, silent).call is not Call.PROMOTE


@few
@given(phase=NAMES, evidence=EVIDENCE)
def test_no_evidence_promotes_before_the_bake_is_over(
    plan: Plan, phase: str, evidence: Evidence
) -> None:
    short = replace(evidence, baked_seconds=plan.phase(phase).bake_seconds - 0.1)

    assert judged(plan, phase, short).call is not Call.PROMOTE


def test_the_bake_is_over_at_exactly_its_length(plan: Plan) -> None:
    assert judged(plan, "canary", replace(CLEAN, baked_seconds=59.9)).call is Call.HOLD
    assert judged(plan, "canary", replace(CLEAN, baked_seconds=60)).call is Call.PROMOTE


def test_a_breach_does_not_wait_for_the_bake(plan: Plan) -> None:
    failing = replace(with_arm(CLEAN, 1000, errors=100), baked_seconds=1)

    assert judged(plan, "canary", failing).call is Call.ROLL_BACK


@pytest.mark.parametrize(
    ("baked", "call"), [(599.9, Call.HOLD), (600, Call.INVESTIGATE), (9000, Call.INVESTIGATE)]
)
def test_a_person_is_asked_when_the_longest_bake_has_not_been_enough(
    plan: Plan, baked: float, call: Call
) -> None:
    evidence = replace(with_arm(CLEAN, 10), baked_seconds=baked)

    assert judged(plan, "canary", evidence).call is call


def test_a_candidate_certified_at_the_very_end_is_promoted(plan: Plan) -> None:
    assert judged(plan, "canary", replace(CLEAN, baked_seconds=9000)).call is Call.PROMOTE


def test_why_counts_are_missing_is_told(plan: Plan) -> None:
    verdict = judged(plan, "canary", Evidence.missing("metrics are late", 70))

    assert "errors: metrics are late; 74 clean requests would certify" in verdict.reasons


def test_no_data_is_told_when_nothing_failed(plan: Plan) -> None:
    verdict = judged(plan, "canary", replace(CLEAN, candidate=Arm()))

    assert "errors: no data; 74 clean requests would certify" in verdict.reasons


# More harm


@few
@given(phase=NAMES, evidence=EVIDENCE, more=MORE)
def test_more_errors_never_make_the_call_milder(
    plan: Plan, phase: str, evidence: Evidence, more: int
) -> None:
    arm = evidence.candidate
    worse = replace(evidence, candidate=replace(arm, errors=min(arm.requests, arm.errors + more)))

    assert_no_milder(plan, phase, evidence, worse)


@few
@given(phase=NAMES, evidence=EVIDENCE, more=MORE)
def test_more_slow_requests_never_make_the_call_milder(
    plan: Plan, phase: str, evidence: Evidence, more: int
) -> None:
    arm = evidence.candidate
    worse = replace(evidence, candidate=replace(arm, slow=min(arm.requests, arm.slow + more)))

    assert_no_milder(plan, phase, evidence, worse)


@few
@given(phase=NAMES, evidence=EVIDENCE, more=MORE)
def test_more_mismatches_never_make_the_call_milder(
    plan: Plan, phase: str, evidence: Evidence, more: int
) -> None:
    shadow = evidence.shadow
    most = min(shadow.compared, shadow.mismatched + more)
    worse = replace(evidence, shadow=replace(shadow, mismatched=most))

    assert_no_milder(plan, phase, evidence, worse)


@few
@given(phase=NAMES, evidence=EVIDENCE, more=MORE)
def test_comparisons_that_fail_instead_never_make_the_shadow_failures_milder(
    plan: Plan, phase: str, evidence: Evidence, more: int
) -> None:
    shadow = evidence.shadow
    lost = min(shadow.compared - shadow.mismatched, more)
    worse = replace(
        evidence,
        shadow=Shadow(shadow.compared - lost, shadow.mismatched, shadow.failed + lost),
    )
    before, after = (
        vote(judged(plan, phase, each), "shadow_failures").call for each in (evidence, worse)
    )

    assert SEVERITY.index(after) >= SEVERITY.index(before)


@pytest.mark.parametrize("phase", ARM_PHASES)
@pytest.mark.parametrize("baked", [30, 1200])
def test_the_call_rises_step_by_step_with_the_errors(plan: Plan, phase: str, baked: int) -> None:
    evidence = replace(CLEAN, baked_seconds=baked)
    calls = [
        judged(plan, phase, with_arm(evidence, 100, errors)).call for errors in range(0, 24, 3)
    ]

    assert calls == sorted(calls, key=SEVERITY.index)
    assert calls[-1] is Call.ROLL_BACK


def assert_no_milder(plan: Plan, phase: str, evidence: Evidence, worse: Evidence) -> None:
    before, after = (judged(plan, phase, each).call for each in (evidence, worse))

    assert SEVERITY.index(after) >= SEVERITY.index(before)


# What a phase must show


@pytest.mark.parametrize(
    ("phase", "errors", "mismatches"),
    [
        # 2 % of errors over the next exposure, and at most a coin toss; mismatches likewise.
        ("soak", 0.5, 0.01),
        ("canary", 0.04, 0.02),
        ("half", 0.02, 0.01),
        ("full", 0.02, 0.01),
    ],
)
def test_the_rate_to_certify_is_what_the_next_exposure_risks(
    plan: Plan, phase: str, errors: float, mismatches: float
) -> None:
    found = {vote.metric: vote.to_certify for vote in judged(plan, phase, CLEAN).votes}

    assert found["mismatches"] == pytest.approx(mismatches)
    assert found.get("errors", errors) == pytest.approx(errors)


def test_nothing_looser_than_a_coin_toss_is_certified(plan: Plan) -> None:
    # 5 % of failures over an exposure of 1 % would be five times every request.
    assert vote(judged(plan, "soak", CLEAN), "shadow_failures").to_certify == 0.5


def test_a_phase_may_ask_for_more_but_not_for_less(plan: Plan) -> None:
    canary = plan.phase("canary")
    stricter, looser = (replace(canary, certify={"errors": rate}) for rate in (0.03, 0.3))

    assert vote(judge(CLEAN, stricter, plan), "errors").to_certify == 0.03
    assert vote(judge(CLEAN, looser, plan), "errors").to_certify == pytest.approx(0.04)


@pytest.mark.parametrize(("requests", "call"), [(73, Call.HOLD), (74, Call.PROMOTE)])
def test_promotion_takes_exactly_the_clean_requests_needed(
    plan: Plan, requests: int, call: Call
) -> None:
    # 74 clean requests certify 4 %, what half the users may risk at a limit of 2 %.
    evidence = with_arm(CLEAN, requests)

    assert vote(judged(plan, "canary", evidence), "errors").call is call
    assert judged(plan, "canary", evidence).call is call


@few
@given(phase=NAMES, evidence=EVIDENCE)
def test_needed_requests_would_certify_and_one_less_would_not(
    plan: Plan, phase: str, evidence: Evidence
) -> None:
    for each in judged(plan, phase, evidence).votes:
        enough = each.requests + each.needed
        if each.needed:
            assert upper_bound(each.events, enough - 1, plan.judge.beta) > each.to_certify
        assert upper_bound(each.events, enough, plan.judge.beta) <= each.to_certify


def test_a_certified_rate_above_the_promote_band_still_holds(plan: Plan) -> None:
    # 0.7 % of mismatches: surely below 1 %, but promoting is for up to 0.5 %.
    evidence = with_shadow(CLEAN, 10_000, mismatched=70)
    verdict = judged(plan, "soak", evidence)

    assert vote(verdict, "mismatches").needed == 0
    assert verdict.call is Call.HOLD
    assert "but go is up to 0.50%" in verdict.sentence


def test_a_rate_at_the_end_of_the_promote_band_is_still_in_it(plan: Plan) -> None:
    evidence = with_shadow(CLEAN, 10_000, mismatched=50)

    assert judged(plan, "soak", evidence).call is Call.PROMOTE


# What acting against the candidate takes


@few
@given(phase=NAMES, evidence=EVIDENCE)
def test_acting_takes_a_lower_bound_above_the_limit(
    plan: Plan, phase: str, evidence: Evidence
) -> None:
    rails = {rail.metric: rail for rail in plan.guardrails}
    for each in judged(plan, phase, evidence).votes:
        limit = rails[each.metric].limit(Call.INVESTIGATE)
        assert limit is not None
        assert (SEVERITY.index(each.call) >= SEVERITY.index(Call.INVESTIGATE)) == (
            each.lower > limit
        )


def test_a_rate_above_the_limit_by_luck_only_holds(plan: Plan) -> None:
    # 5 of 100 is more than twice the limit of 2 %, and one in twenty such looks would show it.
    assert judged(plan, "canary", with_arm(CLEAN, 100, errors=5)).call is Call.HOLD


@few
@given(phase=NAMES, evidence=EVIDENCE)
def test_the_chance_of_being_wrong_is_shared_by_every_look_and_guardrail(
    plan: Plan, phase: str, evidence: Evidence
) -> None:
    share = plan.judge.alpha / (plan.looks() * 4)
    for each in judged(plan, phase, evidence).votes:
        assert each.lower == lower_bound(each.events, each.requests, share)
        assert each.upper == upper_bound(each.events, each.requests, plan.judge.beta)


# Who votes


def test_a_shadow_phase_is_judged_by_shadow_metrics_only(plan: Plan) -> None:
    failing = with_arm(CLEAN, 1000, errors=1000, slow=1000)
    verdict = judged(plan, "soak", failing)

    assert {vote.metric for vote in verdict.votes} == {"mismatches", "shadow_failures"}
    assert verdict.call is Call.PROMOTE


@pytest.mark.parametrize("phase", ARM_PHASES)
def test_later_phases_are_judged_by_every_metric(plan: Plan, phase: str) -> None:
    votes = judged(plan, phase, CLEAN).votes

    assert {vote.metric for vote in votes} == {"errors", "slow", "mismatches", "shadow_failures"}


def test_the_control_has_no_part_in_the_counts(plan: Plan) -> None:
    struggling = replace(CLEAN, control=Arm(1000, errors=500, slow=500))

    assert judged(plan, "canary", struggling) == judged(plan, "canary", CLEAN)


def test_each_metric_counts_its_own_events_over_its_own_requests(plan: Plan) -> None:
    evidence = Evidence(candidate=Arm(900, 3, 5), shadow=Shadow(700, 2, 11), baked_seconds=60)
    counted = {
        vote.metric: (vote.events, vote.requests) for vote in judged(plan, "canary", evidence).votes
    }

    assert counted == {
        "errors": (3, 900),
        "slow": (5, 900),
        "mismatches": (2, 700),
        "shadow_failures": (11, 711),
    }


# Words


def test_the_sentence_is_the_call_and_its_reasons_only(plan: Plan) -> None:
    verdict = judged(plan, "canary", with_arm(CLEAN, 1000, errors=100))

    assert len(verdict.reasons) == 1
    assert verdict.reasons[0].startswith("errors 100 of 1000 (10.00%), surely above ")
    assert verdict.reasons[0].endswith("limit 2.00%")
    assert verdict.sentence == f"ROLL_BACK: {verdict.reasons[0]}."


def test_a_hold_tells_how_many_clean_requests_are_missing_and_how_long_they_take(
    plan: Plan,
) -> None:
    # 37 of 74 in 100 s: as many again take as long again.
    verdict = judged(plan, "canary", with_arm(CLEAN, 37))

    assert any("37 more clean requests, about 100 s" in reason for reason in verdict.reasons)


def test_no_time_is_guessed_before_any_has_passed(plan: Plan) -> None:
    verdict = judged(plan, "canary", replace(with_arm(CLEAN, 37), baked_seconds=0))

    assert any(reason.endswith("37 more clean requests") for reason in verdict.reasons)


def test_a_bake_in_progress_is_told(plan: Plan) -> None:
    verdict = judged(plan, "canary", replace(CLEAN, baked_seconds=25))

    assert verdict.reasons == ("baked 25 of 60 s",)


def test_a_bake_that_ran_out_is_told(plan: Plan) -> None:
    verdict = judged(plan, "canary", replace(with_arm(CLEAN, 10), baked_seconds=700))

    assert verdict.reasons == ("not enough evidence after the longest bake, 600 s",)


def test_a_verdict_in_json_has_the_word_the_reasons_and_every_vote(plan: Plan) -> None:
    verdict = judged(plan, "canary", CLEAN)
    values = verdict.to_json()

    assert type(values["word"]) is str
    assert values["word"] == "PROMOTE"
    assert values["sentence"] == verdict.sentence
    assert values["reasons"] == list(verdict.reasons)
    assert [rail["metric"] for rail in values["guardrails"]] == [v.metric for v in verdict.votes]
    assert values["guardrails"][0]["needed"] == 0
