"""The comparator: what it counts, what it excuses, and what it tells without telling values."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from rollout.adapters.shadow import Shadow
from rollout.domain.flag import FULL_BPS
from rollout.domain.observation import Observation
from rollout.domain.rules import Rule
from rollout.handlers.compare import Memory, Ports, compare
from tests import fakes
from tests.fakes import FakeCandidate

USER = {"id": "user-1", "name": "Ada Bauer", "seen": 1}


@dataclass
class Comparator:
    """One sandbox. control: what the control answers when it is asked again."""

    candidate: Any = None
    control: Callable[[str], Any] = lambda _: USER
    error: str = ""
    chance: float = 1.0
    noise_bps: int = 500
    rules: tuple[str, ...] = ()
    memory: Memory = field(default_factory=Memory)
    again: list[str] = field(default_factory=list)

    def __call__(self, answer: Observation | None = None, **changes: Any) -> tuple[str, list[str]]:
        candidate = FakeCandidate({"user-1": self.candidate}, self.error)
        shadow = Shadow(
            "user-1",
            "hash",
            answer or Observation(USER),
            self.rules,
            noise_bps=self.noise_bps,
            rollout_id="beta-1",
        )
        ports = Ports(candidate, fakes.request_log(), self._again, self.memory, lambda: self.chance)
        found = compare({**shadow.to_json(), **changes}, ports)
        return found["outcome"], found["paths"]

    def _again(self, user_id: str) -> Any:
        self.again.append(user_id)
        return self.control(user_id)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(text) for text in capsys.readouterr().out.splitlines()]


def failing(_: str) -> Any:
    raise ConnectionError("no")


def test_a_difference_of_a_steady_control_counts() -> None:
    comparator = Comparator({**USER, "name": "Eve Bauer"})
    assert comparator() == ("SHADOW-DIFF", ["name:value"])
    assert comparator.again == ["user-1"]


def test_a_difference_where_the_control_differs_from_itself_does_not() -> None:
    comparator = Comparator({**USER, "seen": 2}, lambda _: {**USER, "seen": 3})
    assert comparator() == ("SHADOW-OK", [])


def test_beside_noise_a_real_difference_counts() -> None:
    candidate = {**USER, "seen": 2, "name": "Eve Bauer"}
    comparator = Comparator(candidate, lambda _: {**USER, "seen": 3})
    assert comparator() == ("SHADOW-DIFF", ["name:value"])


def test_equal_answers_ask_the_control_again_only_at_random() -> None:
    comparator = Comparator(USER)
    assert comparator() == ("SHADOW-OK", [])
    assert comparator.again == []
    comparator.chance = 0.049
    comparator()
    assert comparator.again == ["user-1"]


def test_without_a_sample_every_difference_counts_and_nothing_is_asked() -> None:
    comparator = Comparator({**USER, "seen": 2}, lambda _: {**USER, "seen": 3}, noise_bps=0)
    assert comparator() == ("SHADOW-DIFF", ["seen:value"])
    assert comparator.again == []


def test_a_control_that_does_not_answer_again_excuses_nothing() -> None:
    assert Comparator({**USER, "seen": 2}, failing)() == ("SHADOW-DIFF", ["seen:value"])


def test_noise_is_remembered_through_one_rollout_and_no_longer() -> None:
    comparator = Comparator({**USER, "seen": 2}, lambda _: {**USER, "seen": 3})
    comparator()
    comparator.control = lambda _: USER
    assert comparator()[0] == "SHADOW-OK"
    assert comparator(rolloutId="beta-2")[0] == "SHADOW-DIFF"


def test_a_rule_of_the_plan_lets_a_field_differ() -> None:
    rules = (Rule("seen", "ignore").to_text(),)
    assert Comparator({**USER, "seen": 2}, rules=rules)() == ("SHADOW-OK", [])


@pytest.mark.parametrize(("error", "outcome"), [("", "SHADOW-DIFF"), ("KeyError", "SHADOW-FAILED")])
def test_a_control_that_failed_speaks_for_no_candidate(error: str, outcome: str) -> None:
    comparator = Comparator(USER, error=error)
    assert comparator(Observation(None, "KeyError"))[0] == outcome
    assert comparator.again == []


def test_a_candidate_that_fails_is_not_compared(capsys: pytest.CaptureFixture[str]) -> None:
    Comparator(error="TimedOut")()
    (line,) = lines(capsys)
    assert (line["Compared"], line["Failed"], line["Slow"]) == (0, 1, 1)


# Digests


def digested(comparator: Comparator) -> tuple[str, list[str]]:
    sent = Shadow("user-1", "hash", Observation(USER)).digested()
    return comparator(sent.answer, digest=sent.digest)


def test_an_answer_too_large_to_travel_is_compared_by_its_digest() -> None:
    comparator = Comparator(dict(reversed(USER.items())))
    assert digested(comparator) == ("SHADOW-OK", [])
    assert comparator.again == []


def test_when_digests_differ_the_control_is_asked_and_the_rules_apply() -> None:
    comparator = Comparator({**USER, "seen": 2, "name": "Eve"})
    comparator.rules = (Rule("seen", "ignore").to_text(),)
    assert digested(comparator) == ("SHADOW-DIFF", ["name:value"])
    comparator.candidate = {**USER, "seen": 2}
    assert digested(comparator) == ("SHADOW-OK", [])


def test_when_digests_differ_and_the_control_is_silent_they_differ() -> None:
    comparator = Comparator({**USER, "seen": 2}, failing)
    assert digested(comparator) == ("SHADOW-DIFF", [":digest"])


# The line


def test_the_line_has_reasons_noise_and_matched_rules(capsys: pytest.CaptureFixture[str]) -> None:
    rules = (Rule("id", "case").to_text(), Rule("**.at", "time").to_text())
    candidate = {"id": "USER-1", "name": "Eve Bauer", "seen": 2}
    Comparator(candidate, lambda _: {**USER, "seen": 3}, chance=0, rules=rules)()
    (line,) = lines(capsys)
    assert (line["diff_paths"], line["noise_paths"]) == ("name:value", ["seen:value"])
    assert (line["unstable"], line["at_random"], line["asked_again"]) == (["seen"], 1, 1)
    assert (line["rules"], line["rules_matched"]) == (list(rules), [rules[0]])
    assert (line["noted"], line["rollout_id"]) == (1, "beta-1")


def test_the_line_shows_shapes_and_no_values(capsys: pytest.CaptureFixture[str]) -> None:
    Comparator({"id": "user-1", "name": "Eve Costa", "seen": 7})()
    text = capsys.readouterr().out
    for secret in ("Ada", "Eve", "Costa", "user-1"):
        assert secret not in text
    assert json.loads(text)["examples"] == {
        "name:value": {"control": "text(9)", "candidate": "text(9)", "hint": ""},
        "seen:value": {"control": "number", "candidate": "number", "hint": "larger"},
    }


def test_a_line_without_anything_to_report_stays_short(capsys: pytest.CaptureFixture[str]) -> None:
    comparator = Comparator(USER)
    comparator()
    comparator()
    assert [line.get("noted", 0) for line in lines(capsys)] == [1, 0]  # the first tells the rules


def test_the_sample_is_a_share_of_comparisons() -> None:
    comparator = Comparator(USER, noise_bps=FULL_BPS)
    comparator.chance = 0.9999
    comparator()
    assert comparator.again == ["user-1"]
