"""The question put to a person: what was shown, until when, and which answers it takes."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Self

from rollout.domain.digest import digest
from rollout.domain.errors import InvalidInputError
from rollout.domain.moments import iso

APPROVED: Final = "APPROVED"
REJECTED: Final = "REJECTED"
# What an answer must be able to rely on. The clock's part of the verdict is no evidence.
EVIDENCE: Final = ("phase", "reasons", "guardrails", "since")
HASH_DIGITS: Final = 16
# A record of 4 KiB is the longest that costs nothing to keep; a task token may take 2 KiB of it.
KEPT_CHARACTERS: Final = 200
# The last second that a date can tell.
LATEST: Final = 253_402_300_799


class RefusedAnswerError(ValueError):
    """An approval that cannot be taken; the message says why and what to do."""


@dataclass(frozen=True)
class Answer:
    """What one person said: who, why, and the hash of the evidence that they had seen."""

    by: str
    why: str
    evidence: str


@dataclass(frozen=True)
class Question:
    """A pending question.

    token: the waiting execution's, a bearer secret. evidence: hash of what was shown. deadline:
    epoch seconds after which silence is a no. people: how many must approve, 1 or 2. approvals:
    those given so far, fewer than people.
    """

    token: str
    phase: str
    sentence: str
    evidence: str
    deadline: int
    people: int = 1
    approvals: tuple[Answer, ...] = ()

    @classmethod
    def of(cls, verdict: Mapping[str, Any], token: str, deadline: int, people: int) -> Self:
        """The question that a verdict, as it stands in the execution's document, calls for."""
        sentence = str(verdict["sentence"])[:KEPT_CHARACTERS]
        return cls(token, verdict["phase"], sentence, evidence_hash(verdict), deadline, people)

    def to_text(self) -> str:
        """The record that is kept, as JSON text; `from_text` reads it."""
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read a record. Raises InvalidInputError, which never repeats what was kept."""
        try:
            known = json.loads(text)
            given = tuple(Answer(**item) for item in known.pop("approvals"))
            return cls(**known, approvals=given)._checked()
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise InvalidInputError(
                field="the pending question",
                value="unreadable",
                expected="a record that this version has written",
                remedy="End the rollout with `rollout roll-back --why '…'`.",
            ) from None

    def _checked(self) -> Self:
        """The question when everything in it is of its kind; raises ValueError otherwise."""
        words = [self.token, self.phase, self.sentence, self.evidence]
        words += [word for item in self.approvals for word in (item.by, item.why, item.evidence)]
        whole = type(self.deadline) is int and 0 <= self.deadline <= LATEST
        if not whole or self.people not in (1, 2) or not all(isinstance(w, str) for w in words):
            raise ValueError("a record of other kinds")
        return self

    def to_json(self) -> dict[str, Any]:
        """What may be shown: everything but the token, the deadline as ISO 8601."""
        shown = asdict(self)
        del shown["token"]
        return {**shown, "deadline": iso(self.deadline)}

    def approved(self, answer: Answer, now: float) -> Self:
        """The question with one more approval.

        answer.evidence "" stands for the evidence of this question. now: epoch seconds. Raises
        RefusedAnswerError after the deadline, for other evidence, and for the same person twice.
        """
        if now > self.deadline:
            raise RefusedAnswerError(
                f"too late: the question ended at {iso(self.deadline)}, and silence rolls back; "
                "see `rollout status`, then launch again"
            )
        if answer.evidence not in ("", self.evidence):
            raise RefusedAnswerError(
                f"the evidence has changed: you have seen {answer.evidence}, asked is about "
                f"{self.evidence}; look at `rollout status`, then approve with "
                f"--evidence {self.evidence}"
            )
        kept = Answer(answer.by[:KEPT_CHARACTERS], answer.why[:KEPT_CHARACTERS], self.evidence)
        if any(kept.by == earlier.by for earlier in self.approvals):
            raise RefusedAnswerError(
                f"{kept.by} has approved already; another person must approve by "
                f"{iso(self.deadline)} (--who), or silence rolls back"
            )
        return replace(self, approvals=(*self.approvals, kept))

    @property
    def decided(self) -> bool:
        """Whether as many people have approved as must."""
        return len(self.approvals) >= self.people

    def yes(self) -> dict[str, str]:
        """The answer for the waiting execution once it is decided."""
        by = " and ".join(item.by for item in self.approvals)
        why = "; ".join(item.why for item in self.approvals)
        return {"word": APPROVED, "by": by, "why": why, "evidence": self.evidence}

    def no(self, by: str, why: str) -> dict[str, str]:
        """The answer for the waiting execution when somebody rejects; always taken."""
        return {"word": REJECTED, "by": by, "why": why, "evidence": self.evidence}


def evidence_hash(verdict: Mapping[str, Any]) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of the verdict's evidence."""
    return digest({key: verdict.get(key) for key in EVIDENCE})[:HASH_DIGITS]


def evidence_lines(question: Question, verdict: Mapping[str, Any]) -> list[str]:
    """What a person reads who is asked: the verdict, the counts, what would change it."""
    otherwise = [f"Otherwise: {verdict['otherwise']}"] if verdict.get("otherwise") else []
    return [
        str(verdict["sentence"]),
        *(_line(rail) for rail in verdict.get("guardrails", ())),
        *otherwise,
        f"Evidence {question.evidence}, to be answered by {iso(question.deadline)}.",
    ]


def _line(rail: Mapping[str, Any]) -> str:
    events, requests = rail["events"], rail["requests"]
    rate = f" ({events / requests:.2%})" if requests else ""
    return (
        f"  {rail['metric']}: {events} of {requests}{rate}, between {rail['low']:.2%} and "
        f"{rail['high']:.2%}, limit {rail['limit']:.2%}: {rail['call']}"
    )
