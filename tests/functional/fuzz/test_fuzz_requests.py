"""Reads: user ids, and events as HTTP APIs, REST APIs and direct callers send them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.adapters import users_control
from rollout.domain import cohort
from rollout.domain.request import tenant_of, user_id_of
from rollout.handlers import read
from tests import fakes
from tests.fakes import NOW, FakeCandidate, FakeFlagSource, FakeTee, exposed
from tests.functional.fuzz.inputs import (
    DEEP_VALUE,
    STRANGE,
    STRANGE_TEXTS,
    clear,
    documents,
    refused,
    texts,
    values,
)
from tests.fuzz_counts import tried

HTTP = {
    **fakes.event("read.http"),
    "queryStringParameters": {"tenant": "acme"},
    "headers": {"cookie": "a=b"},
    "isBase64Encoded": False,
}
REST = {
    "resource": "/users/{userId}",
    "httpMethod": "GET",
    "pathParameters": {"userId": "user-1"},
    "queryStringParameters": None,
    "multiValueQueryStringParameters": {"userId": ["user-1"]},
    "body": None,
    "requestContext": {"stage": "live"},
}
DIRECT = {"userId": "user-1", "tenant": "acme"}
events = documents(HTTP) | documents(REST) | documents(DIRECT)


def answered(event: Any, bps: int = 10_000) -> tuple[dict[str, Any], FakeCandidate, FakeTee]:
    candidate, tee = FakeCandidate(), FakeTee()
    flag = exposed(bps, shadow_bps=10_000, tenants=("acme",))
    ports = read.Ports(
        FakeFlagSource(flag),
        users_control.user,
        candidate,
        tee,
        fakes.request_log(),
        clock=lambda: NOW,
    )
    return read.read(event, "request-1", ports), candidate, tee


@given(event=events, bps=st.sampled_from((0, 5000, 10_000)))
def test_a_request_is_answered_or_told_what_is_wrong_with_it(event: Any, bps: int) -> None:
    tried("read requests")
    answer, _, _ = answered(event, bps)
    assert answer["statusCode"] in (200, 400, 404)
    body = json.loads(answer["body"])
    if answer["statusCode"] == 400:
        clear(body["error"])
        assert "userId" in body["error"]


@given(event=events | values)
def test_a_request_names_a_user_or_is_refused_clearly(event: Any) -> None:
    found = refused("user id", lambda: user_id_of(event))
    assert found is None or 1 <= len(found) <= 256
    assert isinstance(tenant_of(event), str)


@given(user=texts)
def test_any_id_has_a_bucket_a_mark_and_a_hash(user: str) -> None:
    tried("user id")
    assert 0 <= cohort.bucket("salt", user) < 10_000
    assert cohort.mark("salt", user).startswith("sha256:")
    assert len(fakes.request_log().hashed(user)) == 16


@pytest.mark.parametrize(
    "user", [*(x for x in STRANGE if not isinstance(x, str)), [], {}, DEEP_VALUE]
)
@pytest.mark.parametrize("bps", [0, 10_000])
def test_a_bad_request_is_nobodys_error(
    user: Any, bps: int, capsys: pytest.CaptureFixture[str]
) -> None:
    answer, candidate, tee = answered({"userId": user}, bps)
    assert answer["statusCode"] == 400
    assert (candidate.asked, tee.sent) == ([], [])
    assert capsys.readouterr().out == ""  # no line, so no arm is charged


@pytest.mark.parametrize("user", [x for x in STRANGE_TEXTS if 1 <= len(x) <= 256])
def test_a_strange_id_is_a_user_who_does_not_exist(user: str) -> None:
    answer, _, _ = answered({"userId": user}, 0)
    assert answer["statusCode"] == 404


@pytest.mark.parametrize("event", [None, [], "x", 7, DEEP_VALUE, {"userId": DEEP_VALUE}])
def test_the_entry_point_answers_what_is_no_event(event: Any) -> None:
    """Also without any settings, when the control answers as before there was a rollout."""
    answer = read._rescued(event, RuntimeError("x"))
    assert answer["statusCode"] == 400
