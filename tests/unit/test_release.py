"""Whether a code release may go on."""

import pytest

from rollout.domain.release import Probe, failure_of, obstacles

FINE = Probe("read:8")


def test_versions_that_answer_may_serve_while_nobody_holds_the_flag() -> None:
    assert obstacles("", (FINE, Probe("candidate:3"))) == ()


def test_a_rollout_that_holds_the_flag_is_named() -> None:
    (reason,) = obstacles("beta-1", (FINE,))
    assert reason == "rollout beta-1 holds the flag: wait for its end or roll it back"


def test_a_version_that_fails_is_named_with_its_error() -> None:
    assert obstacles("", (FINE, Probe("candidate:3", "ImportModuleError"))) == (
        "candidate:3 does not answer: ImportModuleError",
    )


def test_what_was_not_tried_is_not_released() -> None:
    assert len(obstacles("", ())) == 1


@pytest.mark.parametrize(
    ("body", "error", "failure"),
    [
        ({"statusCode": 200}, "", ""),
        ({"statusCode": 404}, "", ""),  # there is no such user, and that is an answer
        ({"statusCode": 503}, "", "status 503"),
        ({"statusCode": "200"}, "", "status 200"),
        ({"user": {}, "error": ""}, "", ""),
        ({"user": None, "error": "DatabaseError"}, "", "DatabaseError"),
        ({"errorType": "ImportModuleError"}, "Unhandled", "ImportModuleError"),
        (None, "Unhandled", "Unhandled"),
        ({}, "", "MalformedAnswer"),
        ([], "", "MalformedAnswer"),
        (None, "", "MalformedAnswer"),
    ],
)
def test_what_is_wrong_with_a_read(body: object, error: str, failure: str) -> None:
    assert failure_of(body, error) == failure
