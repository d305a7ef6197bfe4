"""matplotlib's charts as SVG that a page can colour, and read out.

matplotlib writes colours and fonts into style attributes. A page that forbids inline styles would
lose them, and dark mode could not change them; so they become attributes, and each colour the CSS
variable it stands for.
"""

import io
import re
import threading
import xml.etree.ElementTree as ET  # nosec B405 # only what matplotlib has just written is read
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC
from typing import Any, Final

import matplotlib
import matplotlib.dates
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

# CSS variable -> the colour that stands for it while matplotlib draws.
COLOURS: Final = {
    name: f"#0101{number:02x}"
    for number, name in enumerate(
        (
            *("ink", "quiet", "line", "control", "candidate", "shadow"),
            *("good", "bad", "warn"),
        ),
        start=1,
    )
}
SETTINGS: Final[dict[Any, Any]] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "rollout",
    "path.simplify": True,
    "font.size": 9.5,
}
SIZE: Final = (6.9, 2.9)
MARGINS: Final = {"left": 0.1, "right": 0.965, "top": 0.88, "bottom": 0.15}
LEFT_TO_THE_PAGE: Final = ("font-family", "stroke-linejoin", "stroke-linecap")
SVG: Final = "{http://www.w3.org/2000/svg}"
LINK: Final = "{http://www.w3.org/1999/xlink}href"
# More points than this are not told apart on a screen.
POINTS: Final = 500
# matplotlib's settings belong to the process; two threads must not change them at once.
_drawing = threading.Lock()
# matplotlib gives these no types.
_dates: Any = matplotlib.dates
DAY: Final = 86_400


def axes() -> tuple[Figure, Axes]:
    """An empty chart without paper, its time axis in UTC."""
    figure = Figure(figsize=SIZE)
    # Fixed margins: to find the best ones would draw everything twice.
    figure.subplots_adjust(**MARGINS)
    FigureCanvasSVG(figure)
    figure.patch.set_visible(False)
    found = figure.add_subplot()
    found.patch.set_visible(False)
    for side in ("top", "right"):
        found.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        found.spines[side].set_color(COLOURS["line"])
    found.tick_params(colors=COLOURS["quiet"], which="both")
    found.grid(axis="y", color=COLOURS["line"], linewidth=0.5, alpha=0.6)
    locator = _dates.AutoDateLocator(tz=UTC, minticks=3, maxticks=7)
    found.xaxis.set_major_locator(locator)
    found.xaxis.set_major_formatter(_dates.ConciseDateFormatter(locator, tz=UTC))
    return figure, found


def moments(at: Iterable[float]) -> list[float]:
    """Epoch seconds as matplotlib's date axis counts them: days since 1970."""
    return [one / DAY for one in at]


def thinned(points: Sequence[Any], most: int = POINTS) -> list[Any]:
    """At most about so many of the points, evenly, the last always among them."""
    step = max(1, -(-len(points) // most))
    kept = list(points[::step])
    if points and kept[-1] is not points[-1]:
        kept.append(points[-1])
    return kept


def legend(found: Axes) -> None:
    """Names of the lines, above the chart, where they hide nothing."""
    handles, names = found.get_legend_handles_labels()
    if handles:
        found.legend(
            handles,
            names,
            loc="lower left",
            bbox_to_anchor=(0, 1.0),
            ncols=5,
            frameon=False,
            fontsize=8.5,
            labelcolor=COLOURS["ink"],
            borderaxespad=0.2,
            handlelength=1.6,
            columnspacing=1.2,
        )


def written(
    figure: Figure, name: str, title: str, words: str, says: Mapping[str, str] | None = None
) -> str:
    """The chart as SVG text.

    name: begins every id in it. title, words: what somebody hears who does not see it. says: gid
    of a mark -> its tooltip.
    """
    buffer = io.BytesIO()
    with _drawing, matplotlib.rc_context(SETTINGS):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    root = ET.fromstring(buffer.getvalue())  # nosec B314 # written by matplotlib above
    _clean(root)
    _tell(root, says or {})
    for item in root.iter():
        _plain(item, name)
    _name(root, name, title, words)
    return ET.tostring(root, encoding="unicode")


def _clean(root: ET.Element) -> None:
    """Leave out metadata and matplotlib's own style element."""
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in (f"{SVG}metadata", f"{SVG}style"):
                parent.remove(child)


def _tell(root: ET.Element, says: Mapping[str, str]) -> None:
    for item in list(root.iter(f"{SVG}g")):
        sentence = says.get(item.get("id", ""))
        if sentence:
            title = ET.Element("title")
            title.text = sentence
            item.insert(0, title)
            item.set("class", "mark")


def _plain(item: ET.Element, name: str) -> None:
    """Attributes in place of the style, colours by name, ids that are the chart's own."""
    item.tag = item.tag.removeprefix(SVG)
    _unstyle(item)
    for key in ("fill", "stroke"):
        if key in item.attrib:
            item.set(key, _named(item.attrib[key]))
    if "id" in item.attrib:
        item.set("id", f"{name}-{item.attrib['id']}")
    target = item.attrib.pop(LINK, "")
    if target:
        item.set("href", f"#{name}-{target.removeprefix('#')}")
    if "clip-path" in item.attrib:
        item.set("clip-path", item.attrib["clip-path"].replace("url(#", f"url(#{name}-"))


def _unstyle(item: ET.Element) -> None:
    for rule in filter(str.strip, item.attrib.pop("style", "").split(";")):
        key, _, value = (part.strip() for part in rule.partition(":"))
        if key == "font":
            item.set("font-size", _size(value))
        elif key not in LEFT_TO_THE_PAGE:
            item.set(key, _named(value))


def _size(font: str) -> str:
    """The size of a font as matplotlib writes it: "9.5px 'DejaVu Sans', …"."""
    found = re.search(r"([\d.]+)px", font)
    return found[1] if found else str(SETTINGS["font.size"])


def _named(value: str) -> str:
    for name, colour in COLOURS.items():
        if value == colour:
            return f"var(--{name})"
    return value


def _name(root: ET.Element, name: str, title: str, words: str) -> None:
    _, _, width, height = root.get("viewBox", "0 0 1 1").split()
    said = {"title": title, "desc": words}
    for place, (tag, text) in enumerate(said.items()):
        child = ET.Element(tag, {"id": f"{name}-{tag}"})
        child.text = text
        root.insert(place, child)
    root.set("width", width)
    root.set("height", height)
    root.set("class", f"picture chart {name}")
    root.set("role", "img")
    root.set("aria-labelledby", " ".join(f"{name}-{tag}" for tag in said))
    root.set("xmlns", SVG.strip("{}"))
