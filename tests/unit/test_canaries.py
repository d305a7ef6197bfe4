"""The search for planted values finds them in whatever they stand, however they are written."""

import base64
import json
from urllib.parse import quote

import pytest

from tests.local.canaries import leaks, text_of

CANARY = 'Kanarie "Zoë" <7f3a>/x'
WRITTEN = {
    "plain": f"read of {CANARY} failed",
    "lower case": CANARY.lower(),
    "JSON": json.dumps({"user": CANARY}),
    "JSON in UTF-8": json.dumps({"user": CANARY}, ensure_ascii=False),
    "JSON in JSON": json.dumps({"body": json.dumps({"user": CANARY})}),
    "an address": f"/users/{quote(CANARY, safe='')}?x",
    "hexadecimal": CANARY.encode().hex(),
    "as Python shows it": ascii({"user": CANARY}),
    "bytes": text_of({"body": CANARY.encode()}),
    **{
        f"base64 after {n}": base64.b64encode(b"x" * n + CANARY.encode() + b"yz").decode()
        for n in range(4)
    },
    "base64 for addresses": base64.urlsafe_b64encode(b"ab" + CANARY.encode()).decode(),
}
KINDS = (
    *("log", "metrics", "trace", "flag", "deployment", "execution", "history", "schedule"),
    *("queue", "parameters", "command", "report", "file"),
)


@pytest.mark.parametrize("way", WRITTEN)
def test_a_leak_is_found_however_it_is_written(way: str) -> None:
    assert leaks({"name": CANARY}, [("log", WRITTEN[way])]) == [("name", "log")]


@pytest.mark.parametrize("kind", KINDS)
def test_a_leak_is_found_in_every_kind_of_artefact(kind: str) -> None:
    clean = [(other, text_of({"told": "nothing"})) for other in KINDS if other != kind]
    spoilt = (f"{kind} 7", text_of({"details": [{"input": json.dumps({"user": CANARY})}]}))
    assert leaks({"name": CANARY}, [*clean, spoilt]) == [("name", f"{kind} 7")]


def test_what_is_not_there_is_not_found() -> None:
    assert leaks({"name": CANARY}, [("log", "Kanarie Zoe 7f3a")]) == []
