"""What somebody has changed of a flag, in words."""

from dataclasses import replace

from rollout.domain.edits import changes, sentence
from rollout.domain.flag import CLOSED


def test_the_same_flag_has_no_changes() -> None:
    assert changes(CLOSED, replace(CLOSED)) == ()


def test_each_attribute_that_differs_is_named_with_both_values() -> None:
    now = replace(CLOSED, candidate_bps=7, phase="x")
    assert changes(CLOSED, now) == ("candidate_bps: 0 -> 7", "phase: '' -> 'x'")


def test_a_long_value_is_cut() -> None:
    (found,) = changes(CLOSED, replace(CLOSED, salt="s" * 900))
    assert len(found) < 100


def test_the_sentence_names_deployment_version_and_note() -> None:
    said = sentence(CLOSED, (), number=12, version="9", by="")
    assert "deployment 12 with version 9 (without a note)" in said
    assert "held by nobody" in said
