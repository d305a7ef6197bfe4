"""Plan documents from outside: read, checked against the schema, parsed."""

import copy
import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import fastjsonschema

from rollout.domain import jsontext, plan_problems, plan_reading
from rollout.domain.errors import InvalidInputError
from rollout.domain.plan import Plan

UNKNOWN: Final = "no such field"
REMEDY: Final = "Correct the plan and try again; every field is described in plan.schema.json."


def parse(document: Any) -> Plan:
    """A Plan from a JSON value. Raises InvalidInputError naming field, value, expectation."""
    jsontext.finite(document, "plan")
    try:
        _validator()(document)
    except fastjsonschema.JsonSchemaValueException as error:
        path = ".".join(error.path[1:]) or "plan"
        raise InvalidInputError(
            field=_unknown(error) or path,
            value=_value(error),
            expected=_expected(error),
            remedy=REMEDY,
        ) from None
    return plan_reading.parse(_whole(document))


def problems(document: dict[str, Any]) -> list[InvalidInputError]:
    """Everything that can be said of a plan that cannot be used; [] when it can.

    Every unknown field; then the first thing that the schema refuses, or else all that makes no
    sense.
    """
    document = copy.deepcopy(document)
    found: list[InvalidInputError] = []
    while True:
        try:
            parse(document)
        except InvalidInputError as error:
            if error.field in {known.field for known in found}:
                return found
            found.append(error)
            if not _removed(document, error):
                break
        else:
            return found
    try:
        _validator()(document)
        more = plan_problems.problems(plan_reading.read(_whole(document)))
        return [*found[:-1], *more] if more else found
    except (fastjsonschema.JsonSchemaValueException, InvalidInputError):
        return found


def _removed(document: Any, error: InvalidInputError) -> bool:
    """Whether the error was a field nobody knows, which is now gone."""
    if not error.expected.startswith(UNKNOWN):
        return False
    *path, last = error.field.split(".")
    try:
        for step in path:
            document = document[int(step) if isinstance(document, list) else step]
        del document[last]
    except (KeyError, IndexError, ValueError, TypeError):  # a name with a dot in it
        return False
    return True


def _whole(value: Any) -> Any:
    """The document with 100.0 as 100: one number for JSON and the schema, but not for Python."""
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def document_of(path: Path) -> dict[str, Any]:
    """The JSON object in a file. Raises InvalidInputError, also when it cannot be read."""
    try:
        content = path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: no file can have such a name
        why = getattr(error, "strerror", None) or str(error)
        raise InvalidInputError(
            field="plan file", value=str(path), expected=f"a readable file ({why})"
        ) from None
    try:
        document = jsontext.read(content, "plan file")
    except InvalidInputError as error:
        raise InvalidInputError(
            field="plan file", value=str(path), expected=error.expected
        ) from None
    if not isinstance(document, dict):
        raise InvalidInputError(field="plan file", value=document, expected="a JSON object")
    return document


def load(path: Path) -> tuple[Plan, dict[str, Any]]:
    """(Plan, document) from a file, users' ids in it replaced by marks.

    Raises InvalidInputError, also when it cannot be read.
    """
    document = document_of(path)
    plan = parse(document)
    if plan.allow_list:  # what is launched must not hold users' ids: executions keep their input
        document["cohort"]["allow_list"] = list(plan.allow_list)
    return plan, document


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema that ships with the package."""
    text = files("rollout").joinpath("plan.schema.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


@cache
def _validator() -> Any:
    return fastjsonschema.compile(schema())


def _unknown(error: fastjsonschema.JsonSchemaValueException) -> str:
    """The path of the first field that no rule allows, when that is the error."""
    if error.rule != "additionalProperties" or not isinstance(error.value, dict):
        return ""
    extra = [key for key in error.value if key not in error.definition["properties"]]
    return ".".join([*error.path[1:], extra[0]])


def _value(error: fastjsonschema.JsonSchemaValueException) -> object:
    if error.rule == "required":
        return None
    if error.rule == "additionalProperties" and isinstance(error.value, dict):
        return next(v for k, v in error.value.items() if k not in error.definition["properties"])
    return error.value


def _expected(error: fastjsonschema.JsonSchemaValueException) -> str:
    if error.rule == "additionalProperties":
        return f"{UNKNOWN}; known are {', '.join(error.definition['properties'])}"
    if error.rule == "required":
        missing = [key for key in error.definition["required"] if key not in error.value]
        return f"the field {missing[0]}"
    return str(error.message).split(" must ", 1)[-1].removeprefix("be ")
