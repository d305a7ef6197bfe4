"""A deployed stack, found by its CloudFormation outputs, as the settings its functions have."""

from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from ops import refusals
from rollout.adapters.clients import client
from rollout.settings import Settings

DEFAULT_STACK: Final = "huntaze-prisma-skeleton"
# CloudFormation output -> environment variable of the functions.
SETTINGS: Final = {
    "FlagApplicationId": "APPCONFIG_APPLICATION_ID",
    "FlagEnvironmentId": "APPCONFIG_ENVIRONMENT_ID",
    "FlagProfileId": "APPCONFIG_PROFILE_ID",
    "FlagName": "FLAG_NAME",
    "RampStrategyId": "RAMP_STRATEGY_ID",
    "RollbackStrategyId": "ROLLBACK_STRATEGY_ID",
    "AlarmName": "ALARM_NAMES",
    "ScheduleGroupName": "SCHEDULE_GROUP",
    "MetricNamespace": "METRIC_NAMESPACE",
    "ServiceName": "SERVICE_NAME",
    "FlagPollSeconds": "FLAG_POLL_SECONDS",
    "TopicArn": "TOPIC_ARN",
    "ApprovalParameterPrefix": "APPROVAL_PARAMETER_PREFIX",
}


class StackError(RuntimeError):
    """The stack cannot be used; the message says why and what to do."""


@dataclass(frozen=True)
class Stack:
    """A stack's name and outputs."""

    name: str
    outputs: dict[str, str]

    @property
    def machine_arn(self) -> str:
        """The playbook's state machine."""
        return self.outputs["StateMachineArn"]

    def log_group(self, function: str) -> str:
        """Where Lambda logs for "Read", "Compare" …, as their outputs name the functions."""
        named = self.outputs.get(f"{function}FunctionName", f"{self.name}-{function.lower()}")
        return f"/aws/lambda/{named}"

    def settings(self) -> Settings:
        """What the functions of this stack read from their environment."""
        return Settings({env: self.outputs[name] for name, env in SETTINGS.items()})


def find(name: str) -> Stack:
    """The stack of that name in the account and region of the environment.

    Raises StackError when AWS cannot be asked or the stack is missing or not ours.
    """
    try:
        answer = client("cloudformation").describe_stacks(StackName=name)
    except ClientError as error:
        raise StackError(_explain(error, name)) from error
    except BotoCoreError as error:
        raise StackError(refusals.not_asked(error)) from error
    outputs = {o["OutputKey"]: o["OutputValue"] for o in answer["Stacks"][0].get("Outputs", ())}
    missing = [key for key in ("StateMachineArn", *SETTINGS) if key not in outputs]
    if missing:
        raise StackError(
            f"stack {name} has no output {missing[0]}: it is not a rollout stack, or an older "
            "one; deploy template.yaml, or give --stack"
        )
    return Stack(name, outputs)


def _explain(error: ClientError, name: str) -> str:
    said: Any = error.response["Error"]
    if "does not exist" in said.get("Message", ""):
        return (
            f"there is no stack {name} {refusals.where()}; deploy it (`sam deploy`), start a "
            "local one (`rollout local up`), or give --stack, --region or --endpoint-url"
        )
    return refusals.refused(error)
