"""Whether IAM would let the roles, and whoever asks, do what a rollout needs, by its own simulator.

Asked are the calls without which a rollout could not be ended, then those it needs to go on. The
simulator knows the policies of a principal, not those of an organisation.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from ops.checks.check import Answer, failed, passed, unknown
from ops.checks.parts import some
from ops.checks.site import Site
from rollout.adapters.clients import client

ALLOWED: Final = "allowed"
# Role -> what it must be allowed, as action and resource; a resource is resolved by _arn.
NEEDED: Final = (
    ("RollBackRole", "appconfig:StartDeployment", "environment"),
    ("RollBackRole", "appconfig:StartDeployment", "rollback-strategy"),
    ("RollBackRole", "appconfig:StopDeployment", "environment"),
    ("RollBackRole", "appconfig:CreateHostedConfigurationVersion", "profile"),
    ("RollBackRole", "appconfig:GetLatestConfiguration", "configuration"),
    ("RollBackRole", "cloudwatch:DisableAlarmActions", "alarm"),
    ("GuardRole", "appconfig:StartDeployment", "environment"),
    ("GuardRole", "sns:Publish", "topic"),
    ("WatchdogRole", "appconfig:StartDeployment", "environment"),
    ("PlaybookRole", "lambda:InvokeFunction", "roll-back"),
    ("SetExposureRole", "appconfig:StartDeployment", "ramp-strategy"),
    ("EvaluateRole", "cloudwatch:GetMetricData", "any"),
    ("ScheduleNextRole", "scheduler:CreateSchedule", "schedule"),
    ("SchedulerRole", "states:StartExecution", "machine"),
    ("ReadRole", "lambda:InvokeFunction", "candidate"),
    ("ReadRole", "appconfig:GetLatestConfiguration", "configuration"),
    ("CompareRole", "lambda:InvokeFunction", "candidate"),
    ("NotifyRole", "sns:Publish", "topic"),
)
# What `rollout roll-back` calls as whoever types it.
OWN: Final = (
    ("appconfig:StartDeployment", "environment"),
    ("appconfig:StopDeployment", "environment"),
    ("appconfig:CreateHostedConfigurationVersion", "profile"),
    ("appconfig:GetLatestConfiguration", "configuration"),
    ("states:StopExecution", "executions"),
    ("scheduler:DeleteSchedule", "schedule"),
)


def _arn(site: Site, word: str) -> str:
    """The resource that a word in the tables stands for."""
    known = site.stack.outputs
    application = f"application/{known['FlagApplicationId']}"
    environment = f"{application}/environment/{known['FlagEnvironmentId']}"
    profile = known["FlagProfileId"]
    group = known["ScheduleGroupName"]
    machine = known["StateMachineArn"]
    found = {
        "any": "*",
        "environment": site.arn("appconfig", environment),
        "profile": site.arn("appconfig", f"{application}/configurationprofile/{profile}"),
        "configuration": site.arn("appconfig", f"{environment}/configuration/{profile}"),
        "ramp-strategy": _strategy(site, "RampStrategyId"),
        "rollback-strategy": _strategy(site, "RollbackStrategyId"),
        "alarm": site.arn("cloudwatch", f"alarm:{known['AlarmName']}"),
        "topic": known["TopicArn"],
        "roll-back": site.arn("lambda", f"function:{known['RollBackFunctionName']}"),
        "schedule": site.arn("scheduler", f"schedule/{group}/preflight"),
        "machine": machine,
        "executions": f"{machine.replace(':stateMachine:', ':execution:')}:preflight",
        "candidate": known["CandidateAliasArn"],
    }
    return found[word]


def _strategy(site: Site, output: str) -> str:
    return site.arn("appconfig", f"deploymentstrategy/{site.stack.outputs[output]}")


def roles(site: Site) -> list[tuple[str, str, str]]:
    """(role, action, IAM's decision) of everything needed."""
    return [
        (role, action, _decision(site, _role(site, role), action, on))
        for role, action, on in NEEDED
    ]


def _role(site: Site, logical_id: str) -> str:
    return site.arn("iam", f"role/{site.physical(logical_id)}", region=False)


def _decision(site: Site, principal: str, action: str, resource: str) -> str:
    answer = client("iam").simulate_principal_policy(
        PolicySourceArn=principal, ActionNames=[action], ResourceArns=[_arn(site, resource)]
    )
    return str(answer["EvaluationResults"][0]["EvalDecision"])


def own(site: Site) -> list[tuple[str, str, str]]:
    """The same of whoever asks; one pair ("root", …) for the account itself."""
    arn = str(client("sts").get_caller_identity()["Arn"])
    principal = _principal(arn)
    if principal.endswith(":root"):
        return [("root", "everything", ALLOWED)]
    name = principal.rpartition("/")[2]
    return [(name, action, _decision(site, principal, action, on)) for action, on in OWN]


def _principal(arn: str) -> str:
    """The role behind a session; users and the account itself are principals as they are.

    The path of a role is not in its sessions' ARN; a role with one cannot be found this way.
    """
    head, _, tail = arn.partition(":assumed-role/")
    if not tail:
        return arn
    return f"{head.replace(':sts:', ':iam:')}:role/{tail.split('/')[0]}"


def weigh(found: Sequence[tuple[str, str, str]]) -> Answer:
    refused = list(_refused(found))
    if refused:
        return failed(f"IAM would refuse {some(refused)}")
    return passed(f"{len(found)} calls simulated") if found else unknown("nothing to simulate")


def _refused(found: Sequence[tuple[str, str, str]]) -> Iterator[str]:
    for who, action, decision in found:
        if decision != ALLOWED:
            yield f"{who} {action} ({decision})"
