"""What X-Ray is told of a read: read back from the packets that the SDK sends to the daemon."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from rollout.adapters import tracing
from rollout.settings import Settings
from tests.fakes import ROOT

pytest.importorskip("aws_xray_sdk")
TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled={sampled}"
READS = """
from dataclasses import replace
from types import SimpleNamespace
from rollout.adapters import flag_reader
from rollout.handlers import candidate, read
from tests.fakes import FakeCandidate, FakeFlagSource, FakeTee, exposed
flag = exposed(10_000, lease_until=4_000_000_000)
flag_reader.connect = lambda: FakeFlagSource(flag)
read.LambdaCandidate.connect = lambda: FakeCandidate({"user-1": {"id": "user-1"}})
read.LambdaTee.connect = lambda: FakeTee()
candidate.CONNECT = lambda: SimpleNamespace(read=lambda user_id: None)
read.handler({"userId": "user-1"}, SimpleNamespace(aws_request_id="request-1"))
candidate.handler({"userId": "user-1"}, None)
"""
SETTINGS = {
    "METRIC_NAMESPACE": "Test/ReadPath",
    "SERVICE_NAME": "read",
    "METRIC_RESOLUTION_SECONDS": "60",
    "USER_HASH_KEY": "key",
    "AWS_LAMBDA_FUNCTION_VERSION": "7",
    "LAMBDA_TASK_ROOT": "/var/task",
    "PYTHONPATH": f"{ROOT / 'functions'}:{ROOT}",
}


def sent(sampled: int, **known: str) -> list[dict[str, Any]]:
    """The subsegments that a candidate's read sends when the request is sampled, or not."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.bind(("127.0.0.1", 0))
        known["AWS_XRAY_DAEMON_ADDRESS"] = f"127.0.0.1:{daemon.getsockname()[1]}"
        known["_X_AMZN_TRACE_ID"] = TRACE.format(sampled=sampled)
        environment = {"PATH": os.environ["PATH"], **SETTINGS, **known}
        subprocess.run([sys.executable, "-c", READS], env=environment, cwd=ROOT, check=True)
        return [json.loads(packet) for packet in packets(daemon)]


def packets(daemon: socket.socket) -> Iterator[bytes]:
    daemon.setblocking(False)
    while True:
        try:
            header, _, document = daemon.recv(65_536).partition(b"\n")
        except BlockingIOError:
            return
        assert json.loads(header) == {"format": "json", "version": 1}
        yield document


@pytest.fixture(scope="module")
def told() -> dict[str, dict[str, Any]]:
    """By name, in a request that is traced and sampled."""
    return {segment["name"]: segment for segment in sent(1, POWERTOOLS_TRACE_ENABLED="true")}


def test_a_read_is_a_subsegment_and_so_is_each_thing_it_waits_for(told: dict[str, Any]) -> None:
    assert set(told) == {"read", "flag", "candidate", "tee", "query"}
    parents = {name: told[name]["parent_id"] for name in ("flag", "candidate", "tee")}
    assert set(parents.values()) == {told["read"]["id"]}


def test_the_subsegments_belong_to_the_segment_that_lambda_made(told: dict[str, Any]) -> None:
    for name in ("read", "query"):
        assert told[name]["trace_id"] == "1-5759e988-bd862e3fe1be46a994272793"
        assert told[name]["parent_id"] == "53995c3f42cd8ad8"
        assert told[name]["end_time"] >= told[name]["start_time"]


def test_a_read_can_be_searched_for_by_arm_and_by_the_users_hash(told: dict[str, Any]) -> None:
    found = told["read"]["annotations"]
    assert (found["canary"], found["path"], len(found["user_hash"])) == (True, "candidate", 16)


def test_the_metadata_say_what_was_decided(told: dict[str, Any]) -> None:
    found = told["read"]["metadata"]["read"]
    assert (found["version"], found["canaryEnabled"], found["exposure"]) == ("7", True, 10_000)
    assert (found["duration_ms"], found["config_version"]) == (5.0, "v1")
    assert found["timestamp"] > 1.7e9
    assert 0 <= found["bucket"] < 10_000


def test_a_trace_names_no_user(told: dict[str, Any]) -> None:
    assert "user-1" not in json.dumps(told)


def test_a_request_that_is_not_sampled_sends_nothing() -> None:
    assert sent(0, POWERTOOLS_TRACE_ENABLED="true") == []


def test_without_tracing_nothing_is_sent_though_lambda_samples() -> None:
    assert sent(1) == []


def test_without_the_sdk_a_traced_function_reads_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "aws_xray_sdk.core", None)
    assert tracing.recorder(Settings({"POWERTOOLS_TRACE_ENABLED": "true"})) is None


def test_a_trace_without_a_segment_is_no_trouble() -> None:
    log = SimpleNamespace(write=lambda *_: None, service="read")
    recorder = SimpleNamespace(current_subsegment=lambda: None)
    tracing.annotating(log, recorder, "7").write("control", {}, {}, {})  # type: ignore[arg-type]
