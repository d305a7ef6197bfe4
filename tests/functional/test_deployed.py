"""The template as CloudFormation gets it, after SAM: three stacks with different parameters."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER
from samtranslator.translator.transform import transform

from ops.local.deploy import read_template
from tests.fakes import ROOT

KEY: Final = "arn:aws:kms:eu-west-1:123456789012:key/0123abcd-01ab-01ab-01ab-0123456789ab"
LAYER: Final = "arn:aws:lambda:eu-west-1:123456789012:layer:{}:1"
# What a stack is asked for: nothing; everything; a second one in the account of the first.
STACKS: Final[dict[str, dict[str, str]]] = {
    "first": {},
    "full": {
        "KmsKeyArn": KEY,
        "FlagExtensionLayerArn": LAYER.format("flag"),
        "SecretsExtensionLayerArn": LAYER.format("secrets"),
        "TracingLayerArn": LAYER.format("tracing"),
        "NotificationEmail": "on-call@example.com",
        "DatabaseIamUser": "prx-0123abc/candidate_reader",
        "UserHashKey": "a key",
        "TeeAfterAnswer": "true",
        "GradualRelease": "true",
    },
    "second": {
        "ControlFunctionName": "second-mock-read",
        "CandidateFunctionName": "second-prisma-read",
        "CleanupFunctionName": "second-cleanup",
        "FlagApplicationName": "second-flags",
        "AlarmName": "second-lambda-error-rate-gt-2pct",
        "DashboardName": "second-prisma-migration",
    },
}
PSEUDO: Final = {
    "AWS::Partition": "aws",
    "AWS::Region": "eu-west-1",
    "AWS::AccountId": "123456789012",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::NoValue": None,
}
# Type -> the property that has to be unique among all stacks of an account.
NAMES: Final = {
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::StepFunctions::StateMachine": "StateMachineName",
    "AWS::Scheduler::ScheduleGroup": "Name",
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::CloudWatch::CompositeAlarm": "AlarmName",
    "AWS::CloudWatch::Dashboard": "DashboardName",
    "AWS::AppConfig::Application": "Name",
    "AWS::AppConfig::DeploymentStrategy": "Name",
    "AWS::Logs::QueryDefinition": "Name",
    "AWS::RDS::DBProxy": "DBProxyName",
    "AWS::IAM::Policy": "PolicyName",
}
Node = dict[str, Any]


class NoManagedPolicies:
    """The template uses none of SAM's; asked for one, it has none."""

    def load(self) -> dict[str, str]:
        return {}


@pytest.fixture(scope="module", autouse=True)
def _region() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        yield


def expanded(parameters: dict[str, str]) -> Node:
    """What SAM makes of the template, given these parameters."""
    template = read_template(ROOT / "template.yaml")
    for name, value in parameters.items():
        template["Parameters"][name]["Default"] = value
    template["Globals"]["Function"]["CodeUri"] = "s3://bucket/code"
    template["Resources"]["Playbook"]["Properties"]["DefinitionUri"] = "s3://bucket/machine"
    found: Node = transform(template, dict(parameters), NoManagedPolicies())
    return found


