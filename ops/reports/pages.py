"""A report as one self-contained page of HTML, as Markdown, or as JSON."""

import json
from collections.abc import Mapping
from functools import cache
from itertools import groupby
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from ops.pictures import charts, graph, style, timeline
from ops.pictures.framing import TITLES

# Characters that Markdown would take for its own, in a text or in a table's cell.
SPECIAL: Final = "\\`*_[]<>|#"


def written(
    form: str,
    content: Mapping[str, Any],
    record: Mapping[str, Any],
    definition: Mapping[str, Any],
) -> str:
    """The report's text. form: one of FORMATS. definition: of the state machine that ran."""
    if form == "json":
        return json.dumps({**content, "record": record}, indent=1, default=str) + "\n"
    shown = {**content, "turns": _turns(content["verdicts"])}
    if form == "html":
        shown |= {"style": style(), "pictures": _pictures(record, definition)}
    return _environment().get_template(f"report.{form}.j2").render(shown)


def _pictures(record: Mapping[str, Any], definition: Mapping[str, Any]) -> dict[str, Any]:
    """The SVGs. The template takes them as they are: their texts are escaped where it is drawn."""
    found = {
        "timeline": timeline.timeline(record),
        "graph": graph.graph(definition, record),
    }
    drawn = {TITLES.get(name, name.capitalize()): draw for name, draw in charts.ALL.items()}
    return {
        **found,
        "charts": [(title, draw(record)) for title, draw in drawn.items()],
    }


def _turns(verdicts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Verdicts in a row of one word in one phase: the last of them, and how many they were."""
    rows = groupby(verdicts, key=lambda one: (one["phase"], one["word"]))
    return [{**found[-1], "looks": len(found)} for found in (list(group) for _, group in rows)]


@cache
def _environment() -> Environment:
    found = Environment(
        loader=PackageLoader("ops.reports"),
        autoescape=select_autoescape(["html.j2"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["md"] = _markdown
    return found


def _markdown(text: Any) -> str:
    """A text in one line in which nothing is Markdown's."""
    plain = " ".join(str(text).split())
    return "".join(f"\\{letter}" if letter in SPECIAL else letter for letter in plain)
