"""A message of the topic, as a chat shows it."""

import json
from typing import Any

import pytest

from rollout.domain import chat
from rollout.domain.chat import Said
from rollout.domain.errors import InvalidInputError
from rollout.domain.notice import Notice

NOTICE = Notice("hold", "b-1", "HOLD", "b-1: holds", ("errors <1 & >0",), "the control", "nothing")


def record(message: str, subject: str = "subject") -> dict[str, Any]:
    return {"Sns": {"Subject": subject, "Message": message}}


def test_a_notice_is_shown_with_what_is_served_and_what_to_type() -> None:
    said = chat.said(record(json.dumps(NOTICE.to_json({}, "second"))))
    assert said == Said(
        "b-1: holds",
        ("errors <1 & >0", "Served now: the control.", "To do: nothing."),
        ("rollout status --stack second",),
    )


def test_the_alarm_that_publishes_to_the_same_topic_is_shown_by_name_and_state() -> None:
    alarm = {"AlarmName": "error-rate", "NewStateValue": "ALARM", "NewStateReason": "3 of 5"}
    said = chat.said(record(json.dumps(alarm)))
    assert said == Said("alarm error-rate: ALARM", ("3 of 5",))


@pytest.mark.parametrize("text", ["hello", "[1]", '{"version": 2, "subject": "later"}', "[" * 5000])
def test_anything_else_is_shown_as_it_is(text: str) -> None:
    said = chat.said(record(text, "what"))
    assert (said.title, said.lines[0][:9]) == ("what", text[:9])
    assert len(said.lines[0]) <= chat.LONGEST


@pytest.mark.parametrize("bad", [None, {}, {"Sns": None}, {"Sns": {"Message": 7}}, [], "Sns"])
def test_what_is_no_record_of_sns_is_refused(bad: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"Sns\.Message"):
        chat.said(bad)


def test_slack_gets_one_text_with_its_three_characters_escaped() -> None:
    text = chat.slack(chat.said(record(json.dumps(NOTICE.to_json({})))))["text"]
    assert text.splitlines()[0] == "*b-1: holds*"
    assert "errors &lt;1 &amp; &gt;0" in text
    assert text.endswith("```\nrollout status\n```")


def test_teams_gets_a_card_of_wrapped_blocks() -> None:
    body = chat.teams(chat.said(record(json.dumps(NOTICE.to_json({})))))
    (card,) = body["attachments"]
    assert card["contentType"] == "application/vnd.microsoft.card.adaptive"
    blocks = card["content"]["body"]
    assert blocks[0]["text"] == "b-1: holds"
    assert blocks[-1] == {
        "type": "TextBlock",
        "wrap": True,
        "text": "rollout status",
        "fontType": "Monospace",
    }
    assert all(block["text"] for block in blocks)


def test_a_long_message_is_cut() -> None:
    notice = Notice("hold", "b", "HOLD", "t" * 900, ("x" * 90_000,), "s", "d")
    for kind in chat.KINDS.values():
        said = kind(chat.said(record(json.dumps(notice.to_json({})))))
        assert len(json.dumps(said)) < 10_000
