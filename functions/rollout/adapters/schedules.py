"""One-time EventBridge Scheduler schedules that start the next step of a rollout."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol, Self

from botocore.exceptions import ClientError

from rollout.adapters.clients import client
from rollout.settings import Settings, settings


class Schedules(Protocol):
    """The port: create one, name a rollout's, delete a rollout's."""

    def create(self, name: str, at: float, machine_arn: str, document: dict[str, Any]) -> None: ...
    def names(self, prefix: str) -> list[str]: ...
    def delete(self, prefix: str) -> list[str]: ...


@dataclass(frozen=True)
class SchedulerSchedules:
    """Schedules in the stack's group."""

    api: Any
    group: str
    role_arn: str
    dead_letter_arn: str

    @classmethod
    def connect(cls, known: Settings | None = None) -> Self:
        """From the environment variables of the function."""
        known = known or settings()
        return cls(
            client("scheduler"),
            known.text("SCHEDULE_GROUP"),
            known.optional("SCHEDULER_ROLE_ARN"),
            known.optional("SCHEDULE_DLQ_ARN"),
        )

    def create(self, name: str, at: float, machine_arn: str, document: dict[str, Any]) -> None:
        """Start an execution of the machine with `document` at epoch second `at`, once.

        A schedule of that name left by a lost answer is the one wanted, and is kept.
        """
        target = {
            "Arn": machine_arn,
            "RoleArn": self.role_arn,
            "Input": json.dumps(document),
            "RetryPolicy": {"MaximumRetryAttempts": 10, "MaximumEventAgeInSeconds": 3600},
        }
        if self.dead_letter_arn:
            target["DeadLetterConfig"] = {"Arn": self.dead_letter_arn}
        try:
            self.api.create_schedule(
                Name=name,
                GroupName=self.group,
                ScheduleExpression=f"at({datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%S})",
                ScheduleExpressionTimezone="UTC",
                FlexibleTimeWindow={"Mode": "OFF"},
                ActionAfterCompletion="DELETE",
                Target=target,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConflictException":
                raise

    def names(self, prefix: str) -> list[str]:
        """The names of the pending schedules that start with `prefix`."""
        pages = self.api.get_paginator("list_schedules").paginate(
            GroupName=self.group, NamePrefix=prefix
        )
        return [item["Name"] for page in pages for item in page["Schedules"]]

    def delete(self, prefix: str) -> list[str]:
        """Delete the pending schedules whose name starts with `prefix`; returns their names."""
        names = self.names(prefix)
        for name in names:
            self._delete(name)
        return names

    def _delete(self, name: str) -> None:
        try:
            self.api.delete_schedule(GroupName=self.group, Name=name)
        except ClientError as error:
            # It fired, and deleted itself, meanwhile.
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
