"""The question to a person: what it shows, and which answers it takes."""

import json
from dataclasses import replace
from typing import Any

import pytest

from rollout.domain.errors import InvalidInputError
from rollout.domain.question import (
    Answer,
    Question,
    RefusedAnswerError,
    evidence_hash,
    evidence_lines,
)

NOW = 1_800_000_000
DEADLINE = NOW + 600
RAIL = {
    "metric": "errors",
    "call": "HOLD",
    "events": 3,
    "requests": 120,
    "low": 0.004,
    "high": 0.0731,
    "limit": 0.02,
    "evidence": 1.5,
    "share": 0.25,
    "to_certify": 0.02,
    "needed": 80,
    "reason": "errors 3 of 120 (2.50%)",
}
VERDICT: dict[str, Any] = {
    "word": "INVESTIGATE",
    "sentence": "INVESTIGATE: not enough evidence after the longest bake, 600 s.",
    "reasons": ["not enough evidence after the longest bake, 600 s"],
    "guardrails": [RAIL],
    "since": "",
    "otherwise": "80 more clean requests would promote",
    "phase": "canary",
    "next": "RAMP",
}
TOKEN = "token-planted"


def asked(people: int = 1) -> Question:
    return Question.of(VERDICT, TOKEN, DEADLINE, people)


def by(who: str, evidence: str = "", why: str = "seen") -> Answer:
    return Answer(who, why, evidence)


def test_the_hash_is_16_digits_of_the_evidence() -> None:
    found = evidence_hash(VERDICT)
    assert len(found) == 16
    assert int(found, 16)
    assert found == evidence_hash(json.loads(json.dumps(VERDICT)))


@pytest.mark.parametrize(
    "change",
    [{"guardrails": [{**RAIL, "events": 4}]}, {"phase": "ramp-5"}, {"reasons": ["another"]}],
)
def test_other_evidence_has_another_hash(change: dict[str, Any]) -> None:
    assert evidence_hash({**VERDICT, **change}) != evidence_hash(VERDICT)


def test_words_for_people_are_no_evidence() -> None:
    assert evidence_hash({**VERDICT, "otherwise": "about 2 h"}) == evidence_hash(VERDICT)


def test_the_request_shows_the_evidence_and_what_to_type() -> None:
    digest = evidence_hash(VERDICT)
    assert evidence_lines(asked(), VERDICT) == [
        VERDICT["sentence"],
        "  errors: 3 of 120 (2.50%), between 0.40% and 7.31%, limit 2.00%: HOLD",
        "Otherwise: 80 more clean requests would promote",
        f"Evidence {digest}, to be answered by 2027-01-15T08:10:00+00:00.",
    ]


def test_a_metric_without_requests_is_shown_without_a_rate() -> None:
    silent = {**VERDICT, "guardrails": [{**RAIL, "events": 0, "requests": 0}], "otherwise": ""}
    text = "\n".join(evidence_lines(asked(), silent))
    assert "errors: 0 of 0, between" in text
    assert "Otherwise" not in text


def test_the_token_is_kept_but_never_shown() -> None:
    question = asked()
    assert TOKEN in question.to_text()
    assert TOKEN not in json.dumps(question.to_json())
    assert TOKEN not in "".join(evidence_lines(question, VERDICT))


def test_a_kept_question_is_read_back_with_its_approvals() -> None:
    question = asked(2).approved(by("ada"), NOW)
    assert Question.from_text(question.to_text()) == question


@pytest.mark.parametrize("text", [TOKEN, "{}", "[]", '{"approvals":[{"x":1}]}', '"text"'])
def test_a_record_of_another_version_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(InvalidInputError, match="rollout roll-back") as caught:
        Question.from_text(text)
    assert TOKEN not in str(caught.value)


def test_one_approval_decides_and_carries_who_why_and_the_hash() -> None:
    question = asked().approved(by("ada", evidence_hash(VERDICT), "a known typo"), NOW)
    assert question.decided
    assert question.yes() == {
        "word": "APPROVED",
        "by": "ada",
        "why": "a known typo",
        "evidence": evidence_hash(VERDICT),
    }


def test_two_people_are_two_people() -> None:
    first = asked(2).approved(by("ada"), NOW)
    assert not first.decided
    with pytest.raises(RefusedAnswerError, match="ada has approved already; another person"):
        first.approved(by("ada"), NOW)
    both = first.approved(by("bob", why="me too"), NOW)
    assert both.decided
    assert (both.yes()["by"], both.yes()["why"]) == ("ada and bob", "seen; me too")


def test_an_approval_of_other_evidence_is_refused() -> None:
    with pytest.raises(RefusedAnswerError, match=r"evidence has changed: you have seen 0{16}"):
        asked().approved(by("ada", "0" * 16), NOW)


def test_an_approval_at_the_deadline_is_taken_and_after_it_is_late() -> None:
    assert asked().approved(by("ada"), DEADLINE).decided
    with pytest.raises(RefusedAnswerError, match="too late: the question ended at 2027-01-15T08"):
        asked().approved(by("ada"), DEADLINE + 1)


def test_a_rejection_carries_who_why_and_the_hash() -> None:
    assert asked(2).no("ada", "p95 doubled") == {
        "word": "REJECTED",
        "by": "ada",
        "why": "p95 doubled",
        "evidence": evidence_hash(VERDICT),
    }


def test_the_longest_record_fits_into_a_parameter() -> None:
    long = {**VERDICT, "sentence": "x" * 5000}
    question = Question.of(long, "t" * 2048, DEADLINE, 2)
    question = question.approved(by("a" * 3000, why="y" * 3000), NOW)
    assert len(question.to_text().encode()) <= 4096


def test_the_same_person_under_a_long_name_is_still_the_same() -> None:
    name = "a" * 300
    first = asked(2).approved(by(name), NOW)
    with pytest.raises(RefusedAnswerError):
        first.approved(by(name), NOW)
    assert replace(first, approvals=()) == asked(2)
