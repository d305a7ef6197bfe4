"""A rollout's record as pictures: pure functions from a record to the text of an SVG.

The console and the report show them. Colours are CSS variables, and the rest of the looks classes;
both are in pictures.css, which whoever shows a picture puts beside it (`style`). No picture has a
style of its own, so a page can forbid inline styles.
"""

from pathlib import Path
from typing import Final

STYLE_FILE: Final = Path(__file__).with_name("pictures.css")


def style() -> str:
    """The style sheet that the pictures need, light and dark."""
    return STYLE_FILE.read_text(encoding="utf-8")
