"""An observation has failed when the arm has no answer; no such user is an answer."""

from rollout.domain.observation import Observation


def test_a_user_is_an_answer() -> None:
    assert not Observation(value={"id": "user-1"}, duration_ms=3).failed


def test_no_such_user_is_an_answer() -> None:
    assert not Observation(value=None).failed


def test_an_error_is_no_answer() -> None:
    assert Observation(error="TimeoutError").failed


def test_an_error_is_no_answer_even_beside_a_value() -> None:
    assert Observation(value={"id": "user-1"}, error="TimeoutError").failed
