"""What a visit was given, said and failed with, as text that may be shown."""

import json
import re
from typing import Any, Final

REDACTED: Final = "(redacted)"
# Whoever has a task's token can answer for the person who is asked.
SECRET: Final = re.compile(r"token", re.IGNORECASE)
IN_TEXT: Final = re.compile(
    r"""(?P<key>\\?"[^"\\]*token[^"\\]*\\?"\s*:\s*)\\?"(?:[^"\\]|\\.)*?(?:\\?"|$)""", re.IGNORECASE
)


def pretty(value: Any) -> str:
    """A JSON value on several lines, without task tokens; a text stays as it is, without them."""
    if isinstance(value, str):
        return without_tokens(value)
    return json.dumps(redacted(value), indent=2, ensure_ascii=False)


def redacted(value: Any) -> Any:
    """A JSON value in which every text under a name with "token" in it is REDACTED."""
    if isinstance(value, dict):
        return {
            key: REDACTED if SECRET.search(key) and isinstance(item, str) else redacted(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [redacted(item) for item in value]
    return without_tokens(value) if isinstance(value, str) else value


def without_tokens(text: str) -> str:
    """A text in which JSON may stand, also cut off or quoted once more, without its tokens."""
    return IN_TEXT.sub(lambda found: f'{found["key"]}"{REDACTED}"', text)
