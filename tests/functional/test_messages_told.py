"""Every message that a whole rollout sends is one that the playbook explains."""

import re

import pytest

from rollout.adapters import clients
from rollout.domain.notice import EVENTS
from tests.fakes import ROOT
from tests.functional.test_template import FUNCTIONS
from tests.functional.worlds import followed, world

PLAYBOOK = (ROOT / "docs" / "playbook.md").read_text(encoding="utf-8")
TABLE = re.search(r"\| event \| subject says \| do \|\n.*?\n\n", PLAYBOOK, re.S)


def test_the_playbook_says_what_to_do_for_every_event_and_for_no_other() -> None:
    assert TABLE
    assert sorted(re.findall(r"^\| `(\w+)` \|", TABLE[0], re.M)) == sorted(EVENTS)


def test_a_topic_that_hangs_ends_no_function_that_only_tells_of_something(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its timeout would be a failure of the state, and roll back."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    config = clients.brief_client.__wrapped__("sns").meta.config
    attempts = config.retries["total_max_attempts"]
    longest = attempts * (config.connect_timeout + config.read_timeout) + 2**attempts
    told = [name for name, one in FUNCTIONS.items() if "TOPIC_ARN" in str(one["Environment"])]
    assert len(told) >= 6
    assert all(longest < FUNCTIONS[name]["Timeout"] / 1.5 for name in told)


@pytest.mark.parametrize("failing", [0.0, 0.5])
def test_every_message_of_a_rollout_can_be_acted_on(failing: float) -> None:
    topic = followed(world(failing=failing, from_bps=500)).account.sns
    assert topic.told
    for text, document in zip(topic.told, topic.documents, strict=True):
        subject = text.splitlines()[0]
        assert document["event"] in EVENTS
        assert subject.isascii()
        assert len(subject) < 100
        assert re.search(r"\nServed now: .+\.\nTo do: .+\.\n  rollout .+ --stack a-stack", text)
        assert {"version", "event", "rollout", "word", "served", "commands"} <= set(document)
