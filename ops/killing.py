"""The kill switch: close the flag with AppConfig alone, and see that closed at the data plane.

No state machine, no schedule and no alarm is asked first; CloudFormation only for ids, and only as
long as it answers at once.
"""

import time
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from ops.deployed import StackError
from rollout.adapters.alarms import CloudWatchAlarms
from rollout.adapters.clients import client, quick_client
from rollout.adapters.closing import KILL, REFUSED, Planes, close, needs_closing, note, verified
from rollout.adapters.flag_reader import ServedFlag
from rollout.adapters.flags import AppConfigFlags
from rollout.domain.errors import InvalidInputError
from rollout.settings import Settings

# CloudFormation and CloudWatch are only asked for what helps.
PATIENCE_MS: Final = 2000
OUTPUTS: Final = {
    "FlagApplicationId": "APPCONFIG_APPLICATION_ID",
    "FlagEnvironmentId": "APPCONFIG_ENVIRONMENT_ID",
    "FlagProfileId": "APPCONFIG_PROFILE_ID",
    "RollbackStrategyId": "ROLLBACK_STRATEGY_ID",
    "FlagName": "FLAG_NAME",
    "AlarmName": "ALARM_NAMES",
}


@dataclass(frozen=True)
class Place:
    """Where the flag is: ids or names in AppConfig, "" for the template's default.

    strategy: "" for the stack's. Any of the first four given, CloudFormation is not asked.
    """

    application: str = ""
    environment: str = ""
    profile: str = ""
    strategy: str = ""
    flag: str = ""

    @property
    def given(self) -> bool:
        """Whether somebody has said where."""
        return any((self.application, self.environment, self.profile, self.strategy))


def kill(stack: str, place: Place, who: str, why: str) -> dict[str, Any]:
    """Close the flag, whoever holds it, and see at the data plane that the control serves everyone.

    Needs permissions on AppConfig alone. Returns {"word": "KILLED", "changed", "holder": whose
    flag it was, "exposure_bps": 0, "by", "why", "found_by": "stack" or "names", "seconds"}. Raises
    NotRolledBackError, StackError, InvalidInputError.
    """
    started = time.monotonic()
    outputs = {} if place.given else _outputs(stack)
    known = Settings(outputs or _by_names(stack, place))
    flags = AppConfigFlags.connect(known)
    planes = Planes(flags, ServedFlag(client("appconfigdata"), known))
    before = flags.current(ours=True)
    changed = needs_closing(before)
    alarms = CloudWatchAlarms(quick_client("cloudwatch", PATIENCE_MS), known.words("ALARM_NAMES"))
    if changed:
        _close(before, note(KILL, before.flag.rollout_id, f"{who}: {why}"), planes, alarms)
    exposure = verified(planes)
    return {
        "word": "KILLED",
        "changed": changed,
        "holder": before.flag.rollout_id,
        "exposure_bps": exposure,
        "by": who,
        "why": why,
        "found_by": "stack" if outputs else "names",
        "seconds": round(time.monotonic() - started, 3),
    }


def _close(before: Any, note: str, planes: Planes, alarms: CloudWatchAlarms) -> None:
    """The alarm is silenced only once it has undone a deployment, and speaks again afterwards."""
    undone: list[bool] = []

    def silence() -> None:
        undone.append(_tried(alarms.silence))

    try:
        close(before, note, planes, silence)
    finally:
        if undone:
            _tried(alarms.restore)


def _tried(do: Any) -> bool:
    try:
        do()
    except REFUSED:
        return False
    return True


def _outputs(stack: str) -> dict[str, str]:
    """The stack's ids; {} when CloudFormation does not answer at once."""
    try:
        api = quick_client("cloudformation", PATIENCE_MS)
        found = api.describe_stacks(StackName=stack)["Stacks"][0].get("Outputs", ())
    except ClientError as error:
        if "does not exist" not in error.response["Error"].get("Message", ""):
            return {}
        raise StackError(
            f"there is no stack {stack}; give --stack, --region or --endpoint-url, or say where "
            "the flag is: --application, --environment, --config-profile, --strategy"
        ) from error
    except BotoCoreError:
        return {}
    values = {item["OutputKey"]: item["OutputValue"] for item in found}
    return {env: values[name] for name, env in OUTPUTS.items() if name in values}


def _by_names(stack: str, place: Place) -> dict[str, str]:
    """The ids of what bears the names, or the ids, that were given."""
    application = _one("application", "list_applications", place.application or "huntaze-flags")
    there = {"ApplicationId": application}
    return {
        "APPCONFIG_APPLICATION_ID": application,
        "APPCONFIG_ENVIRONMENT_ID": _one(
            "environment", "list_environments", place.environment or "production", **there
        ),
        "APPCONFIG_PROFILE_ID": _one(
            "config-profile",
            "list_configuration_profiles",
            place.profile or "feature-flags",
            **there,
        ),
        "ROLLBACK_STRATEGY_ID": _one(
            "strategy", "list_deployment_strategies", place.strategy or f"{stack}-rollback"
        ),
        "FLAG_NAME": place.flag or "prismaAdapter",
    }


def _one(option: str, operation: str, wanted: str, **given: str) -> str:
    """The id of the only one whose id or name is `wanted`."""
    pages = client("appconfig").get_paginator(operation).paginate(**given)
    items = [item for page in pages for item in page["Items"]]
    found = [item["Id"] for item in items if wanted in (item["Id"], item.get("Name"))]
    if len(found) == 1:
        return str(found[0])
    there = ", ".join(f"{item['Id']} ({item.get('Name', '')})" for item in items) or "none"
    raise InvalidInputError(
        field=f"--{option}",
        value=wanted,
        expected="the id or the name of one of these in AppConfig",
        remedy=f"There are: {there}.",
    )
