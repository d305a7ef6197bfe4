"""Planted values that must show up nowhere, and looking for them however they are written."""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

# Shorter pieces would be found by chance.
SHORTEST = 8


def spellings(canary: str) -> Iterator[str]:
    """The ways in which a text may stand in another."""
    yield canary
    yield canary.lower()
    yield ascii(canary)[1:-1]
    for ensure_ascii in (True, False):
        escaped = json.dumps(canary, ensure_ascii=ensure_ascii)[1:-1]
        yield escaped
        yield json.dumps(escaped)[1:-1]  # JSON within JSON
    yield quote(canary, safe="")
    yield quote_plus(canary)
    data = canary.encode()
    yield data.hex()
    # In base64 a text looks otherwise by where it begins; its first and last digits mix with
    # those of its neighbours.
    for before in range(3):
        coded = base64.b64encode(b"\0" * before + data)
        middle = coded[(before * 8 + 5) // 6 : len(data) * 8 // 6].decode()
        yield middle
        yield middle.replace("+", "-").replace("/", "_")


def leaks(
    canaries: Mapping[str, str], artefacts: Iterable[tuple[str, str]]
) -> list[tuple[str, str]]:
    """(name of the canary, name of the artefact) of each artefact that holds a canary."""
    wanted = {
        name: {text for text in spellings(canary) if len(text) >= SHORTEST}
        for name, canary in canaries.items()
    }
    return [
        (name, place)
        for place, content in artefacts
        for name, texts in wanted.items()
        if any(text in content for text in texts)
    ]


def text_of(value: Any) -> str:
    """An artefact as text, with what it holds as it is."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=_shown)


def _shown(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
