"""The error for bad input says what a person needs to correct it."""

import pytest

from rollout.domain.errors import SHOWN, InvalidInputError


def text_of(value: object, remedy: str = "") -> str:
    return str(InvalidInputError(field="speed", value=value, expected="more", remedy=remedy))


def test_the_text_names_field_value_and_expectation() -> None:
    assert text_of(3) == "speed is 3; expected more."


def test_the_remedy_ends_the_text() -> None:
    assert text_of(3, "Go faster.") == "speed is 3; expected more. Go faster."


def test_the_parts_can_be_read_apart() -> None:
    error = InvalidInputError(field="speed", value=[3], expected="more", remedy="Go faster.")

    assert (error.field, error.value, error.expected, error.remedy) == (
        "speed",
        [3],
        "more",
        "Go faster.",
    )


def test_a_value_that_is_not_there_is_called_missing() -> None:
    assert text_of(None) == "speed is missing; expected more."


@pytest.mark.parametrize("value", ["", 0, False, [], {}])
def test_an_empty_value_is_shown_as_it_is_and_not_called_missing(value: object) -> None:
    assert text_of(value) == f"speed is {value!r}; expected more."


def test_text_is_quoted_so_that_a_number_and_its_digits_look_different() -> None:
    assert text_of("3") == "speed is '3'; expected more."


def test_control_and_foreign_characters_cannot_reach_a_terminal() -> None:
    assert text_of("\x1b[2Jé\n") == r"speed is '\x1b[2J\xe9\n'; expected more."


def test_a_long_value_is_cut_and_its_length_told() -> None:
    text = text_of("x" * 5000)

    assert len(text) < SHOWN + 60
    assert "(5002 characters)" in text


def test_a_value_just_short_enough_is_shown_whole() -> None:
    value = "x" * (SHOWN - 2)  # and two quotes

    assert text_of(value) == f"speed is '{value}'; expected more."


def test_it_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="speed is 3"):
        raise InvalidInputError(field="speed", value=3, expected="more")
