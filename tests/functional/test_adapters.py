"""The adapters against botocore's own idea of the APIs: requests are checked, errors translated."""

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import ANY, Stubber

from rollout.adapters.alarms import CloudWatchAlarms
from rollout.adapters.aliases import LambdaAliases
from rollout.adapters.approvals import ParameterApprovals
from rollout.adapters.candidate import LambdaCandidate
from rollout.adapters.flags import AppConfigFlags, FlagConflictError, FlagMissingError
from rollout.adapters.metrics import CloudWatchMetrics, MetricsUnavailableError, kept_period
from rollout.adapters.notifications import SnsNotifications
from rollout.adapters.schedules import SchedulerSchedules
from rollout.adapters.shadow import LARGEST_ANSWER, LambdaTee, Shadow
from rollout.domain.errors import InvalidInputError
from rollout.domain.flag import CLOSED, with_flag
from rollout.domain.observation import Observation
from rollout.domain.window import Arm
from tests.fakes import exposed

IDS = {"ApplicationId": "app", "EnvironmentId": "env"}


class Api:
    """A client whose answers are given in order."""

    def __init__(self, service: str) -> None:
        known = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
        self.client: Any = boto3.client(service, region_name="us-east-1", **known)
        self.stub = Stubber(self.client)
        self.stub.activate()

    def answers(self, operation: str, answer: dict[str, Any], **expected: Any) -> None:
        self.stub.add_response(operation, answer, expected or None)

    def refuses(self, operation: str, code: str, status: int = 400) -> None:
        self.stub.add_client_error(operation, code, code, status)


@pytest.fixture
def api(request: pytest.FixtureRequest) -> Iterator[Api]:
    found = Api(request.param)
    yield found
    found.stub.assert_no_pending_responses()


def on(service: str) -> Any:
    return pytest.mark.parametrize("api", [service], indirect=True)


# Flags


def flags(api: Api) -> AppConfigFlags:
    return AppConfigFlags(api.client, "app", "env", "profile", "prismaAdapter", "ramp", "urgent")


def document(bps: int = 100) -> dict[str, Any]:
    return with_flag({"values": {}, "flags": {}, "version": "1"}, "prismaAdapter", exposed(bps))


def content(value: bytes) -> dict[str, Any]:
    return {"Content": StreamingBody(io.BytesIO(value), len(value))}


def deployments(api: Api, *states: tuple[int, str, str]) -> None:
    items = [
        {"DeploymentNumber": number, "State": state, "ConfigurationVersion": version}
        for number, state, version in states
    ]
    api.answers("list_deployments", {"Items": items}, MaxResults=50, **IDS)


@on("appconfig")
def test_the_flag_is_that_of_the_newest_deployment_that_stands(api: Api) -> None:
    deployments(api, (7, "ROLLED_BACK", "9"), (6, "COMPLETE", "8"), (5, "COMPLETE", "7"))
    api.answers(
        "get_hosted_configuration_version",
        content(json.dumps(document()).encode()),
        ApplicationId="app",
        ConfigurationProfileId="profile",
        VersionNumber=8,
    )
    found = flags(api).current()
    assert (found.number, found.latest_deployment, found.flag.candidate_bps) == (6, 7, 100)


@on("appconfig")
def test_without_any_deployment_the_template_is_named(api: Api) -> None:
    deployments(api)
    with pytest.raises(FlagMissingError, match="deploy the template"):
        flags(api).current()


@on("appconfig")
@pytest.mark.parametrize("found", [b"{", b"[]", b'{"values": {"other": {}}}'])
def test_a_document_that_is_not_ours_is_refused_by_its_field(api: Api, found: bytes) -> None:
    deployments(api, (6, "COMPLETE", "8"))
    api.answers("get_hosted_configuration_version", content(found))
    with pytest.raises(InvalidInputError) as caught:
        flags(api).current()
    assert caught.value.field.startswith("flag ")


def deployed(api: Api) -> Any:
    deployments(api, (6, "COMPLETE", "8"))
    api.answers("get_hosted_configuration_version", content(json.dumps(document()).encode()))
    return flags(api).current()


@on("appconfig")
@pytest.mark.parametrize(("urgent", "strategy"), [(False, "ramp"), (True, "urgent")])
def test_deploying_is_conditional_on_what_was_seen(api: Api, urgent: bool, strategy: str) -> None:
    before = deployed(api)
    api.answers("create_hosted_configuration_version", {"VersionNumber": 9})
    api.answers(
        "start_deployment",
        {"DeploymentNumber": 7},
        ConfigurationProfileId="profile",
        ConfigurationVersion="9",
        DeploymentStrategyId=strategy,
        Description="note",
        LatestDeploymentNumber=6,
        **IDS,
    )
    assert flags(api).deploy(before, CLOSED, "note", urgent=urgent) == 7


