"""The charts over time: evidence, exposure, requests, and rates with bounds and limits."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from ops.pictures.evidence import evidence
from ops.pictures.framing import LINES, TITLES, Record, nothing, phases, standings
from ops.pictures.plotting import COLOURS, axes, legend, moments, thinned, written

SHARES: Final = (0, 1, 5, 25, 50, 100)


def exposure(record: Record) -> str:
    """What share of the users the candidate answers, and of reads the shadow, step by step."""
    title = "Exposure"
    steps = record["exposure"]
    if not steps:
        return nothing("exposure", title, "Nobody has been exposed yet.")
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
    phases(found, record)
    words = "; ".join(
        f"{step['phase'] or 'the end'} {step['exposure_bps'] / 100:g} %" for step in steps
    )
    return written(figure, "exposure", title, words)


def requests(record: Record) -> str:
    """Requests per arm and period."""
    title = "Requests per arm"
    minutes = thinned(record["minutes"])
    if not minutes:
        return nothing("requests", title, record["unavailable"] or "No request counted yet.")
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
    phases(found, record)
    return written(figure, "requests", title, f"Requests drawn: {', '.join(words)}.")


def rate(record: Record, metric: str) -> str:
    """One guardrail's rate with the bounds that hold at every look, its limit, and what is to be
    certified.

    Raises ValueError for a metric that nobody judges.
    """
    if metric not in TITLES:
        raise ValueError(f"metric is {metric!r}; expected one of {', '.join(TITLES)}")
    points = thinned(standings(record, metric))
    if not points:
        return nothing(metric, TITLES[metric], record["unavailable"] or "No evidence yet.")
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
    phases(found, record)
    return written(figure, metric, TITLES[metric], _standing_words(known[-1]))


def _rate(standing: Mapping[str, Any]) -> float:
    return float(100 * standing["events"] / (standing["requests"] or 1))


def _standing_words(standing: Mapping[str, Any]) -> str:
    return (
        f"{standing['events']} of {standing['requests']} ({_rate(standing):.2f} %), bounds "
        f"{100 * standing['low']:.2f} to {100 * standing['high']:.2f} %, limit "
        f"{100 * standing['limit']:g} %, to certify {100 * standing['to_certify']:g} %."
    )


def _until(record: Record) -> float:
    return float(max(record["ended_at"] or record["read_at"], record["exposure"][-1]["at"]))


def _root(value: Any) -> Any:
    return abs(value) ** 0.5  # matplotlib tries it below zero, too


def _square(value: Any) -> Any:
    return value**2


def _of(metric: str) -> Callable[[Record], str]:
    return lambda record: rate(record, metric)


# name -> the chart, in the order in which they are read.
ALL: Final[Mapping[str, Callable[[Record], str]]] = {
    "evidence": evidence,
    "exposure": exposure,
    "requests": requests,
    **{metric: _of(metric) for metric in TITLES},
}
