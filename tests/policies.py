"""What the roles of the template are allowed, read as data, and what of it a rehearsal shows."""

from pathlib import Path
from typing import Any, Final

from tests.functional.test_template import RESOURCES

# Those of every stack. What a parameter has to ask for first is compared with what its function
# does in tests/functional/test_roles.py only, because no rehearsal has it.
ROLES = [
    name
    for name, resource in RESOURCES.items()
    if resource["Type"] == "AWS::IAM::Role" and "Condition" not in resource
]
RECORDED: Final = Path(__file__).with_name("calls.json")

# IAM in the emulator leaves the flag's data plane open, so no call of it is recorded there.
UNDECIDED: Final = {"appconfig:StartConfigurationSession", "appconfig:GetLatestConfiguration"}

# Role -> action -> why neither of the two stories of a rehearsal shows it. Each is shown by the
# function itself against AWS in memory (tests/functional/test_calls.py).
CLOSING: Final = "no event reaches it: each execution of a rehearsal ends by itself"
LOOKING: Final = "it looks every five minutes, and finds somebody who drives the rollout"
UNDOING: Final = {
    "appconfig:CreateHostedConfigurationVersion",
    "appconfig:GetDeployment",
    "appconfig:GetHostedConfigurationVersion",
    "appconfig:ListDeployments",
    "appconfig:StartDeployment",
    "appconfig:StopDeployment",
    "cloudwatch:DescribeAlarms",
    "cloudwatch:DisableAlarmActions",
    "cloudwatch:EnableAlarmActions",
    "scheduler:DeleteSchedule",
    "scheduler:ListSchedules",
    "sns:Publish",
    "ssm:DeleteParameter",
}
RELEASING: Final = "no code is released in a rehearsal, and the emulator has no CodeDeploy"
TRYING: Final = {
    "appconfig:GetHostedConfigurationVersion",
    "appconfig:ListDeployments",
    "codedeploy:PutLifecycleEventHookExecutionStatus",
    "lambda:GetAlias",
    "lambda:InvokeFunction",
    "lambda:ListVersionsByFunction",
}
NOT_REHEARSED: Final[dict[str, dict[str, str]]] = {
    "AskAPersonRole": {
        "sns:Publish": "nobody is asked; the stories about approval do",
        "ssm:PutParameter": "nobody is asked; the stories about approval do",
    },
    "RollBackRole": {
        "appconfig:StopDeployment": "no deployment bakes in a rehearsal",
        "cloudwatch:DisableAlarmActions": "the judge is sure before the alarm rings",
        "scheduler:DeleteSchedule": "it fails in a phase, when nothing is scheduled",
    },
    "CleanupRole": {"scheduler:DeleteSchedule": "each schedule has fired before"},
    "CandidateRole": {"secretsmanager:GetSecretValue": "DatabaseUrl is given in its place"},
    "GuardRole": dict.fromkeys(UNDOING, CLOSING),
    "BeforeTrafficRole": dict.fromkeys(TRYING, RELEASING),
    "WatchdogRole": dict.fromkeys(
        {*UNDOING, "states:ListExecutions", "states:DescribeExecution"}, LOOKING
    ),
}

LOG: Final = dict.fromkeys(("logs:CreateLogStream", "logs:PutLogEvents"), "Lambda writes the log")
DELIVERY: Final = "Step Functions sets up the delivery of its log"
# Role -> action -> which service acts with it. Nothing of this is a call of our code.
BY_SERVICES: Final[dict[str, dict[str, str]]] = {
    **{
        name: dict(LOG)
        for name in ROLES
        if name not in ("FlagAlarmRole", "PlaybookRole", "ReleaseRole", "SchedulerRole")
    },
    "ScheduleNextRole": {**LOG, "iam:PassRole": "asked for by CreateSchedule"},
    "CompareRole": {**LOG, "sqs:SendMessage": "Lambda keeps the comparison that was never made"},
    "GuardRole": {**LOG, "sqs:SendMessage": "Lambda keeps the event that the guard gave up"},
    "FlagAlarmRole": {"cloudwatch:DescribeAlarms": "AppConfig watches the alarm"},
    "SchedulerRole": {
        "states:StartExecution": "EventBridge Scheduler starts the next step",
        "sqs:SendMessage": "EventBridge Scheduler keeps the step that it could not start",
    },
    "PlaybookRole": {
        "lambda:InvokeFunction": "Step Functions invokes the functions",
        **dict.fromkeys(
            (
                "logs:CreateLogDelivery",
                "logs:CreateLogStream",
                "logs:GetLogDelivery",
                "logs:UpdateLogDelivery",
                "logs:DeleteLogDelivery",
                "logs:ListLogDeliveries",
                "logs:PutLogEvents",
                "logs:PutResourcePolicy",
                "logs:DescribeResourcePolicies",
                "logs:DescribeLogGroups",
            ),
            DELIVERY,
        ),
    },
}


def statements(role: str) -> list[dict[str, Any]]:
    """Of a role by its logical id, with those of the managed policies that it names."""
    properties = RESOURCES[role]["Properties"]
    managed = [
        RESOURCES[arn["Ref"]]["Properties"]
        for arn in properties.get("ManagedPolicyArns", ())
        if "Ref" in arn  # the others are AWS's own
    ]
    return [
        statement
        for policy in (*managed, *properties.get("Policies", ()))
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def role_actions(role: str) -> set[str]:
    """The actions that a role is allowed on anything."""
    return {action for statement in statements(role) for action in listed(statement["Action"])}


def resources(role: str, action: str) -> list[Any]:
    """The resources, as the template has them, on which a role is allowed an action."""
    return [
        resource
        for statement in statements(role)
        if action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    ]


def listed(value: Any) -> list[Any]:
    """One or several, as a list."""
    return value if isinstance(value, list) else [value]


def role_of(function: str) -> str:
    """The logical id of a function's role."""
    return str(RESOURCES[function]["Properties"]["Role"]["Fn::GetAtt"][0])


def unused(role: str, calls: list[dict[str, Any]]) -> set[str]:
    """What a role may do that it did not, and that is not excepted with a reason."""
    done = {call["action"] for call in calls if call["role"] == role}
    excepted = {*NOT_REHEARSED.get(role, {}), *BY_SERVICES.get(role, {}), *UNDECIDED}
    return role_actions(role) - done - excepted
