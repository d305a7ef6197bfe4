"""The flag's definition: what an older stack has stored is completed, what somebody meant stays."""

from typing import Any

from rollout.domain.definition import ATTRIBUTES, defined, document_with
from rollout.domain.flag import CLOSED

NAME = "users_read"


def stored(attributes: dict[str, Any]) -> dict[str, Any]:
    flags = {NAME: {"name": "Users read", "attributes": attributes}, "banner": {"name": "Banner"}}
    return {"version": "1", "flags": flags, "values": {NAME: {"enabled": False}}}


def test_an_older_definition_gets_the_attributes_that_are_new() -> None:
    older = {key: {"constraints": ATTRIBUTES[key]} for key in ("candidate_bps", "salt")}
    attributes = defined(stored(older), NAME)["flags"][NAME]["attributes"]
    assert {key: value["constraints"] for key, value in attributes.items()} == ATTRIBUTES


def test_what_is_defined_stays_as_somebody_meant_it() -> None:
    own = {"salt": {"description": "ours", "constraints": {"type": "string"}}, "mine": {}}
    attributes = defined(stored(own), NAME)["flags"][NAME]["attributes"]
    assert (attributes["salt"], attributes["mine"]) == (own["salt"], {})


def test_other_flags_and_the_document_itself_are_left_alone() -> None:
    before = stored({})
    after = defined(before, NAME)
    assert after["flags"]["banner"] == {"name": "Banner"}
    assert before == stored({})


def test_every_value_that_is_written_is_defined() -> None:
    written = document_with({"version": "1", "flags": {}, "values": {}}, NAME, CLOSED)
    assert set(written["values"][NAME]) == {"enabled", *written["flags"][NAME]["attributes"]}
