"""The template that the emulator gets: the real one, minus a visible list of what it lacks."""

import json
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from pathlib import Path

from ops.templates import Node, read_template


class LocalTemplateError(Exception):
    """A parameter that template.yaml does not have."""


def plain_alarm(properties: Node) -> Node:
    """The same name, actions and limits on a metric that nobody publishes."""
    kept = {key: value for key, value in properties.items() if key != "Metrics"}
    stand_in = {"Namespace": "Local", "MetricName": "NeverPublished", "Statistic": "Sum"}
    return {**kept, **stand_in, "Period": 60}


def alarm_without_rule(properties: Node) -> Node:
    """A plain alarm of the same name and actions; see REPLACED_TYPES."""
    kept = {key: value for key, value in properties.items() if key != "AlarmRule"}
    limits = {"ComparisonOperator": "GreaterThanThreshold", "Threshold": 0, "EvaluationPeriods": 1}
    return plain_alarm({**kept, **limits, "TreatMissingData": "notBreaching"})


def without_bake(properties: Node) -> Node:
    return {**properties, "FinalBakeTimeInMinutes": 0}


# What the emulator lacks: logical id -> (reason, properties used in place of the template's).
REPLACED: dict[str, tuple[str, Callable[[Node], Node]]] = {
    "ErrorRateAlarm": (
        "CloudFormation there refuses metric math, and plain alarms are evaluated without their"
        " dimensions; so ops/local/alarms.py evaluates, and this stand-in shows the state",
        plain_alarm,
    ),
    "SparseErrorsAlarm": ("as ErrorRateAlarm, and nobody evaluates it", plain_alarm),
    "CandidateAlarm": (
        "there are no composite alarms; ops/local/alarms.py gives this the state of ErrorRateAlarm",
        alarm_without_rule,
    ),
    "RampStrategy": (
        "AppConfig bakes for whole minutes of real time, on AWS and there; a rehearsal has none",
        without_bake,
    ),
}

# Types that another one stands in for.
REPLACED_TYPES = {"AWS::CloudWatch::CompositeAlarm": "AWS::CloudWatch::Alarm"}

# Types of resources that the emulator lacks, and why nothing is missing without them.
ABSENT: dict[str, str] = {
    "AWS::Logs::QueryDefinition": "a saved query is looked at by people; tests/insights.py runs it",
}

# Outputs that only what the emulator lacks could give: Step Functions there has no versions.
ABSENT_OUTPUTS = {"StateMachineAliasArn"}

# Calls for which IAM there works out no resource, or another one (every schedule is taken for one
# of the group "default"). The template keeps the finest resource AWS offers; that it is fine
# enough, and not too fine, only AWS can show.
UNSCOPED = {
    "cloudwatch:DescribeAlarms",
    "cloudwatch:DisableAlarmActions",
    "cloudwatch:EnableAlarmActions",
    "scheduler:CreateSchedule",
    "scheduler:GetSchedule",
    "scheduler:DeleteSchedule",
    "lambda:GetAlias",
}

# Calls that IAM there takes for another action: allowed as well.
MISTAKEN = {"lambda:GetAlias": "lambda:ListAliases"}


def local_template(root: Path, code_uri: str, parameters: Mapping[str, object]) -> Node:
    """The template the emulator gets.

    Overrides also become defaults, because the emulator expands SAM without them.
    """
    template = deepcopy(read_template(root / "template.yaml"))
    template["Globals"]["Function"]["CodeUri"] = code_uri

    for name, value in parameters.items():
        if name not in template["Parameters"]:
            raise LocalTemplateError(f"template.yaml has no parameter {name}")
        template["Parameters"][name]["Default"] = str(value)

    resources = {
        name: resource
        for name, resource in template["Resources"].items()
        if resource["Type"] not in ABSENT
    }
    template["Resources"] = resources
    for name in ABSENT_OUTPUTS:
        template["Outputs"].pop(name)
    for logical_id, (_reason, replacement) in REPLACED.items():
        resource = resources[logical_id]
        resource["Properties"] = replacement(resource["Properties"])
        resource["Type"] = REPLACED_TYPES.get(resource["Type"], resource["Type"])
    for resource in resources.values():
        if resource["Type"] == "AWS::Serverless::StateMachine":
            resource["Properties"].pop("AutoPublishAlias")  # see ABSENT_OUTPUTS
            definition = root / resource["Properties"].pop("DefinitionUri")
            resource["Properties"]["Definition"] = json.loads(definition.read_text())
        for statement in statements(resource):
            widen(statement)
    return template


def statements(resource: Node) -> Iterator[Node]:
    """Every statement of what a role or a managed policy allows."""
    properties = resource.get("Properties", {})
    if resource["Type"] in ("AWS::IAM::ManagedPolicy", "AWS::IAM::Policy"):
        yield from properties["PolicyDocument"]["Statement"]
    elif resource["Type"] == "AWS::IAM::Role":
        for policy in properties.get("Policies", []):
            yield from policy["PolicyDocument"]["Statement"]


def widen(statement: Node) -> None:
    """Let a statement mean at the emulator what it means on AWS."""
    named = statement["Action"]
    actions = [named] if isinstance(named, str) else list(named)
    if UNSCOPED & set(actions):
        statement["Resource"] = "*"
        statement["Action"] = actions + [MISTAKEN[name] for name in actions if name in MISTAKEN]
