"""The adapters against botocore's own idea of the APIs: requests are checked, errors translated."""

import io
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError
from botocore.response import StreamingBody
from botocore.stub import ANY, Stubber

from rollout.adapters import clients, flag_reader
from rollout.adapters.alarms import CloudWatchAlarms
from rollout.adapters.aliases import LambdaAliases
from rollout.adapters.approvals import ParameterApprovals
from rollout.adapters.candidate import TIMED_OUT, LambdaCandidate
from rollout.adapters.flag_reader import ServedFlag
from rollout.adapters.flags import AppConfigFlags, FlagConflictError, FlagMissingError
from rollout.adapters.metrics import CloudWatchMetrics, MetricsUnavailableError, kept_period
from rollout.adapters.notifications import SnsNotifications, tell
from rollout.adapters.schedules import SchedulerSchedules
from rollout.adapters.shadow import LARGEST_ANSWER, LambdaTee, Shadow
from rollout.domain.definition import document_with
from rollout.domain.digest import digest
from rollout.domain.errors import InvalidInputError
from rollout.domain.flag import CLOSED, with_flag
from rollout.domain.notice import Notice
from rollout.domain.observation import Observation
from rollout.domain.question import Question
from rollout.domain.window import Arm
from rollout.settings import Settings
from tests.fakes import FakeNotifications, exposed
from tests.functional.extension import Extension

IDS = {"ApplicationId": "app", "EnvironmentId": "env"}
TOPIC = "arn:aws:sns:us-east-1:000000000000:t"
PUBLISHED = ("TopicArn", "Subject", "Message", "MessageStructure", "MessageAttributes")


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


@on("appconfig")
def test_a_rollback_writes_into_the_newest_document_that_is_ours(api: Api) -> None:
    deployments(api, (7, "COMPLETE", "9"), (6, "COMPLETE", "8"))
    api.answers("get_hosted_configuration_version", content(b'{"values": {"other": {}}}'))
    api.answers("get_hosted_configuration_version", content(json.dumps(document()).encode()))
    found = flags(api).current(ours=True)
    assert (found.number, found.latest_deployment, found.strange) == (6, 7, True)


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


