"""The template, read as data: each function has its own role, log, limits, and what it reads."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest

from ops.deployed import SETTINGS
from ops.templates import read_template
from rollout.adapters import sources
from rollout.domain.definition import ATTRIBUTES
from rollout.domain.exposure import PATIENCE_SECONDS, POLLS
from rollout.domain.flag import CLOSED, parse_document, with_flag
from rollout.handlers import guard

ROOT = Path(__file__).parents[2]
TEMPLATE = read_template(ROOT / "template.yaml")
RESOURCES: dict[str, dict[str, Any]] = TEMPLATE["Resources"]
FUNCTIONS = {
    name: resource["Properties"]
    for name, resource in RESOURCES.items()
    if resource["Type"] == "AWS::Serverless::Function"
}
HANDLERS = {path.stem for path in (ROOT / "functions/rollout/handlers").glob("[a-z]*.py")}
# The names of the system in service.
SEEDS = {
    "ControlFunctionName": "huntaze-mock-read",
    "CandidateFunctionName": "huntaze-prisma-read",
    "CleanupFunctionName": "huntaze-cleanup",
    "FlagApplicationName": "huntaze-flags",
    "FlagEnvironmentName": "production",
    "FlagProfileName": "feature-flags",
    "FlagName": "prismaAdapter",
    "AlarmName": "huntaze-lambda-error-rate-gt-2pct",
    "DashboardName": "huntaze-prisma-migration",
    "DatabaseSecretName": "huntaze/database",
    "AliasName": "live",
}
# What a handler is given by a setting, and so imports without an import statement.
SOURCES = {
    "read": sources.USERS_CONTROL,
    "compare": sources.USERS_CONTROL,
    "candidate": sources.USERS_CANDIDATE,
}
# Read by the AppConfig extension itself.
OF_THE_LAYER = {
    f"AWS_APPCONFIG_EXTENSION_{name}" for name in ("POLL_INTERVAL_SECONDS", "PREFETCH_LIST")
}


def module_of(function: str) -> str:
    """The handler module of a function, by its logical id."""
    found = re.fullmatch(r"rollout\.handlers\.(\w+)\.handler", FUNCTIONS[function]["Handler"])
    assert found
    return found[1]


def test_every_handler_is_a_function_and_every_function_a_handler() -> None:
    assert {module_of(name) for name in FUNCTIONS} == HANDLERS


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_named_after_its_handler(name: str) -> None:
    words = re.findall("[A-Z][a-z]*", name.removesuffix("Function"))
    assert "_".join(words).lower() == module_of(name)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_has_its_own_role(name: str) -> None:
    roles = [str(properties["Role"]) for properties in FUNCTIONS.values()]
    assert roles.count(str(FUNCTIONS[name]["Role"])) == 1


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_has_a_timeout(name: str) -> None:
    assert 1 <= FUNCTIONS[name]["Timeout"] <= 900


def test_every_function_has_a_log_group_with_retention() -> None:
    groups = {
        name: resource["Properties"]
        for name, resource in RESOURCES.items()
        if resource["Type"] == "AWS::Logs::LogGroup"
    }
    assert all("RetentionInDays" in group for group in groups.values())
    used = {properties["LoggingConfig"]["LogGroup"]["Ref"] for properties in FUNCTIONS.values()}
    assert used <= set(groups)
    assert len(used) == len(FUNCTIONS)


def test_the_runtime_is_the_one_decided_on() -> None:
    common = TEMPLATE["Globals"]["Function"]
    assert (common["Runtime"], common["Architectures"]) == ("python3.13", ["arm64"])


@pytest.mark.parametrize(("parameter", "value"), SEEDS.items())
def test_the_names_in_service_are_parameters(parameter: str, value: str) -> None:
    assert TEMPLATE["Parameters"][parameter]["Default"] == value


def test_the_machine_is_given_every_function_that_it_names_and_no_other() -> None:
    (machine,) = [
        resource["Properties"]
        for resource in RESOURCES.values()
        if resource["Type"] == "AWS::Serverless::StateMachine"
    ]
    text = (ROOT / machine["DefinitionUri"]).read_text(encoding="utf-8")
    given = machine["DefinitionSubstitutions"]
    assert set(re.findall(r"\$\{(\w+)\}", text)) == set(given)
    for name, value in given.items():
        assert value == {"Fn::GetAtt": [name.removesuffix("Arn"), "Arn"]}
        assert name.removesuffix("Arn") in FUNCTIONS


def imported(module: str, seen: set[str]) -> set[str]:
    """The module and everything of the package that it imports, by reading, not running."""
    if module in seen:
        return seen
    seen.add(module)
    path = ROOT / "functions" / Path(*module.split("."))
    file = path.with_suffix(".py") if path.with_suffix(".py").exists() else path / "__init__.py"
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("rollout"):
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                there = ROOT / "functions" / Path(*inner.split("."))
                imported(inner if there.with_suffix(".py").exists() else str(node.module), seen)
    return seen


def read_by(module: str) -> set[str]:
    """The names of the settings that a module reads."""
    text = (ROOT / "functions" / Path(*module.split("."))).with_suffix(".py")
    if not text.exists():
        return set()
    found = re.findall(r'\.(?:text|optional|whole|words|port)\("([A-Z_]+)"\)', text.read_text())
    return set(found)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_given_only_settings_that_its_code_reads(name: str) -> None:
    given = set(FUNCTIONS[name].get("Environment", {}).get("Variables", {})) - OF_THE_LAYER
    modules = imported(f"rollout.handlers.{module_of(name)}", set())
    if module_of(name) in SOURCES:
        imported(SOURCES[module_of(name)].split(":")[0], modules)
    read = set().union(*(read_by(module) for module in modules))
    assert given <= read, f"never read: {given - read}"


@pytest.mark.parametrize("name", ["ReadFunction", "CandidateFunction"])
def test_layers_and_their_settings_come_together_and_only_when_asked_for(name: str) -> None:
    properties = FUNCTIONS[name]
    layers = {layer["Fn::If"][0] for layer in properties["Layers"]}
    variables = properties["Environment"]["Variables"].values()
    told = {value["Fn::If"][0] for value in variables if "Fn::If" in value}
    assert layers <= told
    assert properties["Tracing"] == {"Fn::If": ["HasTracing", "Active", "PassThrough"]}
    for condition in layers - {"HasFlagExtension"}:  # which may be asked for in two ways
        (equals,) = TEMPLATE["Conditions"][condition]["Fn::Not"]
        parameter, empty = equals["Fn::Equals"]
        assert (TEMPLATE["Parameters"][parameter["Ref"]]["Default"], empty) == ("", "")


@pytest.mark.parametrize(
    ("policy", "condition", "roles"),
    [
        ("CandidateIamPolicy", "HasDatabaseIamUser", ["CandidateRole"]),
        ("TracingPolicy", "HasTracing", ["ReadRole", "CandidateRole"]),
    ],
)
def test_what_is_allowed_only_when_asked_for(policy: str, condition: str, roles: list[str]) -> None:
    found = RESOURCES[policy]
    assert found["Condition"] == condition
    assert [role["Ref"] for role in found["Properties"]["Roles"]] == roles


def test_a_changed_setting_reaches_the_alias_that_is_called() -> None:
    aliased = [properties for properties in FUNCTIONS.values() if "AutoPublishAlias" in properties]
    assert aliased
    assert all(properties["AutoPublishAliasAllProperties"] is True for properties in aliased)


def test_a_guard_that_failed_leaves_its_event_in_a_queue() -> None:
    assert "DeadLetterQueue" in FUNCTIONS["GuardFunction"]


def test_comparisons_that_were_never_made_wait_for_a_day_where_no_role_can_read_them() -> None:
    config = FUNCTIONS["CompareFunction"]["EventInvokeConfig"]
    assert (config["MaximumRetryAttempts"], config["MaximumEventAgeInSeconds"]) == (0, 60)
    queue = config["DestinationConfig"]["OnFailure"]["Destination"]["Fn::GetAtt"][0]
    kept = RESOURCES[queue]["Properties"]
    assert kept["SqsManagedSseEnabled"] == {"Fn::If": ["HasKmsKey", {"Ref": "AWS::NoValue"}, True]}
    assert kept["MessageRetentionPeriod"] == 86_400
    assert "sqs:ReceiveMessage" not in json.dumps(TEMPLATE)


def test_a_schedule_that_cannot_start_its_step_goes_to_a_queue() -> None:
    variables = FUNCTIONS["ScheduleNextFunction"]["Environment"]["Variables"]
    assert "SCHEDULE_DLQ_ARN" in variables


STATES: dict[str, dict[str, Any]] = json.loads(
    (ROOT / "statemachines" / "playbook.asl.json").read_text(encoding="utf-8")
)["States"]
CALLS = {
    name: state["Parameters"]["FunctionName"].strip("${}").removesuffix("Arn")
    for name, state in STATES.items()
    if state["Type"] == "Task"
}


@pytest.mark.parametrize("state", [name for name in CALLS if "TimeoutSeconds" in STATES[name]])
def test_a_function_has_ended_before_the_machine_stops_waiting_for_it(state: str) -> None:
    assert FUNCTIONS[CALLS[state]]["Timeout"] <= STATES[state]["TimeoutSeconds"]


def test_the_longest_bake_and_poll_that_may_be_chosen_are_waited_for() -> None:
    known = TEMPLATE["Parameters"]
    bake_seconds = 60 * known["RampBakeMinutes"]["MaxValue"]
    assert bake_seconds + POLLS * known["FlagPollSeconds"]["MaxValue"] < PATIENCE_SECONDS


def test_the_machine_may_invoke_the_functions_that_it_names_and_no_other() -> None:
    statements = [
        statement
        for policy in RESOURCES["PlaybookRole"]["Properties"]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]
    (invoke,) = [item for item in statements if item["Action"] == "lambda:InvokeFunction"]
    assert {arn["Fn::GetAtt"][0] for arn in invoke["Resource"]} == set(CALLS.values())


def test_task_tokens_reach_no_log() -> None:
    assert RESOURCES["Playbook"]["Properties"]["Logging"]["IncludeExecutionData"] is False


def rules() -> dict[str, dict[str, Any]]:
    return {
        name: resource["Properties"]
        for name, resource in RESOURCES.items()
        if resource["Type"] == "AWS::Events::Rule"
    }


def test_the_guard_hears_of_every_execution_that_ended_badly() -> None:
    detail = rules()["ExecutionFailedRule"]["EventPattern"]["detail"]
    assert tuple(detail["status"]) == guard.ENDED_BADLY


@pytest.mark.parametrize("name", rules())
def test_a_rule_invokes_the_guard_and_keeps_what_it_could_not_deliver(name: str) -> None:
    (target,) = rules()[name]["Targets"]
    assert target["Arn"] == {"Fn::GetAtt": ["GuardFunction", "Arn"]}
    assert target["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": ["GuardFailures", "Arn"]}}


@pytest.mark.parametrize("name", rules())
def test_a_rule_may_invoke_the_guard(name: str) -> None:
    allowed = [
        resource["Properties"]["SourceArn"]
        for resource in RESOURCES.values()
        if resource["Type"] == "AWS::Lambda::Permission"
        and resource["Properties"]["FunctionName"] == {"Ref": "GuardFunction"}
    ]
    assert {"Fn::GetAtt": [name, "Arn"]} in allowed


def test_the_rules_name_the_machine_as_it_is_named() -> None:
    (arn,) = rules()["ExecutionFailedRule"]["EventPattern"]["detail"]["stateMachineArn"]
    name = RESOURCES["Playbook"]["Properties"]["Name"]["Fn::Sub"]
    assert arn["Fn::Sub"].endswith(f":stateMachine:{name}")


def test_a_rollback_is_deployed_at_once_and_without_bake() -> None:
    strategy = RESOURCES["RollbackStrategy"]["Properties"]
    assert (strategy["DeploymentDurationInMinutes"], strategy["FinalBakeTimeInMinutes"]) == (0, 0)
    assert strategy["GrowthFactor"] == 100


def test_a_late_shadow_comparison_is_dropped_and_never_repeated() -> None:
    config = FUNCTIONS["CompareFunction"]["EventInvokeConfig"]
    assert config["MaximumRetryAttempts"] == 0
    assert config["MaximumEventAgeInSeconds"] == 60


def test_the_shadow_cannot_take_the_controls_concurrency() -> None:
    assert "ReservedConcurrentExecutions" in FUNCTIONS["CompareFunction"]


def test_a_read_has_time_for_the_control_after_the_slowest_candidate() -> None:
    longest = TEMPLATE["Parameters"]["CandidateBudgetMs"]["MaxValue"] / 1000
    assert longest < FUNCTIONS["ReadFunction"]["Timeout"]
    assert longest < FUNCTIONS["CandidateFunction"]["Timeout"]


def test_a_comparison_has_time_for_the_slowest_candidate() -> None:
    longest = TEMPLATE["Parameters"]["ShadowDeadlineMs"]["MaxValue"] / 1000
    assert longest < FUNCTIONS["CompareFunction"]["Timeout"]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_secrets_are_in_the_settings_of_no_function_by_default(name: str) -> None:
    variables = FUNCTIONS[name].get("Environment", {}).get("Variables", {})
    assert "DATABASE_URL" not in variables or "Fn::If" in variables["DATABASE_URL"]


@pytest.mark.parametrize("name", ["DatabaseUrl", "UserHashKey"])
def test_a_secret_parameter_is_not_shown(name: str) -> None:
    assert TEMPLATE["Parameters"][name]["NoEcho"] is True


def test_the_commands_find_every_output_that_they_need() -> None:
    assert {"StateMachineArn", *SETTINGS} <= set(TEMPLATE["Outputs"])


def test_the_flag_of_the_template_is_one_that_we_can_read_and_write() -> None:
    content = RESOURCES["FirstFlagVersion"]["Properties"]["Content"]["Fn::Sub"]
    document = json.loads(content.replace("${FlagName}", "prismaAdapter"))
    assert parse_document(document, "prismaAdapter") == CLOSED
    assert with_flag(document, "prismaAdapter", CLOSED) == document
    attributes = document["flags"]["prismaAdapter"]["attributes"]
    assert {"enabled", *attributes} == set(document["values"]["prismaAdapter"])


def test_the_template_defines_the_flag_as_its_writers_do() -> None:
    content = RESOURCES["FirstFlagVersion"]["Properties"]["Content"]["Fn::Sub"]
    attributes = json.loads(content)["flags"]["${FlagName}"]["attributes"]
    assert {key: value["constraints"] for key, value in attributes.items()} == ATTRIBUTES


def test_the_alarm_counts_the_candidate_alone() -> None:
    metrics = RESOURCES["ErrorRateAlarm"]["Properties"]["Metrics"]
    asked = [item["MetricStat"]["Metric"] for item in metrics if "MetricStat" in item]
    assert {metric["MetricName"] for metric in asked} == {"Requests", "Errors"}
    for metric in asked:
        assert {"Name": "arm", "Value": "candidate"} in metric["Dimensions"]


def test_the_flag_begins_closed() -> None:
    content = RESOURCES["FirstFlagVersion"]["Properties"]["Content"]["Fn::Sub"]
    assert '"enabled": false' in content
    assert '"candidate_bps": 0' in content
