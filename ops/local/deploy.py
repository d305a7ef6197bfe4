"""Deploys the template to the emulator (lacking.py has what is left out there)."""

import hashlib
import io
import json
import time
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ops.local.emulator import Emulator
from ops.local.lacking import local_template
from ops.templates import Node

POLL_SECONDS = 0.1
TIMEOUT_SECONDS = 120
BUCKET = "rollout-deploy"


class DeployError(Exception):
    """The stack could not be created or updated; the message says which resources, and why."""


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
        LocalTemplateError: for a parameter that the template does not have.
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
