"""Every field of a plan as a page, written from the schema that plans are checked against."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from rollout.adapters import plan_documents

HEAD: Final = """\
# Every field of a plan

Written by `rollout plan fields` from
[plan.schema.json](../functions/rollout/plan.schema.json); a test compares the two.
{description}

A plan is JSON. An editor that reads `$schema` shows the same while you type. What is said of a plan
beyond single fields, `rollout plan lint` says.

| field | value | what it means |
| --- | --- | --- |
"""


def page() -> str:
    """The page docs/plan.md."""
    schema = plan_documents.schema()
    rows = "\n".join(_rows(schema, schema, ""))
    return HEAD.format(description=schema["description"]) + rows + "\n"


def _rows(node: Mapping[str, Any], schema: Mapping[str, Any], path: str) -> Iterator[str]:
    """A row for each property below a node, then for those below them.

    What several properties share is said once, after them, with a star for their names.
    """
    shared: dict[str, Mapping[str, Any]] = {}
    for name, given in node.get("properties", {}).items():
        child = _resolved(given, schema)
        full = f"{path}.{name}" if path else name
        optional = "" if name in node.get("required", ()) else ", optional"
        said = given.get("description") or child.get("description", "")
        yield f"| `{full}` | {_value(child)}{optional} | {said} |"
        if "$ref" in given:
            shared[f"{path}.*"] = child
        else:
            yield from _below(child, schema, full)
    for star, child in shared.items():
        yield from _below(child, schema, star)


def _below(node: Mapping[str, Any], schema: Mapping[str, Any], path: str) -> Iterator[str]:
    yield from _rows(_resolved(node.get("items", {}), schema), schema, f"{path}[]")
    yield from _rows(node, schema, path)


def _resolved(node: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a reference stands for."""
    known = node.get("$ref", "").removeprefix("#/definitions/")
    found: Mapping[str, Any] = schema["definitions"][known] if known else node
    return found


def _value(node: Mapping[str, Any]) -> str:
    """The kind of a value and its bounds, in words."""
    if "enum" in node:
        return " or ".join(f"`{word}`" for word in node["enum"])
    kind = str(node.get("type", "value"))
    words = {"array": "list", "integer": "whole number", "string": "text"}.get(kind, kind)
    bounds = [
        f"{word} {node[key]:,}"
        for key, word in (("minimum", "from"), ("exclusiveMinimum", "above"), ("maximum", "to"))
        if key in node
    ]
    if kind == "array" and "maxItems" in node:
        bounds.append(f"of at most {node['maxItems']}")
    if kind == "string" and "maxLength" in node:
        bounds.append(f"up to {node['maxLength']} characters")
    return " ".join([words, *bounds])