def answer(status: str = "Complete", ids: int = 9, **series: list[float]) -> dict[str, Any]:
    return {
        "MetricDataResults": [
            {
                "Id": f"m{number}",
                "StatusCode": status,
                "Timestamps": [datetime.fromtimestamp(60, UTC)] * len(series.get(f"m{number}", [])),
                "Values": series.get(f"m{number}", []),
            }
            for number in range(ids)
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
def test_tenants_are_asked_for_by_a_dimension_of_their_own(api: Api) -> None:
    tenants = answer(m0=[10.0], m13=[4.0], m14=[1.0], m15=[2.0], m16=[3.0], ids=17)
    api.answers("get_metric_data", tenants)
    asked: list[dict[str, Any]] = []
    event = "before-parameter-build.cloudwatch.GetMetricData"
    api.client.meta.events.register(event, lambda params, **_: asked.append(params))
    metrics = CloudWatchMetrics(api.client, "Test", "read")
    (row,), _ = metrics.rows(0, 120, 60, ("acme", "globex"))
    assert row.tenants == ((0, 0, 0, 0), (4, 1, 2, 2))
    metric = asked[0]["MetricDataQueries"][16]["MetricStat"]["Metric"]
    assert metric["MetricName"] == "Errors"
    assert {d["Name"]: d["Value"] for d in metric["Dimensions"]} == {
        "service": "read",
        "arm": "candidate",
        "tenant": "globex",
    }


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
def test_an_alarm_that_nobody_would_hear_is_not_ok(api: Api) -> None:
    known = {"AlarmName": "a", "ActionsEnabled": False}
    for state in ("OK", "ALARM"):
        found = {"MetricAlarms": [{**known, "StateValue": state}]}
        api.answers("describe_alarms", found, AlarmNames=["a"], AlarmTypes=ANY)
    alarms = CloudWatchAlarms(api.client, ("a",))
    assert [alarms.states(), alarms.states()] == [{"a": "SILENCED"}, {"a": "ALARM"}]


@on("cloudwatch")
def test_alarms_are_silenced_and_speak_again(api: Api) -> None:
    api.answers("disable_alarm_actions", {}, AlarmNames=["a"])
    api.answers("enable_alarm_actions", {}, AlarmNames=["a"])
    alarms = CloudWatchAlarms(api.client, ("a",))
    alarms.silence()
    alarms.restore()


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


def told(subject: str) -> Notice:
    return Notice("hold", "beta-1", "HOLD", subject, ("why",), "the control", "nothing")


@on("sns")
@pytest.mark.parametrize(
    ("subject", "accepted"), [("aé\nb", "a? b"), ("s" * 200, "s" * 99)], ids=["strange", "long"]
)
def test_a_subject_is_what_sns_accepts(api: Api, subject: str, accepted: str) -> None:
    expected = {"MessageStructure": "json", "MessageAttributes": ANY, "Message": ANY}
    api.answers("publish", {"MessageId": "1"}, TopicArn=TOPIC, Subject=accepted, **expected)
    SnsNotifications(api.client, TOPIC).send(told(subject), {"x": 1})


QUESTION = Question("token", "canary", "INVESTIGATE: x.", "0123456789abcdef", 1_800_000_000)


@on("ssm")
def test_a_question_is_kept_encrypted(api: Api) -> None:
    text = QUESTION.to_text()
    expected = {"Name": "/p/beta-1", "Value": text, "Type": "SecureString", "Overwrite": True}
    api.answers("put_parameter", {}, **expected)
    ParameterApprovals(api.client, "/p").keep("beta-1", QUESTION)


@on("ssm")
def test_the_pending_question_is_read_back(api: Api) -> None:
    kept = {"Parameter": {"Value": QUESTION.to_text()}}
    api.answers("get_parameter", kept, Name="/p/beta-1", WithDecryption=True)
    assert ParameterApprovals(api.client, "/p").pending("beta-1") == QUESTION


@on("ssm")
def test_no_question_is_no_failure(api: Api) -> None:
    api.refuses("get_parameter", "ParameterNotFound", 400)
    api.refuses("delete_parameter", "ParameterNotFound", 400)
    approvals = ParameterApprovals(api.client, "/p")
    assert approvals.pending("beta-1") is None
    approvals.forget("beta-1")


@pytest.mark.parametrize("operation", ["get_parameter", "delete_parameter"])
@on("ssm")
def test_a_question_that_may_not_be_touched_is_a_failure(api: Api, operation: str) -> None:
    api.refuses(operation, "AccessDeniedException", 400)
    approvals = ParameterApprovals(api.client, "/p")
    with pytest.raises(ClientError):
        approvals.pending("b") if operation == "get_parameter" else approvals.forget("b")


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
def test_of_an_answer_too_large_to_travel_a_digest_is_sent(api: Api) -> None:
    value = "x" * LARGEST_ANSWER
    large = Shadow("u", "hash", Observation(value))
    sent = {**Shadow("u", "hash", Observation()).to_json(), "digest": digest(value)}
    api.answers("invoke", {}, FunctionName="f", InvocationType="Event", Payload=json.dumps(sent))
    assert LambdaTee(api.client, "f").send(large) == ""


@on("lambda")
def test_a_shadow_that_is_refused_is_named(api: Api) -> None:
    api.refuses("invoke", "TooManyRequestsException", 429)
    assert LambdaTee(api.client, "f").send(Shadow("u", "hash", Observation())) != ""


# Requests in full, and errors that are nobody's to swallow


@on("appconfig")
@pytest.mark.parametrize("state", ["DEPLOYING", "BAKING", "VALIDATING"])
def test_a_deployment_in_progress_is_found(api: Api, state: str) -> None:
    deployments(api, (7, state, "9"), (6, "COMPLETE", "8"))
    found = flags(api).running()
    assert found is not None
    assert (found.number, found.state) == (7, state)


@on("appconfig")
def test_without_a_deployment_in_progress_none_is_found(api: Api) -> None:
    deployments(api, (7, "ROLLED_BACK", "9"), (6, "COMPLETE", "8"))
    assert flags(api).running() is None


@on("appconfig")
def test_a_deployment_that_was_ended_says_by_whom_and_why(api: Api) -> None:
    log = [
        {"EventType": "DEPLOYMENT_STARTED", "TriggeredBy": "USER", "Description": "started"},
        {"EventType": "ROLLBACK_STARTED", "TriggeredBy": "CLOUDWATCH_ALARM", "Description": "rang"},
    ]
    api.answers(
        "get_deployment", {"State": "ROLLED_BACK", "EventLog": log}, DeploymentNumber=7, **IDS
    )
    found = flags(api).deployment(7)
    assert (found.state, found.ended_by) == ("ROLLED_BACK", "CLOUDWATCH_ALARM: rang")


@on("appconfig")
def test_a_deployment_that_goes_well_was_ended_by_nobody(api: Api) -> None:
    log = [{"EventType": "DEPLOYMENT_COMPLETED", "TriggeredBy": "APPCONFIG", "Description": "d"}]
    api.answers("get_deployment", {"State": "COMPLETE", "EventLog": log})
    assert flags(api).deployment(7).ended_by == ""


@on("appconfig")
def test_the_stored_document_keeps_other_flags_and_definitions(api: Api) -> None:
    mine = document()
    mine["flags"]["other"] = {"name": "other"}
    mine["values"]["other"] = {"enabled": True}
    deployments(api, (6, "COMPLETE", "8"))
    api.answers("get_hosted_configuration_version", content(json.dumps(mine).encode()))
    before = flags(api).current()
    expected = document_with(mine, "prismaAdapter", CLOSED)
    api.answers(
        "create_hosted_configuration_version",
        {"VersionNumber": 9},
        ApplicationId="app",
        ConfigurationProfileId="profile",
        Description="note",
        Content=json.dumps(expected).encode(),
        ContentType="application/json",
    )
    api.answers("start_deployment", {"DeploymentNumber": 7})
    flags(api).deploy(before, CLOSED, "note", urgent=True)
    assert expected["values"]["other"] == {"enabled": True}


@on("appconfig")
def test_an_appconfig_that_refuses_for_another_reason_is_heard(api: Api) -> None:
    before = deployed(api)
    api.answers("create_hosted_configuration_version", {"VersionNumber": 9})
    api.refuses("start_deployment", "AccessDeniedException", 403)
    with pytest.raises(ClientError, match="AccessDenied"):
        flags(api).deploy(before, CLOSED, "note", urgent=False)


@on("appconfig")
def test_stopping_that_is_refused_for_another_reason_is_heard(api: Api) -> None:
    api.refuses("stop_deployment", "AccessDeniedException", 403)
    with pytest.raises(ClientError, match="AccessDenied"):
        flags(api).stop(7)


SETTINGS = Settings(
    {
        "APPCONFIG_APPLICATION_ID": "app",
        "APPCONFIG_ENVIRONMENT_ID": "env",
        "APPCONFIG_PROFILE_ID": "profile",
        "FLAG_NAME": "prismaAdapter",
    }
)


def session(api: Api, poll_seconds: int) -> None:
    api.answers(
        "start_configuration_session",
        {"InitialConfigurationToken": "first"},
        ApplicationIdentifier="app",
        EnvironmentIdentifier="env",
        ConfigurationProfileIdentifier="profile",
        RequiredMinimumPollIntervalInSeconds=poll_seconds,
    )


def latest(api: Api, token: str, body: bytes) -> None:
    answer = {
        "NextPollConfigurationToken": "next",
        "Configuration": StreamingBody(io.BytesIO(body), len(body)),
    }
    api.answers("get_latest_configuration", answer, ConfigurationToken=token)


SERVED = json.dumps(document(250)["values"]).encode()


@on("appconfigdata")
@pytest.mark.parametrize(("poll_seconds", "asked"), [(45, 45), (1, 15)])
def test_a_reader_keeps_its_session_and_polls_no_faster_than_aws_allows(
    api: Api, poll_seconds: int, asked: int
) -> None:
    session(api, asked)
    latest(api, "first", SERVED)
    latest(api, "next", b"")
    reader = flag_reader.reader(api.client, SETTINGS, poll_seconds=poll_seconds)
    now = [0.0]
    reader.clock = lambda: now[0]
    assert reader.flag().candidate_bps == 250
    now[0] = poll_seconds
    assert reader.flag().candidate_bps == 250


@on("appconfigdata")
def test_a_reader_whose_session_was_refused_begins_another(api: Api) -> None:
    session(api, 45)
    api.refuses("get_latest_configuration", "BadRequestException")
    session(api, 45)
    latest(api, "first", SERVED)
    reader = flag_reader.reader(api.client, SETTINGS, poll_seconds=45)
    now = [0.0]
    reader.clock = lambda: now[0]
    assert reader.flag() == CLOSED
    now[0] = 45
    assert reader.flag().candidate_bps == 250


def beside(extension: Extension, monkeypatch: pytest.MonkeyPatch, poll: str) -> Any:
    """The read path's reader beside an AppConfig extension, and the clock it goes by."""
    port = str(extension.port)
    known = {"FLAG_POLL_SECONDS": poll, "AWS_APPCONFIG_EXTENSION_HTTP_PORT": port}
    monkeypatch.setattr(flag_reader, "settings", lambda: Settings({**SETTINGS.environ, **known}))
    reader, now = flag_reader.connect(), [0.0]
    reader.clock = lambda: now[0]
    return reader, now


def test_beside_the_extension_the_flag_is_read_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with Extension(SERVED) as extension:
        reader, _ = beside(extension, monkeypatch, "45")
        assert reader.flag().candidate_bps == 250
    ((path, _),) = extension.asked
    assert path == "/applications/app/environments/env/configurations/profile"


def test_the_extension_is_asked_often_because_it_polls_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Extension(SERVED) as extension:
        reader, now = beside(extension, monkeypatch, "45")
        for now[0] in (0.0, 4.9, 5.0):
            reader.flag()
    assert len(extension.asked) == 2


def test_an_extension_that_fails_is_an_outage_like_any_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Extension(SERVED) as extension:
        reader, now = beside(extension, monkeypatch, "1")
        reader.flag()
        extension.status = 500
        now[0] = 1
        assert (reader.flag().candidate_bps, reader.stale) == (250, 1)
    now[0] = 2  # it is gone altogether
    assert (reader.flag().candidate_bps, reader.stale) == (250, 2)


@on("appconfigdata")
def test_what_is_served_now_is_asked_for_in_a_session_of_its_own(api: Api) -> None:
    for _ in range(2):
        session(api, 15)
        latest(api, "first", SERVED)
    served = ServedFlag(api.client, SETTINGS)
    assert [served.flag().candidate_bps, served.flag().candidate_bps] == [250, 250]


@on("appconfigdata")
def test_a_data_plane_that_does_not_answer_is_heard_by_those_who_verify(api: Api) -> None:
    api.refuses("start_configuration_session", "InternalServerException", 500)
    with pytest.raises(ClientError):
        ServedFlag(api.client, SETTINGS).flag()


@on("cloudwatch")
def test_every_count_is_asked_for_by_arm_over_whole_periods(api: Api) -> None:
    api.answers(
        "get_metric_data",
        answer(),
        MetricDataQueries=ANY,
        StartTime=datetime.fromtimestamp(60, UTC),
        EndTime=datetime.fromtimestamp(180, UTC),
    )
    asked: list[dict[str, Any]] = []
    api.client.meta.events.register(
        "before-parameter-build", lambda params, **_: asked.extend(params["MetricDataQueries"])
    )
    CloudWatchMetrics(api.client, "Test", "read").rows(1, 200, 60)
    metrics = [query["MetricStat"]["Metric"] for query in asked]
    assert {metric["Namespace"] for metric in metrics} == {"Test"}
    names = [(m["MetricName"], m["Dimensions"][1]["Value"]) for m in metrics]
    arms = [(n, arm) for arm in ("control", "candidate") for n in ("Requests", "Errors", "Slow")]
    assert names == [*arms, *((n, "shadow") for n in ("Compared", "Mismatched", "Failed"))]
    assert {(q["MetricStat"]["Stat"], q["MetricStat"]["Period"]) for q in asked} == {("Sum", 60)}


@on("cloudwatch")
def test_an_interval_without_a_whole_period_is_not_asked_for(api: Api) -> None:
    assert CloudWatchMetrics(api.client, "Test", "read").rows(61, 119, 60) == ([], 60)


@on("cloudwatch")
def test_the_reference_is_the_worst_p95_of_the_control(api: Api) -> None:
    stamps = [datetime.fromtimestamp(at, UTC) for at in (60, 120)]
    result = {"Id": "m0", "StatusCode": "Complete", "Timestamps": stamps, "Values": [20.0, 35.0]}
    api.answers("get_metric_data", {"MetricDataResults": [result]})
    assert CloudWatchMetrics(api.client, "Test", "read").control_p95_ms(0, 180, 60) == 35.0


@on("cloudwatch")
def test_a_series_that_is_left_out_of_the_answer_makes_it_incomplete(api: Api) -> None:
    api.answers("get_metric_data", {"MetricDataResults": answer()["MetricDataResults"][:8]})
    with pytest.raises(MetricsUnavailableError, match="missing for m8"):
        counts(api)


@on("cloudwatch")
def test_without_alarms_nothing_is_asked_or_silenced(api: Api) -> None:
    alarms = CloudWatchAlarms(api.client, ())
    alarms.silence()
    alarms.restore()
    assert alarms.states() == {}


@on("scheduler")
@pytest.mark.parametrize(
    ("call", "operation"), [("create", "create_schedule"), ("delete", "delete_schedule")]
)
def test_a_schedule_that_is_refused_for_another_reason_is_heard(
    api: Api, call: str, operation: str
) -> None:
    schedules = SchedulerSchedules(api.client, "group", "arn:aws:iam::0:role/r", "")
    if call == "delete":
        api.answers("list_schedules", {"Schedules": [{"Name": "beta-1-ramp-5"}]})
    api.refuses(operation, "AccessDeniedException", 403)
    arn = "arn:aws:states:us-east-1:000000000000:stateMachine:m"
    with pytest.raises(ClientError, match="AccessDenied"):
        schedules.create("n", 0, arn, {}) if call == "create" else schedules.delete("beta-1-")


@on("scheduler")
def test_schedules_on_further_pages_are_deleted_too(api: Api) -> None:
    asked = {"GroupName": "group", "NamePrefix": "beta-1-"}
    first = {"Schedules": [{"Name": "beta-1-ramp-5"}], "NextToken": "more"}
    api.answers("list_schedules", first, **asked)
    api.answers(
        "list_schedules", {"Schedules": [{"Name": "beta-1-cleanup"}]}, NextToken="more", **asked
    )
    for name in ("beta-1-ramp-5", "beta-1-cleanup"):
        api.answers("delete_schedule", {}, GroupName="group", Name=name)
    found = SchedulerSchedules(api.client, "group", "", "").delete("beta-1-")
    assert found == ["beta-1-ramp-5", "beta-1-cleanup"]


@on("sns")
def test_a_message_is_text_to_people_and_json_to_programs(api: Api) -> None:
    sent: list[dict[str, Any]] = []
    event = "before-parameter-build.sns.Publish"
    api.client.meta.events.register(event, lambda params, **_: sent.append(params))
    api.answers("publish", {"MessageId": "1"}, **dict.fromkeys(PUBLISHED, ANY))
    SnsNotifications(api.client, TOPIC, "second").send(told("s"), {"a": 1})
    bodies = json.loads(sent[0]["Message"])
    assert bodies["email"] == told("s").text("second")
    assert "rollout status --stack second" in bodies["email"]
    document = json.loads(bodies["default"])
    assert (document["version"], document["event"], document["facts"]) == (1, "hold", {"a": 1})
    assert {name: item["StringValue"] for name, item in sent[0]["MessageAttributes"].items()} == {
        "event": "hold",
        "rollout": "beta-1",
        "word": "HOLD",
    }


def test_a_message_that_fails_is_logged_and_stops_nothing() -> None:
    assert tell(FakeNotifications(broken=True), told("s"), {}) is False
    assert tell(FakeNotifications(), told("s"), {}) is True


@on("lambda")
def test_the_candidate_is_asked_for_the_user(api: Api) -> None:
    api.answers(
        "invoke",
        payload('{"user": null, "error": ""}'),
        FunctionName="f",
        Payload='{"userId": "u"}',
    )
    observed = LambdaCandidate(api.client, "f").read("u")
    assert (observed.value, observed.error, observed.failed) == (None, "", False)
    assert observed.duration_ms >= 0


@on("lambda")
@pytest.mark.parametrize("text", ["null", '"out of memory"', "[]"])
def test_a_failed_function_whose_answer_is_no_object_is_an_observation(api: Api, text: str) -> None:
    api.answers("invoke", payload(text, FunctionError="Unhandled"))
    assert LambdaCandidate(api.client, "f").read("u").error == "Unhandled"


class Failing:
    """A client whose calls fail with this."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def invoke(self, **_: Any) -> dict[str, Any]:
        raise self.error


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (ReadTimeoutError(endpoint_url="lambda"), TIMED_OUT),
        (EndpointConnectionError(endpoint_url="lambda"), "EndpointConnectionError"),
    ],
)
def test_a_candidate_that_cannot_be_asked_in_time_is_an_observation(
    error: Exception, name: str
) -> None:
    assert LambdaCandidate(Failing(error), "f").read("u").error == name


class Slow:
    """A client that answers in the end: each of its waits is short, their sum is not."""

    def invoke(self, **_: Any) -> dict[str, Any]:
        for _ in range(30):
            time.sleep(0.01)
        return {"Payload": io.BytesIO(b'{"user": null, "error": ""}')}


def test_a_candidate_is_given_up_when_its_budget_is_spent_whatever_it_was_spent_on() -> None:
    candidate = LambdaCandidate(Slow(), "f", budget_ms=50)
    for _ in range(6):  # those that were given up before do not hold up the next
        observed = candidate.read("u")
        assert (observed.error, observed.message) == (TIMED_OUT, "no answer in 50 ms")
        assert 50 <= observed.duration_ms < 250


def test_a_candidate_within_its_budget_is_waited_for() -> None:
    assert LambdaCandidate(Slow(), "f", budget_ms=5000).read("u").error == ""


@on("lambda")
def test_a_failure_says_what_the_candidate_said_of_it(api: Api) -> None:
    api.answers("invoke", payload('{"user": null, "error": "DatabaseError", "message": "58030"}'))
    assert LambdaCandidate(api.client, "f").read("u").message == "58030"


def test_a_shadow_that_cannot_be_sent_is_named() -> None:
    error = EndpointConnectionError(endpoint_url="lambda")
    failure = LambdaTee(Failing(error), "f").send(Shadow("u", "hash", Observation()))
    assert failure == "EndpointConnectionError"


@on("lambda")
@pytest.mark.parametrize("served", ["control", "candidate"])
def test_a_shadow_carries_what_was_answered_and_what_may_differ(api: Api, served: str) -> None:
    expected = {
        "userId": "u",
        "userHash": "hash",
        "bucket": 7,
        "served": served,
        served: {"value": {"id": "u"}, "error": "", "duration_ms": 1.5},
        "rules": ["rule"],
        "noiseBps": 500,
        "rolloutId": "beta-1",
        "digest": "",
    }
    api.answers(
        "invoke", {}, FunctionName="f", InvocationType="Event", Payload=json.dumps(expected)
    )
    answer = Observation({"id": "u"}, "", 1.5)
    shadow = Shadow("u", "hash", answer, ("rule",), served, 7, 500, "beta-1")
    assert LambdaTee(api.client, "f").send(shadow) == ""


def test_a_shadow_that_is_no_json_is_named() -> None:
    assert LambdaTee(None, "f").send(Shadow("u", "hash", Observation({1j}))) == "TypeError"


@pytest.mark.parametrize(("budget_ms", "connect", "seconds"), [(250, 0.25, 0.25), (10_000, 1, 10)])
def test_the_read_path_asks_once_and_no_longer_than_its_budget(
    monkeypatch: pytest.MonkeyPatch, budget_ms: int, connect: float, seconds: float
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    config = clients.quick_client("lambda", budget_ms).meta.config
    assert (config.connect_timeout, config.read_timeout) == (connect, seconds)
    assert config.retries["total_max_attempts"] == 1