@on("appconfig")
def test_another_writer_is_a_conflict(api: Api) -> None:
    before = deployed(api)
    api.answers("create_hosted_configuration_version", {"VersionNumber": 9})
    api.refuses("start_deployment", "ConflictException", 409)
    deployments(api, (7, "DEPLOYING", "10"))
    with pytest.raises(FlagConflictError):
        flags(api).deploy(before, CLOSED, "note", urgent=False)


@on("appconfig")
def test_our_own_deployment_whose_answer_was_lost_is_recognised(api: Api) -> None:
    before = deployed(api)
    api.answers("create_hosted_configuration_version", {"VersionNumber": 9})
    api.refuses("start_deployment", "ConflictException", 409)
    deployments(api, (7, "DEPLOYING", "9"))
    assert flags(api).deploy(before, CLOSED, "note", urgent=False) == 7


@on("appconfig")
def test_stopping_what_has_ended_is_no_error(api: Api) -> None:
    api.refuses("stop_deployment", "BadRequestException")
    flags(api).stop(7)


# Metrics


def answer(status: str = "Complete", **series: list[float]) -> dict[str, Any]:
    return {
        "MetricDataResults": [
            {
                "Id": f"m{number}",
                "StatusCode": status,
                "Timestamps": [datetime.fromtimestamp(60, UTC)] * len(series.get(f"m{number}", [])),
                "Values": series.get(f"m{number}", []),
            }
            for number in range(9)
        ]
    }


def counts(api: Api) -> Any:
    return CloudWatchMetrics(api.client, "Test", "read").rows(0, 120, 60)


@on("cloudwatch")
def test_a_period_with_any_count_has_zeroes_for_the_others(api: Api) -> None:
    api.answers("get_metric_data", answer(m0=[10.0], m1=[1.0]))
    (row,), period = counts(api)
    assert (row.at, row.control, row.candidate, period) == (60.0, Arm(10, 1, 0), Arm(), 60)


@on("cloudwatch")
def test_a_part_that_arrives_before_its_whole_is_cut_to_it(api: Api) -> None:
    api.answers("get_metric_data", answer(m3=[2.0], m4=[3.0]))
    (row,), _ = counts(api)
    assert row.candidate == Arm(2, 2, 0)


@on("cloudwatch")
def test_without_counts_there_are_no_rows(api: Api) -> None:
    api.answers("get_metric_data", answer())
    assert counts(api)[0] == []


@on("cloudwatch")
@pytest.mark.parametrize("status", ["PartialData", "InternalError", "Forbidden"])
def test_an_incomplete_answer_is_no_answer(api: Api, status: str) -> None:
    api.answers("get_metric_data", answer(status, m0=[10.0]))
    with pytest.raises(MetricsUnavailableError, match=status):
        counts(api)


@on("cloudwatch")
def test_pages_are_joined(api: Api) -> None:
    first = {**answer("PartialData", m0=[10.0]), "NextToken": "more"}
    api.answers("get_metric_data", first)
    api.answers("get_metric_data", answer(m3=[2.0]))
    (row,), _ = counts(api)
    assert (row.control, row.candidate) == (Arm(10, 0, 0), Arm(2, 0, 0))


@on("cloudwatch")
def test_metrics_that_may_not_be_read_are_unavailable(api: Api) -> None:
    api.refuses("get_metric_data", "AccessDenied", 403)
    with pytest.raises(MetricsUnavailableError, match="AccessDenied"):
        counts(api)


@pytest.mark.parametrize(
    ("days", "period", "kept"),
    [(0.1, 1, 1), (0.2, 1, 60), (7, 60, 60), (16, 60, 300), (64, 60, 3600), (0.9, 3600, 3600)],
)
def test_the_period_is_one_that_cloudwatch_still_has(days: float, period: int, kept: int) -> None:
    assert kept_period(period, 0, days * 86400) == kept


# The others


@on("cloudwatch")
def test_an_alarm_that_does_not_exist_is_missing(api: Api) -> None:
    found = {"MetricAlarms": [{"AlarmName": "a", "StateValue": "OK"}]}
    api.answers("describe_alarms", found, AlarmNames=["a", "b"], AlarmTypes=ANY)
    assert CloudWatchAlarms(api.client, ("a", "b")).states() == {"a": "OK", "b": "MISSING"}


@on("cloudwatch")
def test_silenced_alarms_speak_again_also_after_an_error(api: Api) -> None:
    api.answers("disable_alarm_actions", {}, AlarmNames=["a"])
    api.answers("enable_alarm_actions", {}, AlarmNames=["a"])
    with pytest.raises(KeyError), CloudWatchAlarms(api.client, ("a",)).silenced():
        raise KeyError


