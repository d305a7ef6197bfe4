"""A code release and a rollout: neither begins while the other goes on."""

import io
import json
from typing import Any

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from rollout.adapters.releases import CodeDeployRelease, LambdaVersions
from rollout.domain.errors import InvalidInputError
from rollout.domain.flag import Flag
from rollout.domain.release import Probe
from rollout.handlers.before_traffic import Ports, before_traffic
from tests.fakes import FakeFlags, event, exposed

DEPLOYMENT, HOOK = "d-1A2B3C4D5", "eyJlbmNyeXB0ZWREYXRhIjoiYSJ9"


class FakeRelease:
    """CodeDeploy: remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, str]] = []

    def tell(self, deployment_id: str, hook_id: str, status: str) -> None:
        self.told.append((deployment_id, hook_id, status))


class FakeVersions:
    """New versions, each with its answer."""

    def __init__(self, *probes: Probe, error: Exception | None = None) -> None:
        self.probes, self.error = probes, error

    def probe(self, _user_id: str) -> tuple[Probe, ...]:
        if self.error:
            raise self.error
        return self.probes


def asked(flag: Flag, versions: FakeVersions) -> tuple[dict[str, Any], FakeRelease]:
    release = FakeRelease()
    flags = FakeFlags(flag)
    answer = before_traffic(event("before_traffic.release"), Ports(flags, versions, release))
    return answer, release


def test_a_release_goes_on_when_the_new_version_answers() -> None:
    answer, release = asked(Flag(), FakeVersions(Probe("read:8")))
    assert answer == {"status": "Succeeded", "reasons": []}
    assert release.told == [(DEPLOYMENT, HOOK, "Succeeded")]


def test_a_rollout_that_holds_the_flag_fails_the_release() -> None:
    answer, release = asked(exposed(100), FakeVersions(Probe("read:8")))
    assert release.told == [(DEPLOYMENT, HOOK, "Failed")]
    assert "holds the flag" in answer["reasons"][0]


def test_a_version_that_fails_its_probe_serves_nobody() -> None:
    _, release = asked(Flag(), FakeVersions(Probe("read:8", "ImportModuleError")))
    assert release.told == [(DEPLOYMENT, HOOK, "Failed")]


def test_codedeploy_is_answered_also_when_nothing_could_be_looked_at() -> None:
    answer, release = asked(Flag(), FakeVersions(error=RuntimeError("secret")))
    assert release.told == [(DEPLOYMENT, HOOK, "Failed")]
    assert answer["reasons"] == ["not looked at to the end: RuntimeError"]


@pytest.mark.parametrize("given", [{}, [], {"DeploymentId": "d-1"}, {"DeploymentId": 1}])
def test_what_codedeploy_does_not_send_is_named(given: Any) -> None:
    with pytest.raises(InvalidInputError):
        before_traffic(given, Ports(FakeFlags(Flag()), FakeVersions(), FakeRelease()))


def stubbed(service: str) -> tuple[Any, Stubber]:
    known = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
    api: Any = boto3.client(service, region_name="us-east-1", **known)
    stub = Stubber(api)
    stub.activate()
    return api, stub


def found(stub: Stubber, serving: str, *versions: str) -> None:
    alias = {"FunctionName": "read", "Name": "live"}
    stub.add_response("get_alias", {"FunctionVersion": serving}, alias)
    listed = {"Versions": [{"Version": version} for version in versions]}
    stub.add_response("list_versions_by_function", listed, {"FunctionName": "read"})


def test_the_newest_version_is_asked_and_not_the_alias() -> None:
    api, stub = stubbed("lambda")
    found(stub, "7", "$LATEST", "7", "10", "8")
    body = json.dumps({"statusCode": 503}).encode()
    stub.add_response(
        "invoke",
        {"Payload": StreamingBody(io.BytesIO(body), len(body))},
        {"FunctionName": "read", "Qualifier": "10", "Payload": '{"userId": "user-1"}'},
    )
    probes = LambdaVersions(api, ("read:live",)).probe("user-1")
    assert probes == (Probe("read:10", "status 503"),)
    stub.assert_no_pending_responses()


def test_a_function_without_a_new_version_is_not_asked() -> None:
    api, stub = stubbed("lambda")
    found(stub, "8", "$LATEST", "7", "8")
    assert LambdaVersions(api, ("read:live",)).probe("user-1") == ()
    stub.assert_no_pending_responses()


def test_a_version_that_cannot_be_invoked_is_a_failed_probe() -> None:
    api, stub = stubbed("lambda")
    found(stub, "7", "8")
    stub.add_client_error("invoke", "ResourceNotReadyException", http_status_code=502)
    (probe,) = LambdaVersions(api, ("read:live",)).probe("user-1")
    assert probe == Probe("read:8", "ResourceNotReadyException")


@pytest.mark.parametrize("status", ["Succeeded", "Failed"])
def test_codedeploy_is_told_in_its_own_words(status: str) -> None:
    api, stub = stubbed("codedeploy")
    expected = {
        "deploymentId": DEPLOYMENT,
        "lifecycleEventHookExecutionId": HOOK,
        "status": status,
    }
    stub.add_response("put_lifecycle_event_hook_execution_status", {}, expected)
    CodeDeployRelease(api).tell(DEPLOYMENT, HOOK, status)
    stub.assert_no_pending_responses()


def test_a_codedeploy_that_does_not_listen_is_heard() -> None:
    api, stub = stubbed("codedeploy")
    stub.add_client_error(
        "put_lifecycle_event_hook_execution_status", "LifecycleEventAlreadyCompletedException"
    )
    with pytest.raises(api.exceptions.LifecycleEventAlreadyCompletedException):
        CodeDeployRelease(api).tell(DEPLOYMENT, HOOK, "Failed")
