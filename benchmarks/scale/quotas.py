"""Quotas of AWS by default in us-east-1, each with its source, and the bucket they are kept with.

Looked up on 2026-11-24. Where a page gives only a rate, the bucket holds one second of it.
"""

from dataclasses import dataclass, field
from typing import Final

APPCONFIG: Final = "AWS General Reference, AWS AppConfig endpoints and quotas"
STEP_FUNCTIONS: Final = "Step Functions developer guide, Step Functions service quotas"
CLOUDWATCH: Final = "AWS General Reference, Amazon CloudWatch endpoints and quotas"
LOGS: Final = "AWS General Reference, Amazon CloudWatch Logs endpoints and quotas"
SCHEDULER: Final = "EventBridge Scheduler user guide, Quotas"
LAMBDA: Final = "Lambda developer guide, quotas and Lambda scaling behavior"
IAM: Final = "IAM user guide, quotas"


@dataclass(frozen=True)
class Quota:
    """So many a second, or at once. burst: what may come at once. raised: whether AWS raises it."""

    name: str
    default: float
    source: str
    burst: float = 0.0
    raised: bool = True


# Calls of the machine to services, by the action that botocore names.
LISTS: Final = Quota("AppConfig List* a second", 10, APPCONFIG, raised=False)
GETS: Final = Quota("AppConfig Get* a second", 100, APPCONFIG, raised=False)
CREATES: Final = Quota("AppConfig Create* a second", 10, APPCONFIG, raised=False)
DEPLOYS: Final = Quota("StartDeployment a second", 10, APPCONFIG, raised=False)
STOPS: Final = Quota("StopDeployment a second", 10, APPCONFIG, raised=False)
SESSIONS: Final = Quota("StartConfigurationSession a second", 500, APPCONFIG)
POLLS: Final = Quota("GetLatestConfiguration a second", 1000, APPCONFIG)
METRIC_CALLS: Final = Quota("GetMetricData a second", 500, CLOUDWATCH)
ALARMS: Final = Quota("DescribeAlarms a second", 9, CLOUDWATCH)
ENABLES: Final = Quota("EnableAlarmActions a second", 3, CLOUDWATCH, raised=False)
DISABLES: Final = Quota("DisableAlarmActions a second", 3, CLOUDWATCH, raised=False)
SCHEDULES: Final = Quota("CreateSchedule a second", 5000, SCHEDULER)
CALLS: Final = {
    "appconfig:list_deployments": LISTS,
    "appconfig:get_deployment": GETS,
    "appconfig:get_hosted_configuration_version": GETS,
    "appconfig:create_hosted_configuration_version": CREATES,
    "appconfig:start_deployment": DEPLOYS,
    "appconfig:stop_deployment": STOPS,
    "appconfigdata:start_configuration_session": SESSIONS,
    "appconfigdata:get_latest_configuration": POLLS,
    "cloudwatch:get_metric_data": METRIC_CALLS,
    "cloudwatch:describe_alarms": ALARMS,
    "cloudwatch:enable_alarm_actions": ENABLES,
    "cloudwatch:disable_alarm_actions": DISABLES,
    "scheduler:create_schedule": SCHEDULES,
}
# Not calls of the machine's own functions.
STARTS: Final = Quota("StartExecution a second", 300, STEP_FUNCTIONS, burst=1300)
TRANSITIONS: Final = Quota("state transitions a second", 5000, STEP_FUNCTIONS)
FIRINGS: Final = Quota("Scheduler invocations a second", 1000, SCHEDULER)
POINTS: Final = Quota(
    "GetMetricData points a second, older than 3 h", 396_000, CLOUDWATCH, raised=False
)
RECEIVED: Final = Quota("configurations received a day", 1_000_000, APPCONFIG)
SANDBOXES: Final = Quota("Lambda sandboxes at once", 1000, LAMBDA)
# Each function alone: so many more sandboxes in ten seconds, refilled all the time.
SANDBOXES_MORE: Final = Quota("new sandboxes a second", 100, LAMBDA, burst=1000, raised=False)
# A sandbox takes no more, however short its reads are.
READS_A_SANDBOX: Final = 10
# A sandbox's lines are sent together, of one log stream; how often is not documented.
LOG_CALLS: Final = Quota("PutLogEvents a second", 5000, LOGS)
# By resource of the template.
RESOURCES: Final = {
    "AWS::AppConfig::DeploymentStrategy": Quota("deployment strategies", 20, APPCONFIG),
    "AWS::IAM::Role": Quota("roles", 1000, IAM),
    "AWS::AppConfig::Application": Quota("AppConfig applications", 100, APPCONFIG),
    "AWS::IAM::ManagedPolicy": Quota("managed policies", 1500, IAM),
}


@dataclass
class Bucket:
    """The token bucket of a quota. refused: how many were."""

    quota: Quota
    tokens: float = field(init=False)
    at: float = 0.0
    taken: int = 0
    refused: int = 0

    def __post_init__(self) -> None:
        self.size = self.quota.burst or self.quota.default
        self.tokens = self.size

    def take(self, now: float, many: float = 1.0) -> bool:
        """Whether so many are left at second `now`; asked in order of time."""
        self.tokens = min(self.size, self.tokens + (now - self.at) * self.quota.default)
        self.at = now
        if self.tokens + 1e-9 < many:
            self.refused += 1
            return False
        self.tokens -= many
        self.taken += 1
        return True
