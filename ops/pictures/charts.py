"""The evidence over time: exposure, requests, rates with bounds and limits, the decision line."""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from math import log10
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.transforms import blended_transform_factory

from ops.pictures.plotting import COLOURS, axes, legend, moments, thinned, written
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
# word of a verdict -> (colour, mark, size)
MARKS: Final = {
    "HOLD": ("quiet", ".", 5),
    "PROMOTE": ("good", "^", 8),
    "INVESTIGATE": ("warn", "D", 7),
    "STEP_DOWN": ("bad", "v", 9),
    "ROLL_BACK": ("bad", "X", 9),
}
SHARES: Final = (0, 1, 5, 25, 50, 100)
LEAST_EVIDENCE: Final = 0.01
# Evidence far beyond the decision is drawn at the upper edge; more would hide the rest.
BEYOND: Final = 1000.0


def exposure(record: Record) -> str:
    """What share of the users the candidate answers, and of reads the shadow, step by step."""
    title = "Exposure"
    steps = record["exposure"]
    if not steps:
        return _nothing("exposure", title, "Nobody has been exposed yet.")
    figure, found = axes()
    at = moments([*(step["at"] for step in steps), _until(record)])
    shares = [step["exposure_bps"] / 100 for step in steps]
    shadows = [step["shadow_bps"] / 100 for step in steps]
    found.step(
        at,
        [*shadows, shadows[-1]],
        where="post",
        color=COLOURS["shadow"],
        linestyle=":",
        label="shadow, % of control's reads",
    )
    found.step(
        at,
        [*shares, shares[-1]],
        where="post",
        color=COLOURS["candidate"],
        linewidth=2,
        label="candidate, % of users",
    )
    found.fill_between(
        at, [*shares, shares[-1]], step="post", color=COLOURS["candidate"], alpha=0.15
    )
    # Square roots: 1 % must be seen beside 100 %.
    found.set_yscale("function", functions=(_root, _square))
    found.set_ylim(0, 110)
    found.set_yticks(SHARES, [f"{share} %" for share in SHARES])
    legend(found)
    _phases(found, record)
    words = "; ".join(
        f"{step['phase'] or 'the end'} {step['exposure_bps'] / 100:g} %" for step in steps
    )
    return written(figure, "exposure", title, words)


def requests(record: Record) -> str:
    """Requests per arm and period."""
    title = "Requests per arm"
    minutes = thinned(record["minutes"])
    if not minutes:
        return _nothing("requests", title, record["unavailable"] or "No request counted yet.")
    figure, found = axes()
    at = moments(minute["at"] for minute in minutes)
    arms = (("control", "requests"), ("candidate", "requests"), ("shadow", "compared"))
    words = []
    for arm, count in arms:
        counts = [(minute[arm] or {}).get(count) for minute in minutes]
        known = [0 if one is None else one for one in counts]
        # Missing telemetry is a gap in the line, not a zero.
        drawn = [float("nan") if one is None else one for one in counts]
        style = ":" if arm == "shadow" else "-"
        found.plot(at, drawn, color=COLOURS[arm], linestyle=style, linewidth=1.6, label=arm)
        words.append(f"{arm} {sum(known)}")
    found.set_ylim(bottom=0)
    found.set_ylabel(f"in {record['period_seconds']} s", color=COLOURS["quiet"])
    legend(found)
    _phases(found, record)
    return written(figure, "requests", title, f"Requests drawn: {', '.join(words)}.")


