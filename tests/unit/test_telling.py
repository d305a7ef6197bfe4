"""What people are told: a subject for a pager, what is served, and what to type."""

from typing import Any

import pytest

from rollout.domain import telling
from rollout.domain.flag import NO_LEASE_END, Flag
from rollout.domain.messages import UNKNOWN
from rollout.domain.notice import EVENTS, Notice, percent
from rollout.domain.question import Question

STEP = {"step": {"rollout_id": "beta-1"}, "reasons": ["alarm one", "alarm two"]}
EXPOSURE: dict[str, Any] = {
    "word": "SERVED_LIVE",
    "phase": "canary",
    "kind": "canary",
    "exposure_bps": 100,
    "served_at": 1_800_000_000.0,
    "evaluate_every_seconds": 300,
    "history": [["shadow-soak", 1_799_990_000.0]],
}
VERDICT: dict[str, Any] = {
    "word": "HOLD",
    "sentence": "HOLD: errors 0 of 36 (0.00%), to certify 4.00%: 55 more clean requests.",
    "otherwise": "55 more clean requests promote; about 4 failed in a row would roll back",
    "phase": "canary",
    "next": "RAMP",
}
QUESTION = Question("secret", "canary", "INVESTIGATE: x.", "0123456789abcdef", 1_800_000_000, 2)
FLAG = Flag(True, 100, 2500, "s", 1_800_003_600, "beta-1", "canary", 20.0, 500.0)
BACK = "rollout roll-back --why '…'"


def ended(word: str, **outcome: Any) -> Notice:
    return telling.ended({"preflight": STEP, "outcome": {"word": word, **outcome}})


# How executions end


def test_a_rollback_says_why_what_is_served_and_that_the_night_is_over() -> None:
    notice = ended("ROLLED_BACK", reason="errors 9 of 10", exposure_bps=0)
    assert notice.text().splitlines() == [
        "beta-1: rolled back, the control serves everyone",
        "errors 9 of 10",
        "",
        "Served now: the control answers everyone, verified at the data plane.",
        "To do: nothing tonight; find the reason before the next launch.",
        "  rollout report beta-1   all that was seen and decided",
        "  rollout mismatches      which fields differed",
    ]


def test_a_rollback_that_left_another_rollout_alone_says_what_that_one_serves() -> None:
    notice = ended("ROLLED_BACK", reason="w", exposure_bps=2500, holder="other-1")
    assert notice.served == "the candidate answers 25 % of users, of rollout other-1"
    assert "control" not in notice.subject


def test_a_phase_that_passed_says_what_comes_next_and_when() -> None:
    outcome = {"word": "RAMPED", "sentence": "s", "next": "ramp-25", "starts_at": "tomorrow"}
    exposure = {"phase": "ramp-5", "exposure_bps": 500}
    notice = telling.ended({"preflight": STEP, "outcome": outcome, "exposure": exposure})
    assert (notice.event, notice.subject) == (
        "phase_passed",
        "beta-1: ramp-5 passed, ramp-25 is next",
    )
    assert notice.served == "the candidate answers 5 % of users"
    assert notice.to_do == "nothing; ramp-25 starts at tomorrow"


@pytest.mark.parametrize(
    ("word", "event"),
    [
        ("LAUNCHED", "phase_passed"),
        ("RAMPED", "phase_passed"),
        ("COMPLETED", "completed"),
        ("ROLLED_BACK", "rolled_back"),
        ("REFUSED", "refused"),
        ("PURPLE", "failed"),
    ],
)
def test_every_ending_is_an_event(word: str, event: str) -> None:
    assert (ended(word).event, ended(word).word) == (event, word)
    assert event in EVENTS


def test_the_reason_is_the_outcomes_own_or_else_the_documents() -> None:
    assert ended("ROLLED_BACK", reason="errors").happened == ("errors",)
    assert ended("COMPLETED", sentence="all clean").happened == ("all clean",)
    assert ended("REFUSED").happened == ("alarm one; alarm two",)


def test_there_is_a_message_even_for_an_empty_document() -> None:
    notice = telling.ended({})
    assert notice.subject.startswith("an unnamed rollout: ")
    assert UNKNOWN in notice.text()
    assert notice.to_do.startswith("look")


# While it goes on


