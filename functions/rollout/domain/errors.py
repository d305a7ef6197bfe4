"""The error for bad input, shared by every parser."""

SHOWN = 120
LONGEST_FIELD = 160


class InvalidInputError(ValueError):
    """Input that cannot be used: names the field, the value, what was expected, what to do."""

    def __init__(self, *, field: str, value: object, expected: str, remedy: str = "") -> None:
        self.field = field
        self.value = value
        self.expected = expected
        self.remedy = remedy
        text = f"{_named(field)} is {_shown(value)}; expected {expected}."
        super().__init__(f"{text} {remedy}".rstrip())


def _named(field: str) -> str:
    """A field as a person may read it: the names in it may come from the input."""
    text = field if field.isprintable() else ascii(field)[1:-1]
    return text if len(text) <= LONGEST_FIELD else f"{text[:LONGEST_FIELD]}…"


def _shown(value: object) -> str:
    """A value as a person may read it: quoted, printable, and cut when long."""
    if value is None:
        return "missing"
    try:
        text = ascii(value)
    except Exception:  # nested too deeply, or a number with too many digits
        return f"a value of type {type(value).__name__} too large to show"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}… ({len(text)} characters)"
