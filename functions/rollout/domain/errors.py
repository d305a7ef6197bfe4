"""The error for bad input, shared by every parser."""

SHOWN = 120


class InvalidInputError(ValueError):
    """Input that cannot be used: names the field, the value, what was expected, what to do."""

    def __init__(self, *, field: str, value: object, expected: str, remedy: str = "") -> None:
        self.field = field
        self.value = value
        self.expected = expected
        self.remedy = remedy
        text = f"{field} is {_shown(value)}; expected {expected}."
        super().__init__(f"{text} {remedy}".rstrip())


def _shown(value: object) -> str:
    """A value as a person may read it: quoted, printable, and cut when long."""
    if value is None:
        return "missing"
    text = ascii(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}… ({len(text)} characters)"