@pytest.mark.parametrize(
    ("changes", "event", "subject"),
    [
        (
            {"kind": "shadow", "phase": "shadow-soak", "exposure_bps": 0, "history": []},
            "started",
            "beta-1: started, in shadow: nobody is exposed",
        ),
        ({}, "phase_passed", "beta-1: shadow-soak passed, canary exposes 1 %"),
        (
            {"kind": "ramp", "phase": "ramp-25", "exposure_bps": 2500},
            "phase_started",
            "beta-1: ramp-25 exposes 25 % of users",
        ),
        (
            {"kind": "down", "phase": "ramp-5", "exposure_bps": 500},
            "stepped_down",
            "beta-1: stepped down to ramp-5, 5 %, for harm",
        ),
    ],
)
def test_an_exposure_that_is_served_is_told(
    changes: dict[str, Any], event: str, subject: str
) -> None:
    notice = telling.confirmed("beta-1", {**EXPOSURE, **changes}, FLAG)
    assert (notice.event, notice.subject) == (event, subject)


def test_what_is_served_is_told_with_the_shadow_and_the_lease() -> None:
    notice = telling.confirmed("beta-1", EXPOSURE, FLAG)
    assert notice.served == (
        "the candidate answers 1 % of users; 25 % of the control's reads are compared; "
        "the lease ends 2027-01-15T09:00:00+00:00"
    )
    free = Flag(**{**vars(FLAG), "lease_until": NO_LEASE_END})
    assert "lease" not in telling.confirmed("beta-1", EXPOSURE, free).served


def test_a_hold_says_what_would_change_it_and_when_it_asks() -> None:
    notice = telling.held("beta-1", VERDICT, EXPOSURE, 43_200)
    assert notice.subject == "beta-1: canary holds at 1 %, longer than planned"
    assert notice.happened[1] == f"Otherwise: {VERDICT['otherwise']}."
    assert notice.to_do == "nothing yet; at 2027-01-15T20:00:00+00:00 it asks a person"
    assert BACK in notice.typed()


def test_a_hold_is_told_at_the_first_look_after_the_bake_and_ever_more_rarely() -> None:
    told = [look for look in range(40) if telling.due(look * 303.0, 3600, 300)]
    assert told[0] == 12  # the first look after the bake of 3600 s
    assert told == [12, 13, 15, 19, 27]


def test_no_look_of_a_bake_that_goes_on_is_told() -> None:
    assert not any(telling.due(baked, 3600, 300) for baked in range(0, 3600, 7))


def test_a_question_says_what_to_type_and_never_the_token() -> None:
    notice = telling.asked("beta-1", QUESTION, {**VERDICT, "word": "INVESTIGATE"}, 100)
    text = notice.text()
    assert notice.subject == "beta-1: approval wanted by 2027-01-15T08:00:00+00:00"
    approve = "rollout approve beta-1 --evidence 0123456789abcdef --why '…'"
    assert f"  {approve}   goes on (ramp is next)" in text
    assert "rollout reject beta-1 --why '…'" in text
    assert "two people must approve; silence rolls back" in text
    assert "secret" not in text + str(notice.to_json({}))


# The guard and the watchdog


def test_who_rolled_back_is_told() -> None:
    outcome = {"word": "ROLLED_BACK", "reason": "alarm", "exposure_bps": 0}
    assert telling.undone("r-1", "guard", outcome).subject == "r-1: rolled back by the guard"
    assert telling.failed("r-1", outcome).event == "failed"


def test_a_rollback_that_failed_asks_for_one_by_hand_first() -> None:
    notice = telling.not_undone("r-1", "guard", "AWS is out")
    assert notice.typed()[0] == BACK
    assert notice.event == "not_rolled_back"
    assert "unknown" in notice.served


# The message itself


def test_every_command_names_the_stack_when_it_is_told() -> None:
    notice = ended("ROLLED_BACK", reason="w", exposure_bps=0)
    assert notice.typed("second") == [f"{line} --stack second" for line in notice.typed()]
    assert "rollout report beta-1 --stack second   all" in notice.text("second")


def test_programs_get_a_version_and_what_people_get() -> None:
    document = ended("ROLLED_BACK", reason="w", exposure_bps=0).to_json({"a": 1}, "second")
    assert (document["version"], document["event"], document["rollout"]) == (
        1,
        "rolled_back",
        "beta-1",
    )
    assert document["commands"] == [
        "rollout report beta-1 --stack second",
        "rollout mismatches --stack second",
    ]
    assert document["facts"] == {"a": 1}


@pytest.mark.parametrize(
    ("bps", "text"), [(0, "0 %"), (50, "0.5 %"), (100, "1 %"), (10_000, "100 %")]
)
def test_basis_points_are_told_as_percent(bps: int, text: str) -> None:
    assert percent(bps) == text