class Stack:
    """A stack: the resources whose conditions hold, and values with everything resolved."""

    def __init__(self, name: str, parameters: dict[str, str]) -> None:
        self.template = expanded(parameters)
        defaults = {n: p.get("Default", "") for n, p in self.template["Parameters"].items()}
        self.values: dict[str, Any] = {
            **defaults,
            **PSEUDO,
            "AWS::StackName": name,
            "AWS::StackId": f"arn:aws:cloudformation:eu-west-1:123456789012:stack/{name}/1",
        }
        self.resources: dict[str, Node] = {
            logical_id: resource
            for logical_id, resource in self.template["Resources"].items()
            if self.holds(resource.get("Condition"))
        }

    def holds(self, condition: str | None) -> bool:
        return condition is None or self._true(self.template["Conditions"][condition])

    def _true(self, node: Any) -> bool:
        ((function, value),) = node.items()
        if function == "Condition":
            return self.holds(value)
        if function == "Fn::Equals":
            first, second = (self.resolved(item) for item in value)
            return str(first) == str(second)
        if function == "Fn::Not":
            return not self._true(value[0])
        known = [self._true(item) for item in value]
        return {"Fn::And": all, "Fn::Or": any}[function](known)

    def resolved(self, node: Any) -> Any:
        """The value, with ids of resources written as <logical id.attribute>.

        Raises KeyError for a name that is neither a parameter nor a resource that exists.
        """
        if isinstance(node, list):
            found = [self.resolved(item) for item in node]
            return [item for item in found if item is not None]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            ((function, value),) = node.items()
            if function == "Ref" or function.startswith("Fn::"):
                return self._called(function, value)
        known = {key: self.resolved(value) for key, value in node.items()}
        return {key: value for key, value in known.items() if value is not None}

    def _called(self, function: str, value: Any) -> Any:
        if function == "Ref":
            return self._named(value)
        if function == "Fn::GetAtt":
            parts = value.split(".") if isinstance(value, str) else value
            return self._named(parts[0], ".".join(parts[1:]))
        if function == "Fn::If":
            return self.resolved(value[1] if self.holds(value[0]) else value[2])
        if function == "Fn::Sub":
            text, own = (value, {}) if isinstance(value, str) else value
            return re.sub(r"\$\{([^!}]+)\}", lambda at: str(self._inner(at[1], own)), text)
        if function == "Fn::Join":
            return value[0].join(str(item) for item in self.resolved(value[1]))
        if function == "Fn::Select":
            return self.resolved(value[1])[int(value[0])]
        if function == "Fn::Split":
            return str(self.resolved(value[1])).split(value[0])
        raise NotImplementedError(function)

    def _inner(self, name: str, own: Node) -> Any:
        if name in own:
            return self.resolved(own[name])
        logical_id, _, attribute = name.partition(".")
        return self._named(logical_id, attribute)

    def _named(self, name: str, attribute: str = "") -> Any:
        if name in self.values and not attribute:
            return self.values[name]
        self.resources[name]  # a KeyError names what is not there
        return f"<{name}{'.' if attribute else ''}{attribute}>"


@pytest.fixture(scope="module", params=STACKS)
def stack(request: pytest.FixtureRequest) -> Stack:
    return Stack(request.param, STACKS[request.param])


def test_everything_that_is_referred_to_exists(stack: Stack) -> None:
    for name, resource in stack.resources.items():
        stack.resolved(resource.get("Properties", {}))
        stack.resolved(resource.get("UpdatePolicy", {}))
        assert name
    for output in stack.template["Outputs"].values():
        if stack.holds(output.get("Condition")):
            assert stack.resolved(output["Value"])


def test_every_attribute_that_is_asked_for_is_one_of_its_resource(stack: Stack) -> None:
    for logical_id, attribute in attributes(stack.resources):
        kind = stack.template["Resources"][logical_id]["Type"]
        if attribute and kind != "AWS::CloudFormation::CustomResource":
            assert attribute in known_attributes(kind), f"{kind} has no {attribute}"


def attributes(node: Any) -> Iterator[tuple[str, str]]:
    """(logical id, attribute) of every Fn::GetAtt."""
    if isinstance(node, list):
        for item in node:
            yield from attributes(item)
    elif isinstance(node, dict):
        if isinstance(node.get("Fn::GetAtt"), list):
            logical_id, *rest = node["Fn::GetAtt"]
            yield logical_id, ".".join(rest)
        for value in node.values():
            yield from attributes(value)


def known_attributes(kind: str) -> set[str]:
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind)
    return {str(name) for name in schema.get_atts}


