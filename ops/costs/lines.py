"""From counts to a bill: a line for each thing that AWS charges for.

How long functions run and how long lines are is a guess, named here; the counts are not.
"""

from dataclasses import asdict, dataclass
from typing import Any, Final

from ops.costs import prices
from ops.costs.usage import Deployment, Usage

# GB-seconds of one invocation: memory by the template, times a guessed duration.
READ_GB_S: Final = 0.5 * 0.010
CANDIDATE_GB_S: Final = 0.5 * 0.020
COMPARE_GB_S: Final = 0.25 * 0.060
STEP_GB_S: Final = 0.25 * 1.0
EVALUATE_GB_S: Final = 1.0 * 3.0
WATCHDOG_GB_S: Final = 0.25 * 1.0
# Bytes of a read's lines in CloudWatch: ours, and START, END and REPORT.
PLATFORM_BYTES: Final = 350
READ_BYTES: Final = 900 + PLATFORM_BYTES
CANDIDATE_BYTES: Final = 120 + PLATFORM_BYTES
COMPARE_BYTES: Final = 900 + PLATFORM_BYTES
STEP_BYTES: Final = 400 + PLATFORM_BYTES
# Series in CloudWatch: four for each arm, five for the shadow; then what each tenant adds.
ARM_METRICS, SHADOW_METRICS, TENANT_METRICS = 8, 5, 8
ALARM_METRICS: Final = 2
WATCHDOG_SECONDS: Final = 300
# What the roles of the template call, and the line it is in; "" is free.
CHARGED: Final = {
    "appconfig:CreateHostedConfigurationVersion": "",
    "appconfig:GetDeployment": "",
    "appconfig:GetHostedConfigurationVersion": "",
    "appconfig:GetLatestConfiguration": "documents received",
    "appconfig:ListDeployments": "",
    "appconfig:StartConfigurationSession": "documents asked for",
    "appconfig:StartDeployment": "",
    "appconfig:StopDeployment": "",
    # Requests to CloudWatch's API cost 0.01 a thousand after the first million of a month.
    "cloudwatch:DescribeAlarms": "",
    "cloudwatch:DisableAlarmActions": "",
    "cloudwatch:EnableAlarmActions": "",
    "cloudwatch:GetMetricData": "metrics asked for",
    "lambda:GetAlias": "",
    "lambda:InvokeFunction": "steps of the playbook",
    "logs:CreateLogStream": "",
    "logs:PutLogEvents": "GB ingested",
    "scheduler:CreateSchedule": "steps started",
    "scheduler:DeleteSchedule": "",
    "scheduler:ListSchedules": "",
    "sns:Publish": "messages",
    # Standard parameters.
    "ssm:DeleteParameter": "",
    "ssm:GetParameter": "",
    "ssm:PutParameter": "",
    "states:DescribeExecution": "",
    "states:ListExecutions": "",
    "states:StartExecution": "state transitions",
}
LOG_MONTHS: Final = 1

ROLLOUT, READS, MONTH = "the rollout", "reads meanwhile", "a month"


@dataclass(frozen=True)
class Line:
    """quantity times price is cost, USD. of: ROLLOUT, READS (with or without it) or MONTH."""

    of: str
    service: str
    what: str
    quantity: float
    price: float

    @property
    def cost(self) -> float:
        """USD."""
        return self.quantity * self.price

    def to_json(self) -> dict[str, Any]:
        """As JSON values, with the cost."""
        return {**asdict(self), "cost": self.cost}


def bill(used: Usage, deployed: Deployment) -> list[Line]:
    """What a rollout costs: first what it causes, then the reads meanwhile."""
    return [*_rollout(used, deployed), *_reads(used, deployed, READS)]


