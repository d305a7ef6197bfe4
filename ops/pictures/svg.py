"""Elements of an SVG, and how to write a length of time on one."""

import xml.etree.ElementTree as ET  # nosec B405 # elements are made here, nothing from outside is read
from collections.abc import Iterable
from typing import Final

Element = ET.Element
NAMESPACE: Final = "http://www.w3.org/2000/svg"
UNITS: Final = ((86_400, "d"), (3600, "h"), (60, "min"))


def element(tag: str, *children: Element | str | None, **attributes: object) -> Element:
    """One element. `class_` is the attribute class, `a_b` is a-b; attributes that are None are left
    out. A text child becomes the element's text.
    """
    found = ET.Element(tag)
    for name, value in attributes.items():
        if value is not None:
            found.set(name.rstrip("_").replace("_", "-"), _written(value))
    for child in children:
        if isinstance(child, str):
            found.text = (found.text or "") + child
        elif child is not None:
            found.append(child)
    return found


def _written(value: object) -> str:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)


def drawing(
    name: str,
    size: tuple[float, float],
    title: str,
    words: str,
    children: Iterable[Element],
    kind: str = "",
) -> str:
    """A whole picture as text.

    name: begins every id in it, so that pictures can share a page. title, words: what somebody
    hears who does not see it.
    """
    width, height = size
    return ET.tostring(
        element(
            "svg",
            element("title", title, id=f"{name}-title"),
            element("desc", words, id=f"{name}-words"),
            *children,
            xmlns=NAMESPACE,
            viewBox=f"0 0 {width:.0f} {height:.0f}",
            width=f"{width:.0f}",
            height=f"{height:.0f}",
            class_=f"picture {name} {kind}".rstrip(),
            aria_labelledby=f"{name}-title {name}-words",
            role="group",
        ),
        encoding="unicode",
    )


def lasting(seconds: float | None) -> str:
    """A length of time in at most two units: "0.4 s", "12 s", "3 min 5 s", "1 d 22 h"."""
    if seconds is None:
        return ""
    if seconds < 9.95:
        return f"{max(seconds, 0.0):.1f} s"
    whole = round(seconds)
    for size, unit in UNITS:
        if whole >= size:
            more, smaller = _rest(whole % size, size)
            return f"{whole // size} {unit}" + (f" {more} {smaller}" if more else "")
    return f"{whole} s"


def _rest(seconds: int, size: int) -> tuple[int, str]:
    """What remains below a unit, in the next smaller one."""
    smaller = {86_400: (3600, "h"), 3600: (60, "min"), 60: (1, "s")}[size]
    return seconds // smaller[0], smaller[1]
