"""The template, read as data: each function has its own role, log, limits, and what it reads."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from ops.local.deploy import read_template

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
    found = re.findall(r'\.(?:text|optional|whole|words)\("([A-Z_]+)"\)', text.read_text())
    return set(found)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_given_only_settings_that_its_code_reads(name: str) -> None:
    given = set(FUNCTIONS[name].get("Environment", {}).get("Variables", {}))
    modules = imported(f"rollout.handlers.{module_of(name)}", set())
    read = set().union(*(read_by(module) for module in modules))
    assert given <= read, f"never read: {given - read}"


def test_what_is_called_in_the_background_has_a_queue_for_what_failed() -> None:
    for name in ("GuardFunction", "CompareFunction"):
        properties = FUNCTIONS[name]
        config = properties.get("EventInvokeConfig", {})
        assert "DeadLetterQueue" in properties or "OnFailure" in config["DestinationConfig"], name


def test_a_schedule_that_cannot_start_its_step_goes_to_a_queue() -> None:
    variables = FUNCTIONS["ScheduleNextFunction"]["Environment"]["Variables"]
    assert "SCHEDULE_DLQ_ARN" in variables


def test_the_flag_begins_closed() -> None:
    content = RESOURCES["FirstFlagVersion"]["Properties"]["Content"]["Fn::Sub"]
    assert '"enabled": false' in content
    assert '"candidate_bps": 0' in content
