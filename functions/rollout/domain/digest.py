"""A digest that stands for an answer too large to travel."""

import hashlib
import json
from typing import Any


def digest(value: Any) -> str:
    """SHA-256 of the value as canonical JSON (fields sorted, no white space), in hexadecimal.

    Equal digests are equal answers. Answers that are equal under cleaning rules, or in which 1 is
    written as 1.0, have other digests. Raises what `json` raises for values that are no JSON.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
