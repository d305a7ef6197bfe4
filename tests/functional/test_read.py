"""The read path: control answers any doubt, and the user never sees the candidate fail."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.adapters import users_control
from rollout.adapters.flag_reader import FlagReader
from rollout.domain import cohort
from rollout.domain.flag import CLOSED, Flag
from rollout.domain.observation import Observation
from rollout.handlers.read import ARM_HEADER, Ports, handler, read
from rollout.settings import Settings
from tests import fakes
from tests.fakes import NOW, FakeCandidate, FakeFlagSource, FakeTee, exposed
from tests.functional import aws

USER = users_control.user("user-1")


@dataclass
class Reader:
    """A read function with fakes around it."""

    flag: Flag = CLOSED
    candidate: FakeCandidate = field(default_factory=lambda: FakeCandidate({"user-1": dict(USER)}))
    tee: FakeTee = field(default_factory=FakeTee)
    control: Callable[[str], dict[str, Any] | None] = users_control.user
    now: float = NOW

    def __call__(self, event: Any) -> tuple[int, str, Any]:
        """(status, arm that answered, body)."""
        source = FakeFlagSource(self.flag)
        ports = Ports(
            source, self.control, self.candidate, self.tee, fakes.request_log(), lambda: self.now
        )
        answer = read(event, "request-1", ports)
        return answer["statusCode"], answer["headers"][ARM_HEADER], json.loads(answer["body"])


def line(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    (text,) = capsys.readouterr().out.splitlines()
    return json.loads(text)


def test_without_a_flag_the_control_answers() -> None:
    assert Reader()(fakes.event("read.invoke")) == (200, "control", USER)


def test_an_http_request_names_its_user_in_the_path() -> None:
    assert Reader()(fakes.event("read.http")) == (200, "control", USER)


def test_at_full_exposure_the_candidate_answers() -> None:
    reader = Reader(exposed(10_000))
    assert reader({"userId": "user-1"}) == (200, "candidate", USER)


def test_a_user_on_the_allow_list_is_answered_by_the_candidate() -> None:
    reader = Reader(exposed(1, allow_list=("user-1",)))
    assert reader({"userId": "user-1"})[1] == "candidate"


def test_the_allow_list_exposes_nobody_before_anybody_is() -> None:
    reader = Reader(exposed(0, allow_list=("user-1",)))
    assert reader({"userId": "user-1"})[1] == "control"


def test_a_lease_that_is_over_returns_everyone_to_the_control() -> None:
    reader = Reader(exposed(10_000), now=NOW + 3600)
    assert reader({"userId": "user-1"})[1] == "control"


def test_a_candidate_that_fails_is_answered_by_the_control() -> None:
    reader = Reader(exposed(10_000), FakeCandidate(error="DatabaseError"))
    assert reader({"userId": "user-1"}) == (200, "control", USER)


def test_a_candidate_that_raises_in_spite_of_its_promise_is_answered_by_the_control() -> None:
    class Broken(FakeCandidate):
        def read(self, user_id: str) -> Any:
            raise RuntimeError(user_id)

    assert Reader(exposed(10_000), Broken())({"userId": "user-1"}) == (200, "control", USER)


def test_a_failure_is_charged_to_the_candidate_though_the_control_answered(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Reader(exposed(10_000), FakeCandidate(error="TimedOut"))({"userId": "user-1"})
    told = line(capsys)
    assert (told["arm"], told["Requests"], told["Errors"]) == ("candidate", 1, 1)
    assert (told["fallback"], told["error_type"]) == (1, "TimedOut")


@pytest.mark.parametrize(("duration_ms", "slow"), [(500.0, 0), (500.1, 1)])
def test_a_read_above_its_arms_cut_off_is_slow(
    capsys: pytest.CaptureFixture[str], duration_ms: float, slow: int
) -> None:
    candidate = FakeCandidate({"user-1": dict(USER)}, duration_ms=duration_ms)
    Reader(exposed(10_000), candidate)({"userId": "user-1"})
    assert line(capsys)["Slow"] == slow


def test_the_line_names_no_user(capsys: pytest.CaptureFixture[str]) -> None:
    Reader()({"userId": "user-1"})
    assert "user-1" not in capsys.readouterr().out


def test_the_line_is_a_metric_record_of_everything_it_names(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Reader()({"userId": "user-1"})
    told = line(capsys)
    (directive,) = told["_aws"]["CloudWatchMetrics"]
    assert directive["Dimensions"] == [["service", "arm"]]
    names = [metric["Name"] for metric in directive["Metrics"]]
    assert names == ["Requests", "Errors", "Slow", "Latency"]
    assert all(isinstance(told[name], int | float) for name in names)


@pytest.mark.parametrize(
    "event",
    [
        {"userId": "user-1", "tenant": "acme"},
        {"pathParameters": {"userId": "user-1"}, "queryStringParameters": {"tenant": "acme"}},
    ],
)
def test_a_tenant_that_the_plan_names_is_also_counted_by_itself(
    event: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    Reader(exposed(100, tenants=("acme",)))(event)
    told = line(capsys)
    (directive,) = told["_aws"]["CloudWatchMetrics"]
    assert directive["Dimensions"] == [["service", "arm"], ["service", "arm", "tenant"]]
    assert told["tenant"] == "acme"


@pytest.mark.parametrize("tenant", ["globex", "", 7, None, ["acme"]])
def test_any_other_tenant_makes_no_metric_of_its_own(
    tenant: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    Reader(exposed(100, tenants=("acme",)))({"userId": "user-1", "tenant": tenant})
    told = line(capsys)
    assert told["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["service", "arm"]]
    assert "tenant" not in told


CONTRACT = {
    "event": str,
    "path": str,
    "ok": int,
    "failed": int,
    "fallback": int,
    "is_candidate": int,
    "timed_out": int,
    "latency_ms": float,
    "user_hash": str,
    "bucket": int,
    "flag_bps": int,
    "flag_stale": int,
    "config_version": str,
    "error_type": str,
    "error_message": str,
}


@pytest.mark.parametrize("bps", [0, 10_000])
def test_the_line_has_every_field_that_the_queries_use_as_they_use_it(
    capsys: pytest.CaptureFixture[str], bps: int
) -> None:
    Reader(exposed(bps))({"userId": "user-1"})
    told = line(capsys)
    assert {name: type(told[name]) for name in CONTRACT} == CONTRACT


def test_the_message_of_a_failure_is_told_without_the_user(
    capsys: pytest.CaptureFixture[str],
) -> None:
    class Failing(FakeCandidate):
        def read(self, user_id: str) -> Observation:
            return Observation(None, "DatabaseError", 5, f"no row of {user_id} " + "x" * 999)

    Reader(exposed(10_000), Failing())({"userId": "user-1"})
    told = line(capsys)
    assert told["error_message"].startswith(f"no row of {told['user_hash']} xxx")
    assert len(told["error_message"]) == 200


def test_a_user_whom_nobody_answered_has_a_line_of_the_control(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def broken(user_id: str) -> None:
        raise MemoryError("full")

    reader = Reader(exposed(10_000), FakeCandidate(error="TimedOut"), control=broken)
    assert reader({"userId": "user-1"})[0] == 503
    charged, told = map(json.loads, capsys.readouterr().out.splitlines())
    assert (charged["arm"], charged["error_type"]) == ("candidate", "TimedOut")
    assert (told["event"], told["path"], told["error_type"]) == (
        "read.error",
        "control",
        "MemoryError",
    )
    assert "_aws" not in told


def test_a_flag_that_could_not_be_refreshed_is_seen_in_the_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    source = FakeFlagSource(exposed(100), version="v7", stale=3)
    candidate = FakeCandidate({"user-1": dict(USER)})
    ports = Ports(source, users_control.user, candidate, FakeTee(), fakes.request_log())
    read({"userId": "user-1"}, "request-1", ports)
    told = line(capsys)
    assert (told["flag_stale"], told["config_version"]) == (3, "v7")


def test_standard_output_that_is_closed_fails_no_read(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr("sys.stdout", closed)
    assert Reader()({"userId": "user-1"})[0] == 200


def test_a_control_read_is_handed_to_the_shadow_with_its_answer() -> None:
    reader = Reader(exposed(0))
    reader({"userId": "user-1"})
    (sent,) = reader.tee.sent
    assert (sent.user_id, sent.served, sent.answer.value) == ("user-1", "control", USER)


def test_a_candidate_read_is_handed_over_too_so_that_the_control_is_asked() -> None:
    other = {"id": "user-1", "name": "somebody else"}
    reader = Reader(exposed(10_000), FakeCandidate({"user-1": other}))
    reader({"userId": "user-1"})
    (sent,) = reader.tee.sent
    assert (sent.user_id, sent.served, sent.answer.value) == ("user-1", "candidate", other)


def test_a_candidate_that_failed_is_charged_and_not_shadowed() -> None:
    reader = Reader(exposed(10_000), FakeCandidate(error="TimedOut"))
    reader({"userId": "user-1"})
    assert reader.tee.sent == []


def test_the_shadow_is_of_the_users_bucket_in_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    reader = Reader(exposed(100))
    reader({"userId": "user-1"})
    (sent,) = reader.tee.sent
    assert sent.bucket == line(capsys)["bucket"] == cohort.bucket("salt-1", "user-1")


def test_without_a_shadow_sample_nothing_is_shadowed() -> None:
    reader = Reader(exposed(0, shadow_bps=0))
    reader({"userId": "user-1"})
    assert reader.tee.sent == []


def test_a_shadow_that_cannot_be_sent_is_told_and_fails_no_read(
    capsys: pytest.CaptureFixture[str],
) -> None:
    reader = Reader(exposed(0), tee=FakeTee("TooManyRequestsException"))
    assert reader({"userId": "user-1"})[:2] == (200, "control")
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (told["event"], told["error_type"]) == ("tee.failed", "TooManyRequestsException")


@pytest.mark.parametrize("bps", [0, 10_000])
def test_a_user_who_does_not_exist_is_not_found_by_either_arm(bps: int) -> None:
    assert Reader(exposed(bps))({"userId": "user-0"})[0] == 404


@pytest.mark.parametrize("event", [{}, None, [], {"userId": ""}, {"userId": 7}, {"userId": None}])
def test_a_request_that_names_nobody_is_told_what_to_send(event: Any) -> None:
    status, arm, body = Reader(exposed(10_000))(event)
    assert (status, arm) == (400, "control")
    assert "userId is" in body["error"]
    assert 'Send {"userId": "user-1"}' in body["error"]


def test_only_a_failing_control_is_unavailable() -> None:
    def broken(user_id: str) -> None:
        raise MemoryError(user_id)

    assert Reader(control=broken)({"userId": "user-1"})[0] == 503


@given(
    user_id=st.text(min_size=1, max_size=256),
    bps=st.integers(0, 10_000),
    error=st.sampled_from(["", "TimedOut", "DatabaseError"]),
    now=st.floats(NOW - 7200, NOW + 7200),
)
def test_no_read_ever_fails_because_of_the_rollout(
    user_id: str, bps: int, error: str, now: float
) -> None:
    reader = Reader(exposed(bps), FakeCandidate({"user-1": dict(USER)}, error), now=now)
    assert reader({"userId": user_id})[0] in (200, 404)


def test_a_function_that_lacks_a_setting_answers_as_before_the_rollout(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Settings, "from_environ", lambda: Settings({}))
    aws.forget()
    answer = handler({"userId": "user-1"}, SimpleNamespace(aws_request_id="request-1"))
    aws.forget()
    assert (answer["statusCode"], json.loads(answer["body"])) == (200, USER)
    assert (line(capsys)["event"], answer["headers"][ARM_HEADER]) == ("read.rescued", "control")


def test_a_mistake_of_ours_is_answered_by_the_control(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def mistaken() -> None:
        raise KeyError("user-1")

    monkeypatch.setattr("rollout.handlers.read._reader", mistaken)
    answer = handler({"userId": "user-1"}, SimpleNamespace(aws_request_id="request-1"))
    assert answer["statusCode"] == 200
    assert "user-1" not in capsys.readouterr().out


# What the reader knows of the flag


def flag_reader(*contents: bytes | Exception) -> tuple[FlagReader, list[float]]:
    """A reader that is served these in turn, and the clock that it goes by."""
    served, clock = iter(contents), [0.0]

    def fetch(token: str) -> tuple[str, bytes]:
        content = next(served)
        if isinstance(content, Exception):
            raise content
        return token, content

    return FlagReader(lambda: "token", fetch, "flag", 45, lambda: clock[0]), clock


def served(bps: int) -> bytes:
    flag = {"enabled": True, "candidate_bps": bps, "salt": "s", "lease_until": 2_000_000_000}
    return json.dumps({"flag": flag}).encode()


def test_the_flag_is_asked_for_again_after_the_poll_interval_and_not_before() -> None:
    reader, clock = flag_reader(served(100), served(500))
    seen = [reader.flag().candidate_bps]
    for clock[0] in (44.9, 45.0):
        seen.append(reader.flag().candidate_bps)
    assert seen == [100, 100, 500]


def test_a_clock_that_is_set_back_does_not_stop_the_polling() -> None:
    reader, clock = flag_reader(served(100), served(500))
    clock[0] = 10_000
    reader.flag()
    clock[0] = 5_000
    assert reader.flag().candidate_bps == 500


def test_an_empty_answer_means_that_nothing_has_changed() -> None:
    reader, clock = flag_reader(served(100), b"")
    reader.flag()
    clock[0] = 60
    assert reader.flag().candidate_bps == 100


@pytest.mark.parametrize(
    "bad",
    [b"{", b"[]", b'{"other": {}}', b'{"flag": {"enabled": "yes"}}', ConnectionError("outage")],
)
def test_the_last_good_flag_outlives_a_bad_one_and_is_counted(bad: bytes | Exception) -> None:
    reader, clock = flag_reader(served(100), bad)
    reader.flag()
    clock[0] = 60
    assert reader.flag().candidate_bps == 100
    assert reader.stale == 1


def test_a_bad_flag_stays_counted_until_a_good_one_comes() -> None:
    reader, clock = flag_reader(served(100), b"{", b"", served(200))
    seen = []
    for clock[0] in (0, 60, 120, 180):
        seen.append((reader.flag().candidate_bps, reader.stale))
    assert seen == [(100, 0), (100, 1), (100, 2), (200, 0)]


def test_a_flag_is_told_once_when_it_is_taken_over() -> None:
    reader, clock = flag_reader(served(100), served(100), b"{", served(200))
    told: list[int] = []
    reader.observed = lambda version, flag: told.append(flag.candidate_bps)
    for clock[0] in (0, 60, 120, 180):
        reader.flag()
    assert told == [100, 200]


def test_a_document_too_deep_to_read_is_a_bad_one() -> None:
    reader, _ = flag_reader(b"[" * 100_000)
    assert (reader.flag(), reader.stale) == (CLOSED, 1)


@pytest.mark.parametrize("bad", [b"{", ConnectionError("outage")])
def test_without_any_good_flag_the_control_answers(bad: bytes | Exception) -> None:
    reader, _ = flag_reader(bad)
    assert reader.flag() == CLOSED
