"""Whether the parts of the template stand, and can be heard: what is deployed, not what it does."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ops.checks.check import Answer, failed, passed, unknown
from ops.checks.site import Site
from ops.local.lacking import ABSENT
from ops.plans.alarm import TEMPLATE
from ops.templates import read_template
from rollout.adapters.clients import client

SHOWN: Final = 3
STANDS: Final = (
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "IMPORT_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
)


def some(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def resources(site: Site) -> tuple[Mapping[str, str], list[str]]:
    """(logical id -> status, the logical ids of the template that stand whatever its parameters).

    A local stack is measured without what the emulator lacks.
    """
    template = read_template(TEMPLATE)["Resources"] if TEMPLATE.exists() else {}
    absent = ABSENT if os.environ.get("AWS_ENDPOINT_URL") else {}
    wanted = [
        name
        for name, item in template.items()
        if "Condition" not in item and item["Type"] not in absent
    ]
    return {name: item["ResourceStatus"] for name, item in site.resources.items()}, wanted


def weigh_resources(facts: tuple[Mapping[str, str], list[str]]) -> Answer:
    statuses, wanted = facts
    broken = [f"{name} is {status}" for name, status in statuses.items() if status not in STANDS]
    missing = [f"{name} is missing" for name in wanted if name not in statuses]
    if broken or missing:
        return failed(some([*missing, *broken]))
    if not wanted:
        return unknown(f"{len(statuses)} stand, but template.yaml is not here to compare with")
    return passed(f"all {len(wanted)} of the template, {len(statuses)} in the stack")


def machine(site: Site) -> str:
    answer = client("stepfunctions").describe_state_machine(stateMachineArn=site.stack.machine_arn)
    return str(answer["status"])


def weigh_machine(status: str) -> Answer:
    return passed("ACTIVE") if status == "ACTIVE" else failed(f"the state machine is {status}")


def functions(site: Site) -> dict[str, tuple[str, str]]:
    """Function -> (state, status of the last update)."""
    found = {}
    for name in site.of_type("AWS::Lambda::Function").values():
        known = client("lambda").get_function_configuration(FunctionName=name)
        found[name] = (known.get("State", "Active"), known.get("LastUpdateStatus", "Successful"))
    return found


def weigh_functions(found: Mapping[str, tuple[str, str]]) -> Answer:
    # Inactive is a function that slept; it wakes at the first call.
    awake = {("Active", "Successful"), ("Inactive", "Successful")}
    odd = [f"{name} is {' and '.join(said)}" for name, said in found.items() if said not in awake]
    if odd or not found:
        return failed(some(odd) or "the stack has no function")
    return passed(f"{len(found)} functions can run")


def schedule_group(site: Site) -> str:
    name = site.stack.outputs["ScheduleGroupName"]
    return str(client("scheduler").get_schedule_group(Name=name)["State"])


def weigh_schedule_group(state: str) -> Answer:
    return passed("ACTIVE") if state == "ACTIVE" else failed(f"the schedule group is {state}")


def scheduled(site: Site) -> list[str]:
    pages = client("scheduler").get_paginator("list_schedules")
    group = site.stack.outputs["ScheduleGroupName"]
    return [item["Name"] for page in pages.paginate(GroupName=group) for item in page["Schedules"]]


def weigh_scheduled(names: Sequence[str]) -> Answer:
    return failed(f"still scheduled: {some(list(names))}") if names else passed("nothing")


def log_groups(site: Site) -> dict[str, int | None]:
    """Log group of the stack -> days that it keeps lines, None for ever; -1 when it is missing."""
    pages = client("logs").get_paginator("describe_log_groups")
    wanted = set(site.of_type("AWS::Logs::LogGroup").values())
    known = {
        group["logGroupName"]: group.get("retentionInDays")
        for page in pages.paginate()
        for group in page["logGroups"]
    }
    return {name: known.get(name, -1) for name in sorted(wanted)}


def weigh_log_groups(found: Mapping[str, int | None]) -> Answer:
    odd = [f"{name} is missing" for name, days in found.items() if days == -1]
    odd += [f"{name} keeps lines for ever" for name, days in found.items() if days is None]
    if odd or not found:
        return failed(some(odd) or "the stack has no log group")
    return passed(f"{len(found)} log groups, {min(d for d in found.values() if d)} days or more")


def dashboard(site: Site) -> str:
    name = site.physical("Dashboard")
    return str(client("cloudwatch").get_dashboard(DashboardName=name)["DashboardBody"])


def weigh_dashboard(body: str) -> Answer:
    return passed("it is there") if '"widgets"' in body else failed("it shows nothing")


def subscriptions(site: Site) -> list[tuple[str, bool]]:
    """(protocol, whether it is confirmed) of everything subscribed to the topic."""
    pages = client("sns").get_paginator("list_subscriptions_by_topic")
    return [
        (item["Protocol"], item["SubscriptionArn"].startswith("arn:"))
        for page in pages.paginate(TopicArn=site.stack.outputs["TopicArn"])
        for item in page["Subscriptions"]
    ]


def weigh_subscriptions(found: Sequence[tuple[str, bool]]) -> Answer:
    confirmed = [protocol for protocol, sure in found if sure]
    if confirmed:
        return passed(f"{len(confirmed)} confirmed: {some(confirmed)}")
    if found:
        return failed(f"{len(found)} subscribed, none has confirmed")
    return failed("nobody is subscribed: no message and no question would reach anybody")


def rules(site: Site) -> dict[str, str]:
    """EventBridge rule of the stack -> ENABLED or DISABLED."""
    names = site.of_type("AWS::Events::Rule")
    # CloudFormation names a rule by its name, or by bus and name.
    return {
        logical: client("events").describe_rule(Name=name.rpartition("|")[2])["State"]
        for logical, name in names.items()
    }


def weigh_rules(found: Mapping[str, str]) -> Answer:
    off = [f"{name} is {state}" for name, state in found.items() if state != "ENABLED"]
    if off or not found:
        return failed(some(off) or "the stack has no rule")
    return passed(f"{len(found)} rules are on")


def dead_letters(site: Site) -> dict[str, int]:
    """Queue for what failed -> messages in it."""
    found = {}
    for logical, url in site.of_type("AWS::SQS::Queue").items():
        known: Any = client("sqs").get_queue_attributes(
            QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"]
        )
        found[logical] = int(known["Attributes"]["ApproximateNumberOfMessages"])
    return found


def weigh_dead_letters(found: Mapping[str, int]) -> Answer:
    left = [f"{name} has {count}" for name, count in found.items() if count]
    if left:
        return failed(f"something failed and nobody looked: {some(left)}")
    return passed(f"{len(found)} queues are empty")
