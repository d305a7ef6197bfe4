"""The checks before a launch, in the order in which they are shown."""

from typing import Final

from ops.checks import evidence, flags, parts, permissions, planned
from ops.checks.check import Check

ROLL_BACK: Final = "`rollout status`; wait for its end, or `rollout roll-back --why '…'`"
DEPLOY: Final = "deploy template.yaml again: `sam deploy`"

CHECKS: Final = (
    Check("resources", parts.resources, parts.weigh_resources, DEPLOY),
    Check("functions", parts.functions, parts.weigh_functions, DEPLOY),
    Check("state-machine", parts.machine, parts.weigh_machine, DEPLOY),
    Check("flag-free", flags.deployed, flags.weigh_holder, ROLL_BACK),
    Check("flag-at-zero", flags.served, flags.weigh_served, ROLL_BACK),
    Check(
        "flag-deployment",
        flags.flag_deployment,
        flags.weigh_flag_deployment,
        "wait until AppConfig has finished it, or `rollout roll-back --why '…'`",
    ),
    Check("executions", flags.running, flags.weigh_running, ROLL_BACK),
    Check("schedules", parts.scheduled, parts.weigh_scheduled, ROLL_BACK),
    Check("schedule-group", parts.schedule_group, parts.weigh_schedule_group, DEPLOY),
    Check(
        "alias-unweighted",
        flags.weighted,
        flags.weigh_weighted,
        "finish the code release, or take its weight from the alias",
    ),
    Check(
        "code-deployments",
        flags.code_deployments,
        flags.weigh_code_deployments,
        "wait for the code release in CodeDeploy, or stop it",
    ),
    Check(
        "alarm-ok",
        evidence.alarms,
        evidence.weigh_alarm_state,
        "a rollout does not start into an incident: see the alarm's history in CloudWatch",
    ),
    Check(
        "alarm-missing-data",
        evidence.alarms,
        evidence.weigh_missing_data,
        "set TreatMissingData to notBreaching, or a quiet night rolls back",
    ),
    Check(
        "candidate-answers",
        evidence.candidate,
        evidence.weigh_candidate,
        "the database, its secret, or the network: read the candidate's log group",
    ),
    Check(
        "candidate-table",
        evidence.candidate,
        evidence.weigh_table,
        "fill the table, or name a user whom it has: --user",
    ),
    Check(
        "comparator",
        evidence.comparator,
        evidence.weigh_comparator,
        "read the comparator's log group",
    ),
    Check(
        "rollback-drill",
        evidence.drill,
        evidence.weigh_drill,
        "`rollout preflight --plan PLAN --drill` drills it on a flag that exposes nobody; every "
        "launch does so by itself",
    ),
    Check(
        "permissions",
        permissions.roles,
        permissions.weigh,
        "deploy template.yaml as it is, or ask for iam:SimulatePrincipalPolicy",
    ),
    Check(
        "own-permissions",
        permissions.own,
        permissions.weigh,
        "you could not roll back yourself: ask for these rights, or be somebody who has them",
    ),
    Check(
        "guard-rules",
        parts.rules,
        parts.weigh_rules,
        "enable the rules in EventBridge: nobody would act on the alarm",
    ),
    Check(
        "dead-letters",
        parts.dead_letters,
        parts.weigh_dead_letters,
        "read what is in the queue, then purge it",
    ),
    Check("log-groups", parts.log_groups, parts.weigh_log_groups, DEPLOY),
    Check("dashboard", parts.dashboard, parts.weigh_dashboard, DEPLOY),
    Check(
        "notification",
        parts.subscriptions,
        parts.weigh_subscriptions,
        "deploy with NotificationEmail, or subscribe to the topic, and confirm the message",
    ),
    Check("clock", planned.clock, planned.weigh_clock, "set this machine's clock"),
    Check(
        "plan",
        planned.findings,
        planned.weigh_findings,
        "`rollout plan lint PLAN`, and name the plan here: --plan",
    ),
    Check(
        "traffic",
        planned.looks,
        planned.weigh_looks,
        "`rollout plan explain PLAN` says what would do; name plan and traffic: --plan, "
        "--requests-per-day",
    ),
)
