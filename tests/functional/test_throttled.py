"""A call that AWS refuses for its rate has an error of its own, for which the playbook waits."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.exceptions import ClientError
from botocore.retries.standard import ThrottledRetryableChecker

from ops.faults.faults import Fault
from ops.faults.scenarios import SCENARIOS, TASKS, Scenario
from rollout.adapters import clients
from rollout.adapters.clients import THROTTLED, ThrottledError
from tests.scenarios.failures import BRIEF

# Those in which every call of every task is made at least once.
SOUND = [scenario for scenario in SCENARIOS if scenario.name in ("launch", "ramp", "cleanup")]
# More than any other rule of a task bears, and no more than each rule for throttled calls does.
OFTEN = BRIEF


class Answering:
    """AWS, which answers each attempt with the same refusal."""

    def __init__(self, code: str, status: int) -> None:
        self.code, self.status, self.attempts = code, status, 0

    def __call__(self, request: AWSRequest, **_: Any) -> AWSResponse:
        self.attempts += 1
        body = json.dumps({"Code": self.code, "message": "Rate exceeded"}).encode()
        headers = {"x-amzn-errortype": self.code, "content-type": "application/json"}
        return AWSResponse(request.url, self.status, headers, Raw(body))


class Raw:
    """A body as urllib3 has it."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.body


@pytest.fixture
def appconfig(patch: pytest.MonkeyPatch, impatient: None) -> Any:
    for name, value in (("ACCESS_KEY_ID", "a"), ("SECRET_ACCESS_KEY", "b")):
        patch.setenv(f"AWS_{name}", value)
    patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    return clients.client.__wrapped__("appconfig")


def listing(api: Any, answering: Answering) -> ClientError:
    """How a list of deployments is refused."""
    api.meta.events.register("before-send", answering)
    with pytest.raises(ClientError) as raised:
        api.list_deployments(ApplicationId="a", EnvironmentId="e")
    return raised.value


@pytest.mark.parametrize("code", sorted(THROTTLED - {"Throttled"}))
def test_a_throttled_call_is_tried_again_and_then_has_its_own_name(
    appconfig: Any, code: str
) -> None:
    answering = Answering(code, 429)
    error = listing(appconfig, answering)
    assert (type(error).__name__, answering.attempts) == ("ThrottledError", 4)
    assert error.response["Error"]["Code"] == code
    assert "ListDeployments" in str(error)
    assert code in str(error)


@pytest.mark.parametrize(
    ("code", "status"),
    [("AccessDeniedException", 403), ("ConflictException", 409), ("InternalServerException", 500)],
)
def test_another_refusal_keeps_its_name(appconfig: Any, code: str, status: int) -> None:
    error = listing(appconfig, Answering(code, status))
    assert not isinstance(error, ThrottledError)
    assert error.response["Error"]["Code"] == code


def test_every_code_that_botocore_takes_for_throttling_is_known() -> None:
    assert set(ThrottledRetryableChecker._THROTTLED_ERROR_CODES) | {"Throttled"} == THROTTLED


def test_sns_has_a_word_of_its_own(patch: pytest.MonkeyPatch) -> None:
    patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    model = clients.brief_client.__wrapped__("sns").meta.service_model
    assert model.shape_for("ThrottledException").metadata["error"]["code"] in THROTTLED


def throttled(scenario: Scenario) -> Iterator[Fault]:
    """Each call of each task of a scenario, throttled.

    But for the candidate's own: one that cannot be asked is refused, and nothing is touched.
    """
    for state, action in scenario.trace():
        if action and state in TASKS and action != "lambda:invoke":
            yield Fault("is throttled", state, action, OFTEN)


CASES = [(scenario, fault) for scenario in SOUND for fault in throttled(scenario)]


@pytest.mark.parametrize(
    ("scenario", "fault"), CASES, ids=lambda x: getattr(x, "name", "") or f"{x.state} {x.action}"
)
def test_whoever_is_throttled_for_minutes_goes_on_as_without(
    scenario: Scenario, fault: Fault
) -> None:
    words = []
    for faults in ((), (fault,)):
        world = scenario.begin(*faults)
        world.agenda.settle()
        words.append(world.executions[0].word)
    assert words[0] == words[1]
    assert world.strikes.struck[fault] >= 1
