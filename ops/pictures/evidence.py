"""The evidence as it grew: towards the line that decides, with a mark for every verdict."""

from bisect import bisect_right
from math import log10
from typing import Final

from matplotlib.axes import Axes

from ops.pictures.framing import LINES, Record, nothing, phases, standings
from ops.pictures.plotting import COLOURS, axes, legend, moments, thinned, written

# word of a verdict -> (colour, mark, size)
MARKS: Final = {
    "HOLD": ("quiet", ".", 5),
    "PROMOTE": ("good", "^", 8),
    "INVESTIGATE": ("warn", "D", 7),
    "STEP_DOWN": ("bad", "v", 9),
    "ROLL_BACK": ("bad", "X", 9),
}
LEAST_EVIDENCE: Final = 0.01
# Evidence far beyond the decision is drawn at the upper edge; more would hide the rest.
BEYOND: Final = 1000.0
# So much is left above it for the names of the phases.
ABOVE: Final = 8


def evidence(record: Record) -> str:
    """The evidence as it grew towards the decision line, and every verdict."""
    title = "Evidence against the candidate"
    looks = thinned(record["looks"])
    if not looks:
        return nothing("evidence", title, record["unavailable"] or "No evidence yet.")
    figure, found = axes()
    decides = looks[-1]["decides"]
    at = moments(look["at"] for look in looks)
    found.plot(
        at,
        [_clipped(look["against"], decides) for look in looks],
        color=COLOURS["ink"],
        linewidth=2.4,
        label="all together",
    )
    for metric, (colour, line) in LINES.items():
        points = thinned(standings(record, metric))
        values = [_clipped(standing["evidence"], decides) for _, standing in points]
        if values:
            moment = moments(moment for moment, _ in points)
            name = metric.replace("_", " ")
            found.plot(moment, values, color=COLOURS[colour], linestyle=line, label=name)
    found.axhline(decides, color=COLOURS["bad"], linestyle=(0, (6, 2)), linewidth=1.6)
    found.annotate(
        f"{decides:g} rolls back",
        (0.005, decides),
        xycoords=("axes fraction", "data"),
        xytext=(0, 3),
        textcoords="offset points",
        ha="left",
        color=COLOURS["bad"],
        fontsize=8.5,
    )
    most = max(look["against"] for look in looks)
    _logarithmic(found, min(max(decides * ABOVE, most * 3), decides * BEYOND * ABOVE))
    says = _verdicts(found, record)
    legend(found)
    phases(found, record)
    last = looks[-1]["against"]
    words = f"Evidence {last:.3g} now, {most:.3g} at the most; {decides:g} rolls back."
    return written(figure, "evidence", title, words, says)


def _logarithmic(found: Axes, top: float) -> None:
    """An axis from LEAST_EVIDENCE to the top, a tick for each power of ten."""
    found.set_yscale("log")
    found.set_ylim(LEAST_EVIDENCE, top)
    powers = range(round(log10(LEAST_EVIDENCE)), int(log10(top)) + 1)
    # Labels of our own: matplotlib would typeset each as a formula, which takes long.
    found.set_yticks([10.0**power for power in powers], [f"{10.0**power:g}" for power in powers])
    found.minorticks_off()


def _verdicts(found: Axes, record: Record) -> dict[str, str]:
    """A mark for each verdict on the line of the evidence; returns gid -> its sentence."""
    looks = record["looks"]
    starts = [look["at"] for look in looks]
    says = {}
    for number, verdict in enumerate(record["verdicts"]):
        place = max(bisect_right(starts, verdict["at"]) - 1, 0)
        value = _clipped(looks[place]["against"], looks[place]["decides"])
        colour, mark, size = MARKS[verdict["word"]]
        (line,) = found.plot(
            moments([verdict["at"]]),
            [value],
            color=COLOURS[colour],
            marker=mark,
            markersize=size,
            linestyle="none",
            zorder=5,
        )
        line.set_gid(f"verdict-{number}")
        says[f"verdict-{number}"] = verdict["sentence"]
    return says


def _clipped(value: float, decides: float) -> float:
    return min(max(value, LEAST_EVIDENCE), decides * BEYOND)
