"""Made-up inputs, shared by every parser's tests: anything, and what is almost right."""

import copy
import json
from collections.abc import Callable
from typing import Any, TypeVar

from hypothesis import strategies as st

from rollout.domain.errors import InvalidInputError
from tests.fuzz_counts import tried

Result = TypeVar("Result")
LONGEST_VALUE = 300
LONGEST_MESSAGE = 1000
DEEP = 10_000
DEEPEST_SPOILT = 12


def deep(levels: int = DEEP) -> Any:
    """A list in a list, and so on: deeper than calls may be."""
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


DEEP_VALUE = deep()
DEEP_TEXT = "[" * DEEP + "]" * DEEP
STRANGE_TEXTS = (
    *("", " ", "\x00", "\x1b[2J", "\ud800", "a\udfffb", "\u202edrowssap", "\ufeff", "é\r\n", "💶"),
    *("' OR 1=1 --", "'; DROP TABLE users; --", "../../etc/passwd", "%00", "${jndi:x}", "=1+1"),
    *("NaN", "Infinity", "-0.0", "1e999", "null", "true", "[]", "{}", "1_000", "١٢", "0x10"),
    "x" * 1_000_000,
)
STRANGE = (
    *(None, True, False, 0, -1, -0.0, 0.1, 1e308, 10**400, -(10**30), 2**63, 3.0),
    *(float("nan"), float("inf"), float("-inf")),
    *STRANGE_TEXTS,
)
# Made anew each time, because a spoilt document may be spoilt again.
STRANGE_CONTAINERS: tuple[Callable[[], Any], ...] = (
    list,
    dict,
    lambda: [[]],
    lambda: {"": {}},
    lambda: [None],
    lambda: {"\x00": 1},
    lambda: deep(200),
)

texts = st.sampled_from(STRANGE_TEXTS) | st.text(st.characters(), max_size=40)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts
containers = st.sampled_from(STRANGE_CONTAINERS).map(lambda make: make())
values = (
    st.sampled_from(STRANGE)
    | containers
    | st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
        max_leaves=12,
    )
)


def places(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something stands in a document."""
    found = [path] if path else []
    if len(path) > DEEPEST_SPOILT:
        return found
    if isinstance(document, dict):
        for key, value in document.items():
            found += places(value, (*path, key))
    elif isinstance(document, list):
        for number, value in enumerate(document):
            found += places(value, (*path, number))
    return found


@st.composite
def almost(draw: st.DrawFn, document: Any) -> Any:
    """A valid document with one to three things in it spoilt: replaced, removed, added, doubled."""
    spoilt = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 3))):
        known = places(spoilt) if isinstance(spoilt, dict | list) else []
        if not known:
            return draw(values)
        *way, last = draw(st.sampled_from(known))
        holder = spoilt
        for step in way:
            holder = holder[step]
        _spoil(draw, holder, last)
    return spoilt


def _spoil(draw: st.DrawFn, holder: Any, last: Any) -> None:
    how = draw(st.sampled_from(("replace", "remove", "add", "double")))
    if how == "remove":
        del holder[last]
    elif how == "add" and isinstance(holder, dict):
        holder[draw(texts)] = draw(values)
    elif how == "double" and isinstance(holder, list):
        holder.insert(last, copy.deepcopy(holder[last]))
    else:
        holder[last] = draw(values)


def documents(valid: Any) -> st.SearchStrategy[Any]:
    """JSON values: mostly almost the valid one, sometimes anything."""
    return almost(valid) | values


@st.composite
def written(draw: st.DrawFn, valid: Any) -> bytes:
    """The bytes of a JSON text, spoilt as a document or as a text."""
    if draw(st.booleans()):
        try:
            text = json.dumps(draw(documents(valid)))
        except (RecursionError, ValueError):
            text = DEEP_TEXT
    else:
        text = json.dumps(valid, indent=1)
    return draw(spoilt_bytes(text))


@st.composite
def spoilt_bytes(draw: st.DrawFn, text: str) -> bytes:
    """A text as it may arrive: cut, doubled, with foreign line ends, marks and encodings."""
    how = draw(st.sampled_from(("plain", "cut", "mixed", "twice", "crlf", "insert", "swap")))
    at = draw(st.integers(0, max(0, len(text) - 1)))
    if how == "cut":
        text = text[:at]
    elif how == "twice":  # names that stand twice, or two documents
        text = text[:at] + text[at : at + 40] + text[at:]
    elif how == "crlf":
        text = text.replace("\n", draw(st.sampled_from(("\r\n", "\r", "\n\n", "\u2028"))))
    elif how == "insert":
        text = text[:at] + draw(texts)[:2000] + text[at:]
    elif how == "swap":
        word = draw(st.sampled_from(("NaN", "Infinity", "1e999", "-0.0", "9" * 5000, DEEP_TEXT)))
        text = text.replace("1", word, 1)
    mark = draw(st.sampled_from(("", "\ufeff")))
    encoding = draw(st.sampled_from(("utf-8", "utf-8", "utf-8", "utf-16", "latin-1")))
    data = (mark + text).encode(encoding, "replace")
    return data[:at] + b"\xff\xfe\x80" + data[at:] if how == "mixed" else data


def refused(parser: str, call: Callable[[], Result], secret: str = "") -> Result | None:
    """What the call returns; None when it refuses its input, which it must do clearly.

    Any other exception is the parser's mistake, and passes through.
    """
    tried(parser)
    try:
        return call()
    except InvalidInputError as error:
        clear(str(error), secret)
        assert error.field
        assert error.expected
        return None


def clear(text: str, secret: str = "") -> None:
    """Whether a person can read a refusal: field, value, expectation, no more than a screen."""
    field, _, rest = text.partition(" is ")
    assert field, text
    value, _, expected = rest.partition("; expected ")
    assert expected, text
    assert len(value) <= LONGEST_VALUE, text
    assert len(text) <= LONGEST_MESSAGE, text
    assert text.isprintable(), ascii(text)
    assert not secret or secret not in text
