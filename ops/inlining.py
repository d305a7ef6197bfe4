"""python -m ops.inlining: write observability/dashboard.json into template.yaml.

CloudFormation takes a dashboard only as text inside the template; people read and edit it as a
file. A test says when the two differ.
"""

from pathlib import Path
from textwrap import indent
from typing import Final

ROOT: Final = Path(__file__).parents[1]
DASHBOARD: Final = ROOT / "observability" / "dashboard.json"
TEMPLATE: Final = ROOT / "template.yaml"
BEFORE: Final = "      DashboardBody: !Sub |\n"
INDENT: Final = " " * 8


def inlined(template: str, dashboard: str) -> str:
    """The template's text with this dashboard in place of the one it has."""
    start = template.index(BEFORE) + len(BEFORE)
    end = start
    for line in template[start:].splitlines(keepends=True):
        if line.strip() and not line.startswith(INDENT):
            break
        end += len(line)
    return f"{template[:start]}{indent(dashboard.strip(), INDENT)}\n\n{template[end:]}"


def main() -> None:
    """Rewrite the template in place."""
    text = TEMPLATE.read_text(encoding="utf-8")
    TEMPLATE.write_text(inlined(text, DASHBOARD.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
