"""The flag: documents as stored and as served; whatever is served, a read has an arm."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rollout.adapters.flag_reader import FlagReader
from rollout.domain import flag as flags
from rollout.domain import routing
from rollout.domain.flag import Flag, with_flag
from tests.fakes import NOW
from tests.functional.fuzz.inputs import documents, refused, texts, written

NAME = "prismaAdapter"
RULE = '{"path":"tags","rule":"set"}'
OPEN = Flag(
    enabled=True,
    candidate_bps=2500,
    shadow_bps=3000,
    salt="s",
    lease_until=int(NOW) + 600,
    rollout_id="beta-1",
    phase="ramp-25",
    allow_list=("user-1",),
    cleaning_rules=(RULE,),
    noise_bps=500,
    tenants=("acme",),
)
STORED = with_flag({"version": "1", "flags": {}, "values": {}}, NAME, OPEN)


def sound(flag: Flag) -> None:
    """No flag that is obeyed exposes more than everybody, or for longer than there are dates."""
    assert 0 <= flag.candidate_bps <= 10_000
    assert 0 <= flag.shadow_bps <= 10_000
    assert 0 <= flag.lease_until <= flags.NO_LEASE_END
    assert 0 <= flag.exposure_at(NOW) <= 10_000


@given(document=documents(STORED))
def test_a_stored_flag_is_sound_or_refused_clearly(document: Any) -> None:
    found = refused("flag document", lambda: flags.parse_document(document, NAME))
    if found:
        sound(found)


@given(document=documents(STORED["values"]))
def test_a_served_flag_is_sound_or_refused_clearly(document: Any) -> None:
    found = refused("flag as served", lambda: flags.parse(document, NAME))
    if found:
        sound(found)


def serving(*contents: bytes) -> FlagReader:
    """A reader that is served these in turn."""
    served = iter(contents)
    return FlagReader(
        lambda: "token", lambda token: (token, next(served)), NAME, 0, clock=lambda: NOW
    )


@given(contents=st.lists(written(STORED["values"]), min_size=1, max_size=3), user=texts)
def test_a_reader_obeys_a_sound_flag_whatever_is_served(contents: list[bytes], user: str) -> None:
    good = json.dumps(STORED["values"]).encode()
    for content in contents:
        reader = serving(good, content)
        for _ in range(2):
            refused("flag reader", reader.flag)
            sound(reader.flag())
            assert routing.route(reader.flag(), user, NOW)[0] in ("control", "candidate")
