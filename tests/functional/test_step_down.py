"""The graded response: one step down to what was passed, then a person; gross harm goes to 0."""

from dataclasses import replace
from typing import Any

import pytest

from ops.faults import plan as minutes
from ops.faults.world import World
from rollout.domain.plan import Plan
from rollout.domain.response import response
from rollout.domain.verdict import Call, Verdict
from rollout.handlers import set_exposure
from tests import fakes
from tests.fakes import NOW, FakeFlags, FakeMetrics, exposed
from tests.functional.worlds import bps, deploy, followed, scheduled, words, world

YES = {"word": "APPROVED", "by": "ada", "why": "repaired"}


def graded(**counts: Any) -> World:
    """25 % are to be exposed next, from where on the candidate counts badly; a step down is asked
    for."""
    found = world(2, from_bps=2500, **counts)
    scheduled(found)["plan"]["response"] = "step_down"
    return found


def test_harm_in_the_ramp_steps_down_one_level_and_asks() -> None:
    found, served = graded(differing=0.2), list[int]()
    found.says = {"word": "REJECTED", "by": "ada", "why": "no"}
    found.meanwhile["Ask a Person"] = lambda: served.append(bps(found))
    path = followed(found).executions[-1].path
    assert served == [500]
    assert path.index("Step Down") < path.index("Ask a Person") < path.index("Roll Back")
    assert (words(found)[-1], bps(found)) == ("ROLLED_BACK", 0)


def test_silence_after_a_step_down_rolls_back_and_says_so() -> None:
    found = followed(graded(differing=0.2))
    assert (words(found)[-1], bps(found)) == ("ROLLED_BACK", 0)
    assert found.executions[-1].document["verdict"]["word"] == "STEP_DOWN"


def test_the_exposure_of_the_way_down_is_leased_until_the_answer_is_due() -> None:
    found, left = graded(differing=0.2), list[float]()
    served = found.account.appconfigdata
    found.meanwhile["Ask a Person"] = lambda: left.append(served.flag().lease_until - found.clock())
    followed(found)
    assert left[0] > minutes.document()["approval"]["timeout_seconds"]


def test_an_approval_tries_the_phase_once_more_with_evidence_counted_anew() -> None:
    found = graded(differing=0.2)
    found.says = YES
    # From then on nothing differs any more.
    found.meanwhile["Ask a Person"] = lambda: setattr(found.account.cloudwatch, "differing", 0)
    followed(found)
    phases = [execution.document["exposure"]["phase"] for execution in found.executions[:-1]]
    assert words(found)[-1] == "COMPLETED"
    assert phases.count("ramp-25") == 1
    stepped = next(e for e in found.executions if "Step Down" in e.path)
    again = found.executions[found.executions.index(stepped) + 1]
    assert stepped.document["exposure"]["phase"] == "ramp-5"
    assert again.document["preflight"]["step"]["history"] == []


def test_what_the_candidate_did_until_it_was_repaired_does_not_speak_against_the_next_try() -> None:
    """Whoever is asked needs time, and meanwhile the shadow goes on asking it."""
    found = graded(differing=0.2)
    counts = found.account.cloudwatch
    counts.from_bps, found.says = 500, YES

    def repair() -> None:
        found.sleep(600)
        counts.repaired_at = found.clock()

    found.meanwhile["Ask a Person"] = repair
    followed(found)
    assert words(found)[-1] == "COMPLETED"
    assert sum("Ask a Person" in execution.path for execution in found.executions) == 1


def test_a_plan_that_does_not_ask_for_it_asks_at_the_present_exposure() -> None:
    found, served = world(2, differing=0.2, from_bps=2500), list[int]()
    found.meanwhile["Ask a Person"] = lambda: served.append(bps(found))
    followed(found)
    assert served == [2500]
    assert not any("Step Down" in execution.path for execution in found.executions)


def test_gross_harm_goes_to_0_whatever_the_plan_asks_for() -> None:
    found = followed(graded(failing=0.5))
    assert (words(found)[-1], bps(found)) == ("ROLLED_BACK", 0)
    assert "Step Down" not in found.executions[-1].path


def test_a_flag_that_was_closed_meanwhile_is_not_opened_again_by_stepping_down() -> None:
    found = graded(differing=0.2)
    found.says = YES
    found.meanwhile["Step Down"] = lambda: deploy(found, enabled=False, rollout_id="")
    followed(found)
    assert (words(found)[-1], bps(found)) == ("ROLLED_BACK", 0)


@pytest.mark.parametrize(
    ("call", "since", "phase", "word"),
    [
        (Call.INVESTIGATE, "2027-01-15T00:00:00+00:00", "half", "STEP_DOWN"),
        (Call.INVESTIGATE, "", "half", "INVESTIGATE"),
        (Call.ROLL_BACK, "2027-01-15T00:00:00+00:00", "half", "ROLL_BACK"),
        (Call.INVESTIGATE, "2027-01-15T00:00:00+00:00", "canary", "INVESTIGATE"),
        (Call.HOLD, "2027-01-15T00:00:00+00:00", "half", "HOLD"),
        (Call.PROMOTE, "", "half", "PROMOTE"),
    ],
)
def test_only_harm_that_is_asked_about_in_the_ramp_steps_down(
    plan: Plan, call: Call, since: str, phase: str, word: str
) -> None:
    asked = replace(plan, response="step_down")
    verdict = Verdict(call, "s", ("r",), since=since)
    assert response(verdict, plan.phase(phase), asked) == word
    assert response(verdict, plan.phase(phase), plan) == call


def test_the_way_down_is_deployed_at_once_and_repeated_without_a_second_deployment() -> None:
    event = fakes.event("set_exposure.down")
    flags = FakeFlags(exposed(500, phase="ramp-5"))
    ports = set_exposure.Ports(flags, FakeMetrics(), lambda: NOW)
    first = set_exposure.set_exposure(event, ports)
    assert (first["kind"], first["exposure_bps"], flags.urgent) == ("down", 100, [True])
    assert first["history"] == []
    assert set_exposure.set_exposure(event, ports)["deployment"] == first["deployment"]
    assert flags.number == 2
