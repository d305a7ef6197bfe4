"""template.yaml as data."""

from pathlib import Path
from typing import Any

import yaml

Node = dict[str, Any]


def read_template(path: Path) -> Node:
    """The template as data; `!Ref x` becomes {"Ref": "x"}, `!Sub x` {"Fn::Sub": "x"}."""
    template: Node = TemplateLoader(path.read_text()).get_single_data()
    return template


# The parser in C where PyYAML has it: the template is long, and the one in Python is slow.
class TemplateLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML with the short forms of CloudFormation's functions."""


def _construct(loader: Any, name: str, node: Any) -> Node:
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if name == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {name if name in ("Ref", "Condition") else f"Fn::{name}": value}


TemplateLoader.add_multi_constructor("!", _construct)
