"""Everything that a rehearsal leaves at the emulator, as (name, text)."""

from collections.abc import Iterator
from typing import Any

from ops.local.stack import LocalStack
from tests.local.canaries import text_of

# The one exception, see docs/read-path.md: Step Functions records what it hands to Ask a Person.
TOKEN_EVENTS = ("TaskScheduled",)


def artefacts(stack: LocalStack) -> Iterator[tuple[str, str]]:
    """Logs, metrics, flags, executions, schedules, alarms, dashboards, parameters."""
    for name, found in _found(stack):
        yield name, text_of(found)


def _found(stack: LocalStack) -> Iterator[tuple[str, Any]]:
    client = stack.emulator.client
    logs = client("logs")
    for group in logs.describe_log_groups()["logGroups"]:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"])
        yield (
            f"log {group['logGroupName']}",
            [event["message"] for page in pages for event in page["events"]],
        )
    yield "metrics", [page["Metrics"] for page in pages_of(client("cloudwatch"), "list_metrics")]
    yield "alarms", client("cloudwatch").describe_alarms()
    yield from _flags(stack)
    yield from _executions(stack)
    scheduler, group = client("scheduler"), stack.outputs["ScheduleGroupName"]
    for item in scheduler.list_schedules(GroupName=group)["Schedules"]:
        yield f"schedule {item['Name']}", scheduler.get_schedule(GroupName=group, Name=item["Name"])
    yield (
        "parameters",
        client("ssm").get_parameters_by_path(Path="/", Recursive=True, WithDecryption=True)[
            "Parameters"
        ],
    )


def pages_of(api: Any, operation: str) -> Iterator[Any]:
    yield from api.get_paginator(operation).paginate()


def _flags(stack: LocalStack) -> Iterator[tuple[str, Any]]:
    api = stack.emulator.client("appconfig")
    ids = {"ApplicationId": stack.outputs["FlagApplicationId"]}
    profile = {"ConfigurationProfileId": stack.outputs["FlagProfileId"]}
    for item in api.list_hosted_configuration_versions(**ids, **profile)["Items"]:
        number = item["VersionNumber"]
        found = api.get_hosted_configuration_version(**ids, **profile, VersionNumber=number)
        yield f"flag {number}", [item, found["Content"].read()]
    environment = {"EnvironmentId": stack.outputs["FlagEnvironmentId"]}
    for item in api.list_deployments(**ids, **environment)["Items"]:
        number = item["DeploymentNumber"]
        found = api.get_deployment(**ids, **environment, DeploymentNumber=number)
        yield f"deployment {number}", found


def _executions(stack: LocalStack) -> Iterator[tuple[str, Any]]:
    """Input, output and each event; what hands a task token over is an artefact of its own."""
    api, machine = stack.emulator.client("stepfunctions"), stack.outputs["StateMachineArn"]
    for item in api.list_executions(stateMachineArn=machine)["executions"]:
        arn, name = item["executionArn"], item["name"]
        yield f"execution {name}", api.describe_execution(executionArn=arn)
        pages = api.get_paginator("get_execution_history").paginate(executionArn=arn)
        for event in (event for page in pages for event in page["events"]):
            exception = " with a token" if hands_over(event) else ""
            yield f"history {name} {event['id']} {event['type']}{exception}", event


def hands_over(event: dict[str, Any]) -> bool:
    """Whether a history event is the one that gives a task its token."""
    details = event.get("taskScheduledEventDetails", {})
    return event["type"] in TOKEN_EVENTS and '"task_token"' in details.get("parameters", "")


def messages(stack: LocalStack) -> Iterator[tuple[str, str]]:
    """What stands in every queue, that of the topic's subscriber among them.

    Not in the one for comparisons that were never made: it holds them whole, and says so.
    """
    api = stack.emulator.client("sqs")
    urls = api.list_queues().get("QueueUrls", ())
    for url in (url for url in urls if "ShadowFailures" not in url):
        while found := api.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in found:
                api.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                yield f"queue {url.rpartition('/')[2]}", text_of(message["Body"])