@on("scheduler")
def test_a_schedule_starts_the_machine_once_and_deletes_itself(api: Api) -> None:
    target = {
        "Arn": "arn:aws:states:us-east-1:000000000000:stateMachine:m",
        "RoleArn": "arn:aws:iam::000000000000:role/r",
        "Input": '{"a": 1}',
        "RetryPolicy": ANY,
        "DeadLetterConfig": {"Arn": "arn:aws:sqs:us-east-1:000000000000:q"},
    }
    api.answers(
        "create_schedule",
        {"ScheduleArn": "arn"},
        Name="beta-1-ramp-5",
        GroupName="group",
        ScheduleExpression="at(2027-01-15T08:00:00)",
        ScheduleExpressionTimezone="UTC",
        FlexibleTimeWindow={"Mode": "OFF"},
        ActionAfterCompletion="DELETE",
        Target=target,
    )
    schedules = SchedulerSchedules(
        api.client, "group", target["RoleArn"], target["DeadLetterConfig"]["Arn"]
    )
    schedules.create("beta-1-ramp-5", 1_800_000_000, target["Arn"], {"a": 1})


@on("scheduler")
def test_a_schedule_that_is_there_already_is_kept(api: Api) -> None:
    api.refuses("create_schedule", "ConflictException", 409)
    arn = "arn:aws:states:us-east-1:000000000000:stateMachine:m"
    SchedulerSchedules(api.client, "group", "arn:aws:iam::0:role/r", "").create("n", 0, arn, {})


@on("scheduler")
def test_a_schedule_that_fired_meanwhile_is_no_error(api: Api) -> None:
    api.answers("list_schedules", {"Schedules": [{"Name": "beta-1-ramp-5"}]})
    api.refuses("delete_schedule", "ResourceNotFoundException", 404)
    assert SchedulerSchedules(api.client, "group", "", "").delete("beta-1-") == ["beta-1-ramp-5"]


@on("sns")
def test_a_subject_is_what_sns_accepts(api: Api) -> None:
    topic = "arn:aws:sns:us-east-1:000000000000:t"
    api.answers("publish", {"MessageId": "1"}, TopicArn=topic, Subject="a? b", Message=ANY)
    SnsNotifications(api.client, topic).send("aé\nb", "text", {"x": 1})


@on("ssm")
def test_a_task_token_is_kept_encrypted(api: Api) -> None:
    expected = {"Name": "/p/beta-1", "Value": "token", "Type": "SecureString", "Overwrite": True}
    api.answers("put_parameter", {}, **expected)
    ParameterApprovals(api.client, "/p").keep("beta-1", "token")


@on("lambda")
def test_an_alias_between_two_versions_is_weighted(api: Api) -> None:
    weights = {"AdditionalVersionWeights": {"2": 0.1}}
    api.answers("get_alias", {"RoutingConfig": weights}, FunctionName="read", Name="live")
    api.answers("get_alias", {}, FunctionName="candidate", Name="live")
    found = LambdaAliases(api.client, ("read:live", "candidate:live")).weighted()
    assert found == ("read:live",)


def payload(text: str, **more: Any) -> dict[str, Any]:
    return {"Payload": StreamingBody(io.BytesIO(text.encode()), len(text)), **more}


@on("lambda")
@pytest.mark.parametrize(
    ("given", "error"),
    [
        (payload('{"user": {"id": "u"}, "error": ""}'), ""),
        (payload('{"user": null, "error": "DatabaseError"}'), "DatabaseError"),
        (payload('{"errorType": "MemoryError"}', FunctionError="Unhandled"), "MemoryError"),
        (payload("[]"), "MalformedAnswer"),
        (payload("{}"), "MalformedAnswer"),
        (payload("{"), "JSONDecodeError"),
    ],
)
def test_whatever_the_candidate_answers_is_an_observation(
    api: Api, given: dict[str, Any], error: str
) -> None:
    api.answers("invoke", given)
    observed = LambdaCandidate(api.client, "f").read("u")
    assert observed.error == error
    assert (observed.value is None) == bool(error)


@on("lambda")
def test_a_throttled_candidate_is_an_observation(api: Api) -> None:
    api.refuses("invoke", "TooManyRequestsException", 429)
    assert LambdaCandidate(api.client, "f").read("u").failed


@on("lambda")
def test_a_shadow_goes_in_the_background(api: Api) -> None:
    api.answers("invoke", {}, FunctionName="f", InvocationType="Event", Payload=ANY)
    assert LambdaTee(api.client, "f").send(Shadow("u", "hash", Observation({}))) == ""


@on("lambda")
def test_a_shadow_too_large_to_send_is_named_and_not_sent(api: Api) -> None:
    large = Shadow("u", "hash", Observation("x" * LARGEST_ANSWER))
    assert LambdaTee(api.client, "f").send(large) == "AnswerTooLarge"


@on("lambda")
def test_a_shadow_that_is_refused_is_named(api: Api) -> None:
    api.refuses("invoke", "TooManyRequestsException", 429)
    assert LambdaTee(api.client, "f").send(Shadow("u", "hash", Observation())) != ""
