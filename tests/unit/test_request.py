"""A read request names one user, wherever it comes from."""

from typing import Any

import pytest

from rollout.domain.errors import InvalidInputError
from rollout.domain.request import LONGEST_USER_ID, user_id_of


@pytest.mark.parametrize(
    "event",
    [
        {"userId": "user-1"},
        {"pathParameters": {"userId": "user-1"}},
        {"queryStringParameters": {"userId": "user-1"}},
        {"pathParameters": None, "queryStringParameters": {"userId": "user-1"}},
        {"pathParameters": {"id": "7"}, "queryStringParameters": {"userId": "user-1"}},
    ],
)
def test_the_user_is_found_in_a_direct_event_in_the_path_and_in_the_query(event: Any) -> None:
    assert user_id_of(event) == "user-1"


def test_a_direct_event_beats_the_path_and_the_path_beats_the_query() -> None:
    path, query = {"userId": "path"}, {"userId": "query"}

    assert user_id_of({"userId": "direct", "pathParameters": path}) == "direct"
    assert user_id_of({"pathParameters": path, "queryStringParameters": query}) == "path"


@pytest.mark.parametrize("length", [1, LONGEST_USER_ID])
def test_an_id_of_any_allowed_length_is_taken(length: int) -> None:
    assert user_id_of({"userId": "u" * length}) == "u" * length


@pytest.mark.parametrize(
    ("event", "value"),
    [
        (None, None),
        ({}, None),
        ([], None),
        ("user-1", None),
        ({"userid": "user-1"}, None),
        ({"pathParameters": None, "queryStringParameters": None}, None),
        ({"pathParameters": "user-1"}, None),
        ({"userId": None}, None),
        ({"userId": ""}, ""),
        ({"userId": 7}, 7),
        ({"userId": True}, True),
        ({"userId": ["user-1"]}, ["user-1"]),
        ({"userId": b"user-1"}, b"user-1"),
        ({"userId": "u" * (LONGEST_USER_ID + 1)}, "u" * (LONGEST_USER_ID + 1)),
        # What stands first counts, also when it is bad.
        ({"userId": "", "pathParameters": {"userId": "user-1"}}, ""),
    ],
)
def test_a_request_that_names_nobody_is_refused(event: Any, value: object) -> None:
    with pytest.raises(InvalidInputError) as caught:
        user_id_of(event)

    assert caught.value.field == "userId"
    assert caught.value.value == value
    assert caught.value.expected == "a string of 1 to 256 characters"
    assert "GET /users/user-1" in caught.value.remedy