def test_the_transformed_template_has_no_finding(tmp_path: Path, stack: Stack) -> None:
    """No finding of cfn-lint in what SAM made, with the parameters in place."""
    file = tmp_path / "transformed.json"
    file.write_text(json.dumps(stack.template))
    tool = Path(sys.executable).with_name("cfn-lint")
    # W1030: empty defaults that stand under a condition; W1001: SAM's own resources of a release
    # have none, since SAM leaves them out altogether; W2001, W7001, W8001: SAM has used them up.
    ignored = ["--ignore-checks", "W1001", "W1030", "W2001", "W7001", "W8001", "--"]
    done = subprocess.run(
        [tool, "--regions", "eu-west-1", *ignored, str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def names(stack: Stack) -> set[tuple[str, str]]:
    """(type, name) of everything that is named."""
    return {
        (resource["Type"], str(stack.resolved(resource["Properties"][NAMES[resource["Type"]]])))
        for resource in stack.resources.values()
        if NAMES.get(resource["Type"], "-") in resource.get("Properties", {})
    }


def test_two_stacks_of_one_account_do_not_collide() -> None:
    first, second = (names(Stack(name, STACKS[name])) for name in ("first", "second"))
    assert len(first) > 30
    assert first & second == set()


def test_only_the_names_in_service_do_not_come_from_the_stack() -> None:
    """What two stacks with the same parameters would both claim has a parameter to change."""
    one, other = (Stack(name, {}) for name in ("first", "other"))
    values = [str(one.values[parameter]) for parameter in STACKS["second"]]
    for _, name in names(one) & names(other):
        # What hangs on a name in service: its log, and the alarms beside the one it names.
        assert re.sub(r"^/aws/lambda/|-(any|sparse)$", "", name) in values


@pytest.mark.parametrize("kind", ["AWS::Logs::LogGroup", "AWS::SQS::Queue", "AWS::SNS::Topic"])
def test_a_key_encrypts_whatever_can_be(kind: str) -> None:
    full, first = (Stack(name, STACKS[name]) for name in ("full", "first"))
    wanted = "KmsKeyId" if kind == "AWS::Logs::LogGroup" else "KmsMasterKeyId"
    found = [r for r in full.resources.values() if r["Type"] == kind]
    assert found
    assert {full.resolved(r["Properties"]).get(wanted) for r in found} == {KEY}
    without = [
        first.resolved(r["Properties"]) for r in first.resources.values() if r["Type"] == kind
    ]
    assert not any(wanted in properties for properties in without)
    if kind == "AWS::SQS::Queue":
        assert all(properties["SqsManagedSseEnabled"] is True for properties in without)


def test_whoever_publishes_or_queues_may_use_the_key(stack: Stack) -> None:
    if not stack.holds("HasKmsKey"):
        assert "KeyPolicy" not in stack.resources
        return
    roles = set(stack.resolved(properties_of(stack, "KeyPolicy")["Roles"]))
    needing = {
        f"<{name}>"
        for name in stack.resources
        if stack.resources[name]["Type"] == "AWS::IAM::Role"
        and {"sns:Publish", "sqs:SendMessage"} & actions(stack, name)
    }
    assert roles == needing


def properties_of(stack: Stack, name: str) -> Node:
    found: Node = stack.resources[name]["Properties"]
    return found


def actions(stack: Stack, role: str) -> set[str]:
    """What a role is allowed by itself, by what it names, and by what names it."""
    properties = properties_of(stack, role)
    documents = [policy["PolicyDocument"] for policy in properties.get("Policies", ())]
    documents += [properties_of(stack, name)["PolicyDocument"] for name in attached(stack, role)]
    flat = [item["Action"] for document in documents for item in document["Statement"]]
    return {one for item in flat for one in (item if isinstance(item, list) else [item])}


def attached(stack: Stack, role: str) -> list[str]:
    named = [
        arn["Ref"]
        for arn in properties_of(stack, role).get("ManagedPolicyArns", ())
        if "Ref" in arn  # the others are AWS's own
    ]
    naming = [
        name
        for name, resource in stack.resources.items()
        if resource["Type"] == "AWS::IAM::ManagedPolicy"
        and f"<{role}>" in stack.resolved(resource["Properties"].get("Roles", []))
    ]
    return named + naming


def test_no_role_has_more_managed_policies_than_aws_allows(stack: Stack) -> None:
    roles = [name for name, r in stack.resources.items() if r["Type"] == "AWS::IAM::Role"]
    assert roles
    assert {
        name: len(attached(stack, name)) for name in roles if len(attached(stack, name)) > 10
    } == {}


def test_a_queue_that_is_not_empty_tells_people(stack: Stack) -> None:
    alarms = [
        stack.resolved(resource["Properties"])
        for resource in stack.resources.values()
        if resource["Type"] == "AWS::CloudWatch::Alarm"
    ]
    watched = {
        alarm["Dimensions"][0]["Value"]: alarm
        for alarm in alarms
        if alarm.get("MetricName") == "ApproximateNumberOfMessagesVisible"
    }
    queues = {
        f"<{name}.QueueName>"
        for name, resource in stack.resources.items()
        if resource["Type"] == "AWS::SQS::Queue"
    }
    assert set(watched) == queues
    for alarm in watched.values():
        assert alarm["AlarmActions"] == ["<Topic>"]
        assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("GreaterThanThreshold", 0)
        assert alarm["TreatMissingData"] == "notBreaching"


TAGGED: Final = (
    "AWS::Lambda::Function",
    "AWS::StepFunctions::StateMachine",
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
    "AWS::Logs::LogGroup",
)


@pytest.mark.parametrize("kind", TAGGED)
def test_what_costs_money_says_whose_it_is(stack: Stack, kind: str) -> None:
    found = [r["Properties"] for r in stack.resources.values() if r["Type"] == kind]
    assert found
    for properties in found:
        assert {"Key": "project", "Value": "huntaze"} in stack.resolved(properties["Tags"])


# The API


def test_nobody_reads_without_being_allowed_to(stack: Stack) -> None:
    routes = [r["Properties"] for r in stack.resources.values() if r["Type"].endswith("V2::Route")]
    assert [route["AuthorizationType"] for route in routes] == ["AWS_IAM"]
    assert stack.resolved(routes[0]["RouteKey"]) == "GET /users/{userId}"


def test_the_api_asks_the_alias_that_releases_move(stack: Stack) -> None:
    alias = "<ReadFunctionAliaslive>"
    assert stack.resolved(properties_of(stack, "ReadIntegration"))["IntegrationUri"] == alias
    assert stack.resolved(properties_of(stack, "ReadApiPermission"))["FunctionName"] == alias


def test_the_api_may_be_asked_only_so_often(stack: Stack) -> None:
    settings = stack.resolved(properties_of(stack, "ReadStage"))["DefaultRouteSettings"]
    assert settings["ThrottlingRateLimit"] > 0
    assert settings["ThrottlingBurstLimit"] > 0


def test_the_apis_log_names_nobody(stack: Stack) -> None:
    """Only variables that are known to hold nothing of the caller, the path or the answer."""
    line = stack.resolved(properties_of(stack, "ReadStage"))["AccessLogSettings"]["Format"]
    assert set(re.findall(r"\$context\.([A-Za-z.]+)", line)) == {
        "requestId",
        "requestTimeEpoch",
        "routeKey",
        "status",
        "error.responseType",
        "integrationStatus",
        "responseLatency",
        "integrationLatency",
    }
    assert set(json.loads(line)) >= {"requestId", "status", "latency_ms"}


def test_the_api_waits_longer_than_the_function_may_take(stack: Stack) -> None:
    longest = properties_of(stack, "ReadIntegration")["TimeoutInMillis"]
    assert longest > 1000 * properties_of(stack, "ReadFunction")["Timeout"]


# The machine


def test_each_release_of_the_machine_is_a_version_behind_an_alias(stack: Stack) -> None:
    version = properties_of(stack, "PlaybookVersion")
    revision = {"Fn::GetAtt": ["Playbook", "StateMachineRevisionId"]}
    assert version["StateMachineRevisionId"] == revision
    preference = properties_of(stack, "PlaybookAliaslive")["DeploymentPreference"]
    assert stack.resolved(preference["StateMachineVersionArn"]) == "<PlaybookVersion>"


def test_the_machine_logs_without_what_its_executions_carry(stack: Stack) -> None:
    logging = properties_of(stack, "Playbook")["LoggingConfiguration"]
    assert logging["IncludeExecutionData"] is False
    assert logging["Level"] != "OFF"


def test_the_machine_is_traced_when_the_reads_are(stack: Stack) -> None:
    traced = stack.resolved(properties_of(stack, "Playbook"))["TracingConfiguration"]["Enabled"]
    assert traced is stack.holds("HasTracing")
    if traced:
        policy = stack.resolved(properties_of(stack, "MachineTracingPolicy"))
        assert policy["Roles"] == ["<PlaybookRole>"]
        assert "xray:GetSamplingRules" in policy["PolicyDocument"]["Statement"][0]["Action"]


# A code release


def test_a_release_is_gradual_only_when_asked_for(stack: Stack) -> None:
    groups = {n for n, r in stack.resources.items() if r["Type"].endswith("::DeploymentGroup")}
    gradual = {"ReadFunctionDeploymentGroup", "CandidateFunctionDeploymentGroup"}
    assert groups == (gradual if stack.holds("ReleasesGradually") else set())
    for name in groups:
        found = stack.resolved(properties_of(stack, name))
        assert found["DeploymentConfigName"] == "<ReleaseConfig>"
        assert found["ServiceRoleArn"] == "<ReleaseRole.Arn>"
        assert "DEPLOYMENT_STOP_ON_ALARM" in found["AutoRollbackConfiguration"]["Events"]


def test_a_new_version_gets_one_request_in_a_hundred_first() -> None:
    full = Stack("full", STACKS["full"])
    routing = full.resolved(properties_of(full, "ReleaseConfig"))["TrafficRoutingConfig"]
    assert routing["Type"] == "TimeBasedCanary"
    assert routing["TimeBasedCanary"] == {"CanaryPercentage": 1, "CanaryInterval": 10}


@pytest.mark.parametrize("name", ["ReadFunction", "CandidateFunction"])
def test_a_new_version_is_tried_before_it_serves_and_watched_when_it_does(name: str) -> None:
    full = Stack("full", STACKS["full"])
    alias = full.resources[f"{name}Aliaslive"]
    update = full.resolved(alias["UpdatePolicy"])["CodeDeployLambdaAliasUpdate"]
    assert update["BeforeAllowTrafficHook"] == "<BeforeTrafficFunction>"
    (group,) = [n for n in full.resources if n == f"{name}DeploymentGroup"]
    (alarm,) = properties_of(full, group)["AlarmConfiguration"]["Alarms"]
    watched = properties_of(full, alarm["Name"]["Ref"])
    version = alias["Properties"]["FunctionVersion"]
    assert {"Name": "ExecutedVersion", "Value": version} in watched["Dimensions"]
    assert watched["TreatMissingData"] == "notBreaching"


def test_codedeploy_may_invoke_the_hook() -> None:
    """By the prefix that the policy AWS keeps for it allows."""
    full = Stack("full", STACKS["full"])
    hook = full.resolved(properties_of(full, "BeforeTrafficFunction"))["FunctionName"]
    assert hook.startswith("CodeDeployHook_")
    assert len(hook) <= 64


def test_the_hook_may_answer_for_this_stacks_releases_only() -> None:
    full = Stack("full", STACKS["full"])
    (policy,) = properties_of(full, "BeforeTrafficRole")["Policies"]
    statements = full.resolved(policy)["PolicyDocument"]["Statement"]
    (answering,) = [s for s in statements if "codedeploy" in str(s["Action"])]
    group = ":deploymentgroup:full-ServerlessDeploymentApplication-*/*"
    assert answering["Resource"].endswith(group)


# The alarms of the candidate


def test_appconfig_watches_one_alarm_over_all_of_the_candidates(stack: Stack) -> None:
    monitors = stack.resolved(properties_of(stack, "FlagEnvironment"))["Monitors"]
    watched = {"AlarmArn": "<CandidateAlarm.Arn>", "AlarmRoleArn": "<FlagAlarmRole.Arn>"}
    assert monitors == [watched]
    rule = stack.resolved(properties_of(stack, "CandidateAlarm"))["AlarmRule"]
    assert rule == 'ALARM("<ErrorRateAlarm>") OR ALARM("<SparseErrorsAlarm>")'


@pytest.mark.parametrize("name", ["ErrorRateAlarm", "SparseErrorsAlarm"])
def test_an_alarm_of_the_candidate_says_nothing_without_enough_reads(name: str) -> None:
    first = Stack("first", {})
    alarm = first.resolved(properties_of(first, name))
    assert alarm["TreatMissingData"] == "notBreaching"
    (math,) = (metric["Expression"] for metric in alarm["Metrics"] if "Expression" in metric)
    assert re.fullmatch(r"IF\((req|err) >= \d+, 100 \* err / req, 0\)", math)
    for metric in alarm["Metrics"]:
        if "MetricStat" in metric:
            dimensions = metric["MetricStat"]["Metric"]["Dimensions"]
            assert {"Name": "arm", "Value": "candidate"} in dimensions


def test_who_silences_the_alarm_that_appconfig_watches_knows_it_by_name(stack: Stack) -> None:
    """An alarm whose actions are on would undo the deployment of exposure 0."""
    watched = stack.resolved(properties_of(stack, "CandidateAlarm"))["AlarmName"]
    silencing = [
        name for name, r in stack.resources.items() if "ALARM_NAMES" in str(r.get("Properties", {}))
    ]
    assert {"RollBackFunction", "GuardFunction", "WatchdogFunction"} <= set(silencing)
    for name in silencing:
        variables = stack.resolved(properties_of(stack, name))["Environment"]["Variables"]
        assert watched in variables["ALARM_NAMES"].split(",")
    (_, silence) = stack.resolved(properties_of(stack, "RollBackPolicy"))["PolicyDocument"][
        "Statement"
    ]
    assert "<CandidateAlarm.Arn>" in silence["Resource"]


def test_composite_alarms_are_shown_to_who_may_see_every_alarm(stack: Stack) -> None:
    (statement,) = properties_of(stack, "AlarmReadPolicy")["PolicyDocument"]["Statement"]
    assert statement["Resource"] == "*"