def _rollout(used: Usage, deployed: Deployment) -> list[Line]:
    of, months = ROLLOUT, used.seconds / prices.MONTH_SECONDS
    shadowing = used.compared + used.by_candidate
    gb_s = (
        (used.tasks - used.evaluations) * STEP_GB_S
        + used.evaluations * EVALUATE_GB_S
        + used.compared * (COMPARE_GB_S + CANDIDATE_GB_S)
        + used.by_candidate * CANDIDATE_GB_S
    )
    gb = (
        used.tasks * STEP_BYTES + used.compared * COMPARE_BYTES + shadowing * CANDIDATE_BYTES
    ) / prices.GB
    # From Start to the first state, between states, and from the last to End: one more than states.
    transitions = used.states + used.executions
    receiving = used.received + used.exposures * deployed.sandboxes
    series = SHADOW_METRICS + ARM_METRICS / 2 + TENANT_METRICS * used.tenants
    return [
        Line(of, "Step Functions", "state transitions", transitions, prices.STATE_TRANSITION),
        Line(of, "Lambda", "steps of the playbook", used.tasks, prices.LAMBDA_REQUEST),
        Line(of, "Lambda", "shadow comparisons", used.compared, prices.LAMBDA_REQUEST),
        Line(of, "Lambda", "reads of the candidate", shadowing, prices.LAMBDA_REQUEST),
        Line(of, "Lambda", "GB-seconds", gb_s, prices.LAMBDA_GB_SECOND),
        Line(of, "AppConfig", "documents received", receiving, prices.CONFIGURATION_RECEIVED),
        Line(of, "CloudWatch", "metrics asked for", used.metrics_asked, prices.METRIC_ASKED),
        Line(of, "CloudWatch", "metric months", series * months, prices.METRIC_MONTH),
        Line(of, "CloudWatch Logs", "GB ingested", gb, prices.LOG_GB_INGESTED),
        Line(of, "Scheduler", "steps started", used.executions - 1, prices.SCHEDULE_INVOCATION),
        Line(of, "SNS", "messages", used.messages, prices.SNS_PUBLISH + prices.SNS_EMAIL),
    ]


def _reads(used: Usage, deployed: Deployment, of: str) -> list[Line]:
    """The read path itself, and the control's metrics."""
    months = used.seconds / prices.MONTH_SECONDS
    polls = min(used.requests, deployed.sandboxes * used.seconds / deployed.poll_seconds)
    started = deployed.sandboxes * used.seconds / deployed.lives_seconds
    gb = used.requests * READ_BYTES / prices.GB
    traced = used.requests * deployed.traced
    return [
        Line(of, "Lambda", "reads", used.requests, prices.LAMBDA_REQUEST),
        Line(of, "Lambda", "GB-seconds", used.requests * READ_GB_S, prices.LAMBDA_GB_SECOND),
        Line(of, "AppConfig", "documents asked for", polls, prices.CONFIGURATION_REQUEST),
        Line(of, "AppConfig", "documents received", started, prices.CONFIGURATION_RECEIVED),
        Line(of, "CloudWatch", "metric months", ARM_METRICS / 2 * months, prices.METRIC_MONTH),
        Line(of, "CloudWatch Logs", "GB ingested", gb, prices.LOG_GB_INGESTED),
        Line(of, "CloudWatch Logs", "GB months", gb * LOG_MONTHS, prices.LOG_GB_MONTH),
        Line(of, "X-Ray", "traces", traced, prices.TRACE_RECORDED),
    ]


def month(requests_per_day: float, deployed: Deployment) -> list[Line]:
    """What the stack costs in a month in which nothing is rolled out."""
    days = prices.MONTH_SECONDS / 86400
    reads = Usage(seconds=prices.MONTH_SECONDS, requests=requests_per_day * days)
    looks = prices.MONTH_SECONDS / WATCHDOG_SECONDS
    of = MONTH
    return [
        Line(of, "CloudWatch", "dashboard", 1, prices.DASHBOARD_MONTH),
        Line(of, "CloudWatch", "metrics of the alarm", ALARM_METRICS, prices.ALARM_METRIC_MONTH),
        Line(of, "Lambda", "watchdog", looks, prices.LAMBDA_REQUEST),
        Line(of, "Lambda", "GB-seconds", looks * WATCHDOG_GB_S, prices.LAMBDA_GB_SECOND),
        Line(
            of,
            "CloudWatch Logs",
            "GB of the watchdog",
            looks * STEP_BYTES / prices.GB,
            prices.LOG_GB_INGESTED,
        ),
        Line(of, "Secrets Manager", "secret of the database", 1, prices.SECRET_MONTH),
        *_reads(reads, deployed, of),
    ]


def total(lines: list[Line], of: str = "") -> float:
    """USD of all lines, or of one part."""
    return sum(line.cost for line in lines if of in ("", line.of))
