"""The template as CloudFormation gets it, after SAM: three stacks with different parameters."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER
from samtranslator.translator.transform import transform

from ops.templates import read_template
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
        "VpcId": "vpc-0123abcd",
        "SubnetIds": "subnet-0123abcd,subnet-4567abcd",
        "DbInstanceIdentifier": "users",
        "DatabaseSecurityGroupId": "sg-0123abcd",
        "DatabasePort": "6543",
        "ProxySecretArn": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:users-a1b2c3",
    },
    "second": {
        "ControlFunctionName": "second-mock-read",
        "CandidateFunctionName": "second-prisma-read",
        "CleanupFunctionName": "second-cleanup",
        "FlagApplicationName": "second-flags",
        "AlarmName": "second-lambda-error-rate-gt-2pct",
        "DashboardName": "second-prisma-migration",
        "VpcId": "vpc-0123abcd",
        "SubnetIds": "subnet-0123abcd,subnet-4567abcd",
        "SecretsEndpoint": "false",
        "SharedRampStrategy": "1ramp23",
        "SharedRollbackStrategy": "4back56",
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


@cache
def stack_of(name: str) -> Stack:
    """Made once: nobody changes it."""
    return Stack(name, STACKS[name])


@pytest.fixture(scope="module", params=STACKS)
def stack(request: pytest.FixtureRequest) -> Stack:
    return stack_of(request.param)


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


def test_the_transformed_templates_have_no_finding(tmp_path: Path) -> None:
    """No finding of cfn-lint in what SAM made, with the parameters in place."""
    files = {name: tmp_path / f"{name}.json" for name in STACKS}
    for name, file in files.items():
        file.write_text(json.dumps(stack_of(name).template))
    tool = Path(sys.executable).with_name("cfn-lint")
    # W1030: empty defaults that stand under a condition; W1001: SAM's own resources of a release
    # have none, since SAM leaves them out altogether; W2001, W7001, W8001: SAM has used them up.
    ignored = ["--ignore-checks", "W1001", "W1030", "W2001", "W7001", "W8001", "--"]
    done = subprocess.run(
        [tool, "--regions", "eu-west-1", *ignored, *map(str, files.values())],
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
    first, second = (names(stack_of(name)) for name in ("first", "second"))
    assert len(first) > 30
    assert first & second == set()


def test_only_the_names_in_service_do_not_come_from_the_stack() -> None:
    """What two stacks with the same parameters would both claim has a parameter to change."""
    one, other = (Stack(name, {}) for name in ("first", "other"))
    values = [str(one.values[name]) for name in STACKS["second"] if name.endswith("Name")]
    for _, name in names(one) & names(other):
        # What hangs on a name in service: its log, and the alarms beside the one it names.
        assert re.sub(r"^/aws/lambda/|-(any|sparse)$", "", name) in values


@pytest.mark.parametrize("kind", ["AWS::Logs::LogGroup", "AWS::SQS::Queue", "AWS::SNS::Topic"])
def test_a_key_encrypts_whatever_can_be(kind: str) -> None:
    full, first = (stack_of(name) for name in ("full", "first"))
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
    allowed = stack.resolved(properties_of(stack, "ReadApiPermission"))
    assert allowed["FunctionName"] == alias
    assert allowed["SourceArn"].endswith(":<ReadApi>/*/GET/users/*")


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
    full = stack_of("full")
    routing = full.resolved(properties_of(full, "ReleaseConfig"))["TrafficRoutingConfig"]
    assert routing["Type"] == "TimeBasedCanary"
    assert routing["TimeBasedCanary"] == {"CanaryPercentage": 1, "CanaryInterval": 10}


@pytest.mark.parametrize("name", ["ReadFunction", "CandidateFunction"])
def test_a_new_version_is_tried_before_it_serves_and_watched_when_it_does(name: str) -> None:
    full = stack_of("full")
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
    full = stack_of("full")
    hook = full.resolved(properties_of(full, "BeforeTrafficFunction"))["FunctionName"]
    assert hook.startswith("CodeDeployHook_")
    assert len(hook) <= 64


def test_the_hook_may_answer_for_this_stacks_releases_only() -> None:
    full = stack_of("full")
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
    first = stack_of("first")
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


# The candidate's network

NETWORK: Final = ("AWS::EC2::", "AWS::RDS::")


def kinds(stack: Stack, *starts: str) -> set[str]:
    return {name for name, r in stack.resources.items() if r["Type"].startswith(starts)}


def test_without_a_network_nothing_of_one_is_made() -> None:
    first = stack_of("first")
    assert kinds(first, *NETWORK) == set()
    candidate = first.resolved(properties_of(first, "CandidateFunction"))
    assert "VpcConfig" not in candidate
    assert "DATABASE_HOST" not in candidate["Environment"]["Variables"]


def test_a_plain_address_in_a_network_needs_no_proxy() -> None:
    second = stack_of("second")
    assert kinds(second, *NETWORK) == {"CandidateSecurityGroup"}
    assert "DATABASE_HOST" not in str(second.resolved(properties_of(second, "CandidateFunction")))


def test_only_the_candidate_is_in_the_network(stack: Stack) -> None:
    inside = [n for n in stack.resources if "VpcConfig" in str(stack.resources[n])]
    placed = [n for n in inside if "VpcConfig" in stack.resolved(properties_of(stack, n))]
    assert placed == (["CandidateFunction"] if stack.holds("HasVpc") else [])


def test_a_password_is_read_in_the_network_over_an_endpoint_of_its_own() -> None:
    full = stack_of("full")
    endpoint = full.resolved(properties_of(full, "SecretsManagerEndpoint"))
    assert endpoint["ServiceName"] == "com.amazonaws.eu-west-1.secretsmanager"
    assert endpoint["PrivateDnsEnabled"] is True
    (rule,) = full.resolved(properties_of(full, "EndpointSecurityGroup"))["SecurityGroupIngress"]
    assert (rule["FromPort"], rule["SourceSecurityGroupId"]) == (443, "<CandidateSecurityGroup>")


def test_a_url_needs_no_endpoint() -> None:
    known = {**STACKS["full"], "DatabaseUrl": "postgresql://u:p@db/app"}
    assert "SecretsManagerEndpoint" not in Stack("url", known).resources


def test_each_group_lets_in_the_one_before_it_only() -> None:
    full = stack_of("full")
    proxy = full.resolved(properties_of(full, "ProxySecurityGroup"))
    (into_proxy,) = proxy["SecurityGroupIngress"]
    assert into_proxy["SourceSecurityGroupId"] == "<CandidateSecurityGroup>"
    into_database = full.resolved(properties_of(full, "DatabaseIngress"))
    assert into_database["GroupId"] == "sg-0123abcd"
    assert into_database["SourceSecurityGroupId"] == "<ProxySecurityGroup>"
    # The proxy listens on its own port, whatever the database's is.
    leaving = full.resolved(properties_of(full, "CandidateSecurityGroup"))["SecurityGroupEgress"]
    assert [int(rule["FromPort"]) for rule in leaving] == [5432, 443]
    assert int(into_proxy["FromPort"]) == 5432
    assert int(into_database["FromPort"]) == 6543


@pytest.mark.parametrize(
    ("named", "kept", "absent"),
    [
        ({"DbInstanceIdentifier": "users"}, "DBInstanceIdentifiers", "DBClusterIdentifiers"),
        (
            {"DbClusterIdentifier": "users", "DbInstanceIdentifier": ""},
            "DBClusterIdentifiers",
            "DBInstanceIdentifiers",
        ),
    ],
)
def test_the_proxy_is_in_front_of_what_was_named(
    named: dict[str, str], kept: str, absent: str
) -> None:
    full = Stack("full", {**STACKS["full"], **named})
    targets = full.resolved(properties_of(full, "DatabaseProxyTargets"))
    assert targets[kept] == ["users"]
    assert absent not in targets
    assert targets["TargetGroupName"] == "default"
    assert targets["ConnectionPoolConfigurationInfo"]["ConnectionBorrowTimeout"] < 10
    proxy = full.resolved(properties_of(full, "DatabaseProxy"))
    assert proxy["RequireTLS"] is True
    host = full.resolved(properties_of(full, "CandidateFunction"))["Environment"]["Variables"]
    assert host["DATABASE_HOST"] == "<DatabaseProxy.Endpoint>"


def test_the_proxy_may_read_its_one_secret() -> None:
    full = stack_of("full")
    (policy,) = full.resolved(properties_of(full, "ProxyRole"))["Policies"]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert statement["Action"] == "secretsmanager:GetSecretValue"
    assert statement["Resource"] == STACKS["full"]["ProxySecretArn"]


def test_the_candidates_interfaces_are_allowed_before_the_function_is_made(stack: Stack) -> None:
    named = stack.resolved(properties_of(stack, "CandidateRole")).get("ManagedPolicyArns")
    assert named == (["<CandidateNetworkPolicy>"] if stack.holds("HasVpc") else [])


def test_half_a_proxy_is_refused_before_anything_is_made() -> None:
    rule = expanded({})["Rules"]["ProxyIsWhole"]
    asked = " ".join(item["AssertDescription"] for item in rule["Assertions"])
    for parameter in ("VpcId", "SubnetIds", "ProxySecretArn", "not both"):
        assert parameter in asked


# Layers

PUBLIC: Final = "/aws/service/aws-appconfig/lambda-extension/arm64/latest"


@pytest.mark.parametrize(
    ("asked", "layers"),
    [
        ({}, []),
        ({"FlagExtension": "true"}, [f"{{{{resolve:ssm:{PUBLIC}}}}}"]),
        ({"FlagExtensionLayerArn": LAYER.format("flag")}, [LAYER.format("flag")]),
        (
            {"FlagExtension": "true", "FlagExtensionLayerArn": LAYER.format("flag")},
            [LAYER.format("flag")],
        ),
    ],
)
def test_the_flags_extension_is_the_newest_unless_one_is_named(
    asked: dict[str, str], layers: list[str]
) -> None:
    stack = Stack("layers", asked)
    read = stack.resolved(properties_of(stack, "ReadFunction"))
    assert read["Layers"] == layers
    told = "AWS_APPCONFIG_EXTENSION_HTTP_PORT" in read["Environment"]["Variables"]
    assert told is bool(layers)


# Updates and deletion

# What may be left when the stack is deleted, and why.
KEPT: Final = {
    "AWS::AppConfig::Deployment": "AppConfig deletes no deployment; it goes with its application",
    "AWS::Lambda::Version": "it goes with its function",
    "AWS::StepFunctions::StateMachineVersion": "it goes with its machine",
}
HOLDS_THE_EXPOSURE: Final = (
    "FlagApplication",
    "FlagEnvironment",
    "FlagProfile",
    "FirstFlagVersion",
    "FirstFlagDeployment",
    "RollbackStrategy",
)
# A stack that is asked for another of these is asked for another flag, or says that it deploys the
# first one again.
CHOSEN_ONCE: Final = {"FlagName", "SharedRollbackStrategy"}


def parameters_in(stack: Stack, node: Any, seen: frozenset[str] = frozenset()) -> set[str]:
    """The parameters that a value comes from, also by way of other resources' ids."""
    found: set[str] = set()
    for name in references(node):
        if name in stack.template["Parameters"]:
            found.add(name)
        elif name in stack.template["Resources"] and name not in seen:
            resource = stack.template["Resources"][name]
            fixed = create_only(resource)
            found |= parameters_in(stack, fixed, seen | {name})
    return found


