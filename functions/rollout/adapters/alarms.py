"""CloudWatch alarms: which ring, and how to keep one from undoing a rollback."""

from dataclasses import dataclass
from typing import Any, Protocol, Self

from rollout.adapters.clients import client
from rollout.settings import Settings, settings


class Alarms(Protocol):
    """The port: states by name, and silencing."""

    def states(self) -> dict[str, str]: ...
    def silence(self) -> None: ...
    def restore(self) -> None: ...


@dataclass(frozen=True)
class CloudWatchAlarms:
    """The alarms the template names."""

    api: Any
    names: tuple[str, ...]

    @classmethod
    def connect(cls, known: Settings | None = None) -> Self:
        """From the environment variables of the function."""
        return cls(client("cloudwatch"), (known or settings()).words("ALARM_NAMES"))

    def states(self) -> dict[str, str]:
        """name -> OK, ALARM or INSUFFICIENT_DATA; MISSING for a name that is no alarm.

        SILENCED is an alarm that is OK, but whose actions are off: nobody would hear it.
        """
        if not self.names:
            return {}
        answer = self.api.describe_alarms(
            AlarmNames=list(self.names), AlarmTypes=["MetricAlarm", "CompositeAlarm"]
        )
        found = (*answer.get("MetricAlarms", ()), *answer.get("CompositeAlarms", ()))
        states = {alarm["AlarmName"]: _state(alarm) for alarm in found}
        return {name: states.get(name, "MISSING") for name in self.names}

    def silence(self) -> None:
        """Alarm actions off: AppConfig ignores a monitor whose actions are disabled.

        Otherwise the alarm that called for the rollback rolls the rollback itself back.
        Source: AWS AppConfig user guide, "Monitoring deployments for automatic rollback".
        """
        if self.names:
            self.api.disable_alarm_actions(AlarmNames=list(self.names))

    def restore(self) -> None:
        """Alarm actions on again, also those that a sandbox which died has left off."""
        if self.names:
            self.api.enable_alarm_actions(AlarmNames=list(self.names))


def _state(alarm: dict[str, Any]) -> str:
    silenced = alarm["StateValue"] == "OK" and not alarm.get("ActionsEnabled", True)
    return "SILENCED" if silenced else str(alarm["StateValue"])
