"""Cleaning rules: what may differ between two answers, as the plan says it.

A rule is a path and a word. It travels as compact JSON text in the flag and in the shadow's event.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Final

from rollout.domain import fields, paths
from rollout.domain.errors import InvalidInputError
from rollout.domain.paths import Segment, Wild

IGNORE, NUMBER, TIME, CASE = "ignore", "number", "time", "case"
WHITESPACE, UUID, SET, KEYED = "whitespace", "uuid", "set", "keyed"
# Word -> the further fields it may have.
WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    IGNORE: (),
    NUMBER: ("within", "within_percent"),
    TIME: ("within_seconds",),
    CASE: (),
    WHITESPACE: (),
    UUID: (),
    SET: (),
    KEYED: ("key",),
}
MOST: Final = 1e15
# One attribute of a flag is an array of strings, each of at most so many characters.
# Source: AWS.AppConfig.FeatureFlags type reference.
LONGEST: Final = 1024
REMEDY: Final = "Cleaning rules are described in docs/comparison.md."


@dataclass(frozen=True)
class Rule:
    """One rule.

    path, word: where and what, one of WORDS. within: numbers may differ by this much, times by so
    many seconds; within_percent: numbers by this share of the larger one. key: the field that
    tells the records of a list apart.
    """

    path: str
    word: str
    within: float = 0
    within_percent: float = 0
    key: str = ""

    @cached_property
    def segments(self) -> tuple[Segment, ...]:
        """The path, parsed."""
        return paths.parse(self.path)

    def to_json(self) -> dict[str, Any]:
        """The rule as the plan writes it."""
        item: dict[str, Any] = {"path": self.path, "rule": self.word}
        if self.within:
            item["within_seconds" if self.word == TIME else "within"] = self.within
        if self.within_percent:
            item["within_percent"] = self.within_percent
        if self.key:
            item["key"] = self.key
        return item

    def to_text(self) -> str:
        """The rule as it travels."""
        return json.dumps(self.to_json(), separators=(",", ":"))

    def __str__(self) -> str:
        return f"{self.word} {self.path}"


def parse(item: Any, field: str) -> Rule:
    """A rule from JSON values. Raises InvalidInputError naming field, value, expected, remedy."""
    try:
        return _parse(fields.mapping(item, field), field)
    except InvalidInputError as error:
        raise InvalidInputError(
            field=error.field, value=error.value, expected=error.expected, remedy=REMEDY
        ) from None


def _parse(item: Mapping[str, Any], field: str) -> Rule:
    word = item.get("rule")
    if not isinstance(word, str) or word not in WORDS:
        raise InvalidInputError(
            field=f"{field}.rule", value=word, expected=f"one of {', '.join(WORDS)}"
        )
    for name in item:
        if name not in ("path", "rule", *WORDS[word]):
            known = ", ".join(("path", "rule", *WORDS[word]))
            raise InvalidInputError(
                field=f"{field}.{name}", value=item[name], expected=f"no such field; known: {known}"
            )
    rule = Rule(
        _path(item.get("path"), word, f"{field}.path"),
        word,
        _number(item, "within_seconds" if word == TIME else "within", field),
        _number(item, "within_percent", field),
        _key(item, word, field),
    )
    if len(rule.to_text()) > LONGEST:
        raise InvalidInputError(
            field=field, value=rule.path, expected=f"at most {LONGEST} characters in all"
        )
    return rule


def _path(value: Any, word: str, field: str) -> str:
    if not isinstance(value, str):
        raise InvalidInputError(field=field, value=value, expected=paths.EXPECTED)
    segments = paths.parse(value, field)
    if word == IGNORE and all(segment is Wild.DEEP for segment in segments):
        raise InvalidInputError(
            field=field,
            value=value,
            expected="a part of the answer: this leaves nothing to compare",
        )
    return value


def _number(item: Mapping[str, Any], name: str, field: str) -> float:
    most = 100 if name == "within_percent" else MOST
    return fields.number(item[name], f"{field}.{name}", most=most) if name in item else 0


def _key(item: Mapping[str, Any], word: str, field: str) -> str:
    key = item.get("key", "")
    if word == KEYED and (not isinstance(key, str) or not key):
        raise InvalidInputError(
            field=f"{field}.key", value=item.get("key"), expected="the name of the key field"
        )
    return str(key)


@lru_cache(maxsize=256)
def from_text(text: str) -> Rule:
    """The rule that `to_text` wrote. Raises InvalidInputError."""
    try:
        item = json.loads(text)
    except (ValueError, RecursionError):
        item = text
    return parse(item, "cleaning rule")
