"""Where a role may touch everything of a kind, the template says why AWS offers nothing finer."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from samtranslator.translator.transform import transform

from ops.templates import TemplateLoader, read_template
from tests.fakes import ROOT

TEXT = (ROOT / "template.yaml").read_text(encoding="utf-8")
LINES = TEXT.splitlines()
# A resource is wide when nothing of it names one of ours.
EVERYTHING = ("*", ":alarm:*")


class NoManagedPolicies:
    """The template uses none of SAM's; asked for one, it has none."""

    def load(self) -> dict[str, str]:
        return {}


def is_wide(value: Any) -> bool:
    """Whether a Resource, as data or as text, is everything of a kind."""
    text = value.get("Fn::Sub", "") if isinstance(value, dict) else value
    return isinstance(text, str) and (text == "*" or text.endswith(EVERYTHING[1:]))


def wide_in(node: Any) -> int:
    """How many statements below have a wide Resource."""
    if isinstance(node, list):
        return sum(wide_in(item) for item in node)
    if not isinstance(node, dict):
        return 0
    found = node.get("Resource")
    named = found if isinstance(found, list) else [found]
    own = any(is_wide(item) for item in named)
    return own + sum(wide_in(item) for item in node.values())


def wide_lines(node: yaml.Node) -> Iterator[int]:
    """The lines of template.yaml in which a wide Resource stands."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            items = value.value if isinstance(value, yaml.SequenceNode) else [value]
            for item in items if key.value == "Resource" else ():
                if isinstance(item, yaml.ScalarNode) and is_wide(item.value):
                    yield item.start_mark.line
            yield from wide_lines(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from wide_lines(item)


WIDE = sorted(wide_lines(yaml.compose(TEXT, Loader=TemplateLoader)))


def test_sam_adds_no_wildcard_to_those_that_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    template = read_template(ROOT / "template.yaml")
    template["Globals"]["Function"]["CodeUri"] = "s3://bucket/code"
    template["Resources"]["Playbook"]["Properties"]["DefinitionUri"] = "s3://bucket/machine"
    deployed = transform(template, {}, NoManagedPolicies())
    assert WIDE
    assert wide_in(deployed["Resources"]) == len(WIDE)


@pytest.mark.parametrize("line", WIDE, ids=lambda line: f"line {line + 1}")
def test_a_wildcard_says_beside_it_why_aws_offers_nothing_finer(line: int) -> None:
    _, _, reason = LINES[line].partition(" # ")
    assert len(reason.split()) >= 5, LINES[line]