def create_only(resource: Node) -> Node:
    """The properties whose change replaces the resource."""
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", resource["Type"]).schema
    fixed = {str(path).split("/")[2] for path in schema.get("createOnlyProperties", ())}
    return {key: value for key, value in resource["Properties"].items() if key in fixed}


def references(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from references(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "Ref":
                yield value
            elif key == "Fn::GetAtt":
                yield value[0] if isinstance(value, list) else value.split(".")[0]
            elif key == "Fn::Sub":
                text = value if isinstance(value, str) else value[0]
                yield from (name.split(".")[0] for name in re.findall(r"\$\{([^!}]+)\}", text))
            else:
                yield from references(value)


@pytest.mark.parametrize("name", HOLDS_THE_EXPOSURE)
def test_an_update_in_the_middle_of_a_rollout_does_not_reset_the_exposure(name: str) -> None:
    """A replaced version or deployment of the template would close the flag."""
    stack = stack_of("first")
    fixed = create_only(stack.resources[name])
    assert parameters_in(stack, fixed) <= CHOSEN_ONCE


def test_a_parameter_that_deploys_the_first_flag_again_says_so() -> None:
    said = stack_of("first").template["Parameters"]["SharedRollbackStrategy"]["Description"]
    assert "Only when the stack is created" in said


STRATEGIES: Final = ("RampStrategy", "RollbackStrategy")


def strategies_of(stack: Stack) -> tuple[set[str], set[str]]:
    """(that its functions deploy with, that its roles may deploy with), as ids."""
    told: set[str] = set()
    for resource in stack.resources.values():
        if resource["Type"] == "AWS::Lambda::Function":
            known = (
                stack.resolved(resource["Properties"]).get("Environment", {}).get("Variables", {})
            )
            told |= {known[n] for n in ("RAMP_STRATEGY_ID", "ROLLBACK_STRATEGY_ID") if n in known}
    text = json.dumps([stack.resolved(resource) for resource in stack.resources.values()])
    return told, set(re.findall(r":deploymentstrategy/([^\"]+)", text))


def test_a_stack_has_strategies_of_its_own_or_those_of_another() -> None:
    first, second = stack_of("first"), stack_of("second")
    own, shared = {f"<{name}>" for name in STRATEGIES}, {"1ramp23", "4back56"}
    assert strategies_of(first) == (own, own)
    assert strategies_of(second) == (shared, shared)
    assert all(name in first.resources and name not in second.resources for name in STRATEGIES)


@pytest.mark.parametrize("name", STRATEGIES)
def test_one_strategy_may_be_shared_without_the_other(name: str) -> None:
    stack = Stack("third", {f"Shared{name}": "0other0"})
    (left,) = set(STRATEGIES) - {name}
    ids = {"0other0", f"<{left}>"}
    assert strategies_of(stack) == (ids, ids)
    first = stack.resolved(stack.resources["FirstFlagDeployment"]["Properties"])
    assert first["DeploymentStrategyId"] in ids
    for output in ("RampStrategyId", "RollbackStrategyId"):
        assert stack.resolved(stack.template["Outputs"][output]["Value"]) in ids


def test_a_changed_document_in_the_template_would_be_noticed() -> None:
    """AppConfig's first version has no property that could change in place."""
    first = stack_of("first")
    version = first.resources["FirstFlagVersion"]
    assert set(create_only(version)) == set(version["Properties"])


def test_what_a_deleted_stack_leaves_is_known(stack: Stack) -> None:
    kept = {r["Type"] for r in stack.resources.values() if r.get("DeletionPolicy") == "Retain"}
    assert kept == set(KEPT)


@pytest.mark.parametrize("kind", ["AWS::Logs::LogGroup", "AWS::SQS::Queue"])
def test_what_holds_data_is_deleted_on_purpose(stack: Stack, kind: str) -> None:
    found = [r for r in stack.resources.values() if r["Type"] == kind]
    assert found
    for resource in found:
        assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Delete", "Delete")


def test_no_function_writes_to_a_log_that_the_stack_does_not_own(stack: Stack) -> None:
    """A group that Lambda makes by itself stays behind, and for ever."""
    for resource in stack.resources.values():
        if resource["Type"] == "AWS::Lambda::Function":
            group = stack.resolved(resource["Properties"]["LoggingConfig"])["LogGroup"]
            assert stack.resources[group.strip("<>")]["Type"] == "AWS::Logs::LogGroup"