def rate(record: Record, metric: str) -> str:
    """One guardrail's rate with the bounds that hold at every look, its limit, and what is to be
    certified.

    Raises ValueError for a metric that nobody judges.
    """
    if metric not in TITLES:
        raise ValueError(f"metric is {metric!r}; expected one of {', '.join(TITLES)}")
    points = thinned(_standings(record, metric))
    if not points:
        return _nothing(metric, TITLES[metric], record["unavailable"] or "No evidence yet.")
    figure, found = axes()
    at = moments(moment for moment, _ in points)
    known = [standing for _, standing in points]
    rates = [_rate(one) for one in known]
    low, high = [100 * one["low"] for one in known], [100 * one["high"] for one in known]
    colour, _ = LINES[metric]
    found.fill_between(at, low, high, color=COLOURS[colour], alpha=0.18, label="bounds")
    found.plot(at, rates, color=COLOURS[colour], linewidth=2, label="measured")
    limits = [100 * one["limit"] for one in known]
    certify = [100 * one["to_certify"] for one in known]
    found.plot(at, limits, color=COLOURS["ink"], linestyle="--", linewidth=1.3, label="limit")
    found.plot(at, certify, color=COLOURS["good"], linestyle=":", label="to certify")
    top = max(2.5 * max(limits), 1.3 * max(rates), 1.2 * high[-1])
    found.set_ylim(0, min(top, 100))
    found.yaxis.set_major_formatter(lambda value, _: f"{value:g} %")
    legend(found)
    _phases(found, record)
    return written(figure, metric, TITLES[metric], _standing_words(known[-1]))


def evidence(record: Record) -> str:
    """The evidence as it grew towards the decision line, and every verdict."""
    title = "Evidence against the candidate"
    looks = thinned(record["looks"])
    if not looks:
        return _nothing("evidence", title, record["unavailable"] or "No evidence yet.")
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
        points = thinned(_standings(record, metric))
        values = [_clipped(standing["evidence"], decides) for _, standing in points]
        if values:
            moment = moments(moment for moment, _ in points)
            name = metric.replace("_", " ")
            found.plot(moment, values, color=COLOURS[colour], linestyle=line, label=name)
    found.axhline(decides, color=COLOURS["bad"], linestyle=(0, (6, 2)), linewidth=1.6)
    found.annotate(
        f"{decides:g} rolls back",
        (0.995, decides),
        xycoords=("axes fraction", "data"),
        xytext=(0, 3),
        textcoords="offset points",
        ha="right",
        color=COLOURS["bad"],
        fontsize=8.5,
    )
    most = max(look["against"] for look in looks)
    _logarithmic(found, min(max(decides * 4, most * 3), decides * BEYOND * 2))
    says = _verdicts(found, record)
    legend(found)
    _phases(found, record)
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


def _phases(found: Axes, record: Record) -> None:
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


def _standings(record: Record, metric: str) -> list[tuple[float, dict[str, Any]]]:
    return [
        (look["at"], standing)
        for look in record["looks"]
        for standing in look["standings"]
        if standing["metric"] == metric
    ]


def _rate(standing: Mapping[str, Any]) -> float:
    return float(100 * standing["events"] / (standing["requests"] or 1))


def _standing_words(standing: Mapping[str, Any]) -> str:
    return (
        f"{standing['events']} of {standing['requests']} ({_rate(standing):.2f} %), bounds "
        f"{100 * standing['low']:.2f} to {100 * standing['high']:.2f} %, limit "
        f"{100 * standing['limit']:g} %, to certify {100 * standing['to_certify']:g} %."
    )


def _clipped(value: float, decides: float) -> float:
    return min(max(value, LEAST_EVIDENCE), decides * BEYOND)


def _until(record: Record) -> float:
    return float(max(record["ended_at"] or record["read_at"], record["exposure"][-1]["at"]))


def _root(value: Any) -> Any:
    return abs(value) ** 0.5  # matplotlib tries it below zero, too


def _square(value: Any) -> Any:
    return value**2


def _nothing(name: str, title: str, why: str) -> str:
    """A chart that says why it is empty."""
    said = element("text", why, x=12.0, y=40.0)
    return drawing(name, (480.0, 70.0), title, why, [said], "empty")


def _of(metric: str) -> Callable[[Record], str]:
    return lambda record: rate(record, metric)


# name -> the chart, in the order in which they are read.
ALL: Final[Mapping[str, Callable[[Record], str]]] = {
    "evidence": evidence,
    "exposure": exposure,
    "requests": requests,
    **{metric: _of(metric) for metric in TITLES},
}
