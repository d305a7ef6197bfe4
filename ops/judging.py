"""The judge on streams of JSON lines."""

import json
from typing import Any, TextIO

from rollout.domain.errors import InvalidInputError
from rollout.domain.protocol import Session


def answer_lines(lines: TextIO, answers: TextIO) -> None:
    """Answer each minute with one line, at once; blank lines are passed over.

    Raises InvalidInputError naming the line and the field; what was answered before stands.
    """
    session = Session()
    for number, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        try:
            answer = session.take(_message(text))
        except InvalidInputError as error:
            raise InvalidInputError(
                field=f"line {number}: {error.field}",
                value=error.value,
                expected=error.expected,
                remedy=error.remedy,
            ) from None
        if answer is not None:
            answers.write(f"{' '.join(answer).rstrip()}\n")
            answers.flush()


def _message(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(
            field="message", value=text.strip(), expected=f"a JSON object ({error})"
        ) from None


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")
