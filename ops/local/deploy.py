"""Deploys the real template.yaml to the emulator, minus a visible list of what it lacks."""

import hashlib
import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

from ops.local.emulator import Emulator

Node = dict[str, Any]

POLL_SECONDS = 0.1
TIMEOUT_SECONDS = 120
BUCKET = "rollout-deploy"


class DeployError(Exception):
    """The stack could not be created or updated; the message says which resources, and why."""


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


def deploy(
    emulator: Emulator,
    stack_name: str,
    parameters: Mapping[str, object],
    root: Path,
    added: Mapping[str, bytes] | None = None,
) -> dict[str, str]:
    """Create the stack, or update it when it exists, and wait until it stands.

    Args:
        parameters: values that differ from the template's defaults.
        root: the folder with template.yaml, functions/rollout and statemachines/.
        added: files beside or in place of those in functions/, path -> content.

    Returns:
        The outputs of the stack.

    Raises:
        DeployError: with the reasons from the stack's events.
    """
    code = upload(emulator, zipped(root / "functions", "rollout", added or {}), "zip")
    template = local_template(root, code, parameters)
    url = upload(emulator, json.dumps(template).encode(), "json").replace(
        "s3://", f"{emulator.endpoint_url}/"
    )

    cloudformation = emulator.client("cloudformation")
    request = {
        "StackName": stack_name,
        "TemplateURL": url,
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": str(value)} for key, value in parameters.items()
        ],
    }
    if exists(cloudformation, stack_name):
        cloudformation.update_stack(**request)
    else:
        cloudformation.create_stack(**request)
    result = outputs(cloudformation, stack_name)
    reserve_concurrency(emulator, stack_name, template)
    return result


def reserve_concurrency(emulator: Emulator, stack_name: str, template: Node) -> None:
    """Set what CloudFormation there leaves out: ReservedConcurrentExecutions."""
    for logical_id, resource in template["Resources"].items():
        reserved = resource.get("Properties", {}).get("ReservedConcurrentExecutions")
        if reserved is None:
            continue
        if isinstance(reserved, dict):
            reserved = template["Parameters"][reserved["Ref"]]["Default"]
        function = emulator.client("cloudformation").describe_stack_resource(
            StackName=stack_name, LogicalResourceId=logical_id
        )["StackResourceDetail"]["PhysicalResourceId"]
        emulator.client("lambda").put_function_concurrency(
            FunctionName=function, ReservedConcurrentExecutions=int(reserved)
        )


def physical(emulator: Emulator, stack_name: str) -> dict[str, str]:
    """Logical id -> physical id of every resource of a stack."""
    found = emulator.client("cloudformation").describe_stack_resources(StackName=stack_name)
    return {
        item["LogicalResourceId"]: item["PhysicalResourceId"] for item in found["StackResources"]
    }


def read_template(path: Path) -> Node:
    """The template as data; `!Ref x` becomes {"Ref": "x"}, `!Sub x` {"Fn::Sub": "x"}."""
    template: Node = TemplateLoader(path.read_text()).get_single_data()
    return template


def local_template(root: Path, code_uri: str, parameters: Mapping[str, object]) -> Node:
    """The template the emulator gets.

    Overrides also become defaults, because the emulator expands SAM without them.
    """
    template = deepcopy(read_template(root / "template.yaml"))
    template["Globals"]["Function"]["CodeUri"] = code_uri

    for name, value in parameters.items():
        if name not in template["Parameters"]:
            raise DeployError(f"template.yaml has no parameter {name}")
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


def zipped(folder: Path, package: str, added: Mapping[str, bytes]) -> bytes:
    """A package as Lambda wants it; what it imports comes from this machine's environment.

    added: further files, or others in place of the package's: path -> content.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        files = {
            str(path.relative_to(folder)): path.read_bytes()
            for path in (folder / package).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        for name, content in sorted({**files, **added}.items()):
            # A fixed date: equal files give an equal archive.
            archive.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


def upload(emulator: Emulator, content: bytes, suffix: str) -> str:
    """Store it under its own digest and return its s3:// address."""
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    key = f"{hashlib.sha256(content).hexdigest()[:32]}.{suffix}"
    s3.put_object(Bucket=BUCKET, Key=key, Body=content)
    return f"s3://{BUCKET}/{key}"


def exists(cloudformation: Any, stack_name: str) -> bool:
    stacks = cloudformation.get_paginator("list_stacks").paginate()
    return any(
        stack["StackName"] == stack_name and stack["StackStatus"] != "DELETE_COMPLETE"
        for page in stacks
        for stack in page["StackSummaries"]
    )


def outputs(cloudformation: Any, stack_name: str) -> dict[str, str]:
    """Wait for the operation in progress; raises DeployError when it fails or takes too long."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while True:
        stack = cloudformation.describe_stacks(StackName=stack_name)["Stacks"][0]
        status = stack["StackStatus"]
        if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            return {item["OutputKey"]: item["OutputValue"] for item in stack.get("Outputs", [])}
        if not status.endswith("_IN_PROGRESS") or time.monotonic() > deadline:
            reasons = "\n".join(failures(cloudformation, stack_name))
            raise DeployError(f"{stack_name}: {status}\n{reasons}")
        time.sleep(POLL_SECONDS)


def failures(cloudformation: Any, stack_name: str) -> Iterator[str]:
    """One line per failed resource, first failure first."""
    pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack_name)
    newest_first = [event for page in pages for event in page["StackEvents"]]
    for event in reversed(newest_first):
        if event["ResourceStatus"].endswith("_FAILED"):
            reason = event.get("ResourceStatusReason", "")
            yield f"{event['LogicalResourceId']} {event['ResourceStatus']} {reason}"


# The parser in C where PyYAML has it: the one in Python takes a quarter of a second.
class TemplateLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML with the short forms of CloudFormation's functions."""


def construct_function(loader: Any, name: str, node: Any) -> Node:
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if name == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {name if name in ("Ref", "Condition") else f"Fn::{name}": value}


TemplateLoader.add_multi_constructor("!", construct_function)
