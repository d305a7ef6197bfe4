"""What the charts share: titles and colours of the metrics, phases, and a chart without content."""

from collections.abc import Mapping
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.transforms import blended_transform_factory

from ops.pictures.plotting import COLOURS, moments
from ops.pictures.svg import drawing, element

Record = Mapping[str, Any]

TITLES: Final = {
    "errors": "Error rate of the candidate",
    "slow": "Slow rate of the candidate",
    "mismatches": "Mismatch rate of the shadow",
    "shadow_failures": "Failure rate of the shadow",
}
LINES: Final = {
    "errors": ("bad", "-"),
    "slow": ("warn", "--"),
    "mismatches": ("shadow", "-."),
    "shadow_failures": ("control", ":"),
}


def phases(found: Axes, record: Record) -> None:
    """A thin line where each phase begins, with its name where there is room."""
    left, right = found.get_xlim()
    across = blended_transform_factory(found.transData, found.transAxes)
    steps = list(record["exposure"])
    begins = moments(step["at"] for step in steps)
    ends = [*begins[1:], right]
    for step, begin, end in zip(steps, begins, ends, strict=False):
        if not left <= begin <= right:
            continue
        found.axvline(begin, color=COLOURS["line"], linewidth=0.8, zorder=0)
        name = step["phase"] or ("rolled back" if not step["exposure_bps"] else "done")
        if (end - begin) / (right - left) > 0.013 * len(name):
            found.text(
                begin,
                0.99,
                f" {name}",
                transform=across,
                va="top",
                fontsize=7.5,
                color=COLOURS["quiet"],
            )


def standings(record: Record, metric: str) -> list[tuple[float, dict[str, Any]]]:
    """Where one metric stood at every look: (epoch second, standing)."""
    return [
        (look["at"], standing)
        for look in record["looks"]
        for standing in look["standings"]
        if standing["metric"] == metric
    ]


def nothing(name: str, title: str, why: str) -> str:
    """A chart that says why it is empty."""
    said = element("text", why, x=12.0, y=40.0)
    return drawing(name, (480.0, 70.0), title, why, [said], "empty")
