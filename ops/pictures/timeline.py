"""All executions of one rollout on one time line: a lane each, its visits one after the other."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from ops.pictures.passing import ASKS, ROLLS_BACK, RUNNING, lasts, seconds_of
from ops.pictures.scale import Scale, clock, scale
from ops.pictures.svg import Element, drawing, element, lasting

WIDTH: Final = 1000.0
LEFT, RIGHT = 4.0, WIDTH - 4.0
LANE, BAR, STEPS_HEIGHT, AXIS = 50.0, 24.0, 58.0, 26.0
NARROWEST: Final = 1.5
# Letters of a state's name that fit into a width.
LETTER: Final = 6.6
DAY: Final = 86_400
WAITS: Final = ("Shadow Soak", "Bake", "Let It Spread", "Held")
ENDS: Final = (
    *("Launched", "Ramped", "Completed", "Rolled Back", "Refused", "Control Not Confirmed"),
)
JUDGES: Final = ("Evaluate Shadow", "Evaluate Metrics", "Shadow Sound?", "Go / No-Go?")


def timeline(record: Mapping[str, Any], *, link: Callable[[str, int], str] | None = None) -> str:
    """The executions of a record as SVG text, oldest at the top, below them what is scheduled.

    link: (execution, number of the visit) -> where a click on it leads. Stretches in which nothing
    runs are cut short, and say how long they were.
    """
    axis = scale(_stretches(record), LEFT, RIGHT)
    listed = record["executions"]
    bottom = STEPS_HEIGHT + LANE * len(listed)
    parts = [*_grid(axis, bottom), *_exposure(record, axis)]
    for number, item in enumerate(listed):
        parts.append(_lane(record, item, axis, STEPS_HEIGHT + LANE * number, link))
    words = "; ".join(f"{_title(item)}, {_span(item, record['read_at'])}" for item in listed)
    coming = [f"scheduled: {item['name']} at {item['at']}" for item in record["scheduled"]]
    parts += [
        element("text", text, x=LEFT, y=bottom + AXIS + 16 * (n + 1), class_="coming")
        for n, text in enumerate(coming)
    ]
    size = (WIDTH, bottom + AXIS + 16 * len(coming) + 8)
    words = "; ".join([words, *coming])
    return drawing("timeline", size, f"Executions of {record['rollout']}", words, parts)


def _stretches(record: Mapping[str, Any]) -> list[tuple[float, float]]:
    now = record["read_at"]
    return [
        (item["started_at"], item["stopped_at"] or max(now, item["started_at"]))
        for item in record["executions"]
    ]


def _grid(axis: Scale, bottom: float) -> list[Element]:
    first, last = axis.anchors[0][0], axis.anchors[-1][0]
    with_day = last - first > DAY
    found = []
    for at, x in axis.ticks(110 if with_day else 84):
        found.append(element("line", x1=x, x2=x, y1=14.0, y2=bottom + 4, class_="tick"))
        text = clock(at, with_day)
        half = LETTER * len(text) / 2
        # Below its line, but for one that would leave the picture.
        middle = min(max(x, half), WIDTH - half)
        found.append(element("text", text, x=middle, y=bottom + 18, class_="moment"))
    for one in axis.breaks:
        found.append(element("line", x1=one.x, x2=one.x, y1=14.0, y2=bottom + 4, class_="break"))
        found.append(
            element("text", f"⋯ {lasting(one.seconds)}", x=one.x, y=bottom + 18, class_="gap")
        )
    return found


def _exposure(record: Mapping[str, Any], axis: Scale) -> list[Element]:
    """What was served to everyone, as steps above the lanes."""
    base, height = STEPS_HEIGHT - 12, STEPS_HEIGHT - 30
    found: list[Element] = [
        element("text", "exposure", x=LEFT, y=11.0, class_="lane-name"),
        element("line", x1=LEFT, x2=RIGHT, y1=base, y2=base, class_="base"),
    ]
    steps = record["exposure"]
    for number, step in enumerate(steps):
        ends = steps[number + 1]["at"] if number + 1 < len(steps) else axis.anchors[-1][0]
        x0, x1 = axis.x(step["at"]), axis.x(ends)
        # The height is the square root of the share: 1 % must be seen beside 100 %.
        tall = height * (step["exposure_bps"] / 10_000) ** 0.5
        said = f"{step['exposure_bps'] / 100:g} %"
        if step["exposure_bps"]:
            box = element(
                "rect",
                element("title", f"{step['phase'] or 'everyone'}: {said} from {clock(step['at'])}"),
                x=x0,
                y=base - tall,
                width=max(x1 - x0, NARROWEST),
                height=tall,
                class_="exposed",
            )
            found.append(box)
        if x1 - x0 > LETTER * len(said):
            found.append(element("text", said, x=x0 + 2, y=base - tall - 3, class_="share"))
    return found


def _title(item: Mapping[str, Any]) -> str:
    return " ".join(part for part in (item["action"], item["phase"]) if part)


def _span(item: Mapping[str, Any], now: float) -> str:
    if item["status"] == RUNNING:
        return f"running for {lasting(now - item['started_at'])}"
    last = item["visits"][-1]["state"] if item["visits"] else ""
    # Its last state says more than SUCCEEDED, which is also said of what was rolled back.
    ended = last if last in ENDS else item["status"]
    return f"{ended.lower()} after {lasting(item['stopped_at'] - item['started_at'])}"


def _lane(
    record: Mapping[str, Any],
    item: Mapping[str, Any],
    axis: Scale,
    top: float,
    link: Callable[[str, int], str] | None,
) -> Element:
    now = record["read_at"]
    start = axis.x(item["started_at"])
    label = f"{_title(item)} · {_span(item, now)}"
    # A label that would leave the picture ends with its lane instead of beginning with it.
    room = start + LETTER * len(label) < RIGHT
    name = element(
        "text",
        label,
        x=start if room else RIGHT,
        y=top + 12,
        class_="lane-name" if room else "lane-name ends",
    )
    bars = [
        _visit(item, number, axis, (top + 18, now), link)
        for number in _worth_drawing(item, axis, now)
    ]
    return element("g", name, *bars, class_="lane", data_execution=item["name"])


def _worth_drawing(item: Mapping[str, Any], axis: Scale, now: float) -> list[int]:
    """The visits that can be told apart: of thousands in a day, most lie on one another.

    What matters is always drawn: a failure, a question, a rollback, and where it runs now.
    """
    found: list[int] = []
    covered = float("-inf")
    for number, visit in enumerate(item["visits"]):
        matters = _kind(visit["state"]) in ("asks", "back") or visit["failures"]
        end = axis.x(visit["entered_at"] + seconds_of(visit, item, now))
        if matters or lasts(item, number) or end - covered >= NARROWEST:
            found.append(number)
            covered = max(end, axis.x(visit["entered_at"]) + NARROWEST)
    return found


def _visit(
    item: Mapping[str, Any],
    number: int,
    axis: Scale,
    place: tuple[float, float],
    link: Callable[[str, int], str] | None,
) -> Element:
    visit, (y, now) = item["visits"][number], place
    seconds = seconds_of(visit, item, now)
    x0 = axis.x(visit["entered_at"])
    width = max(axis.x(visit["entered_at"] + seconds) - x0, NARROWEST)
    said = f"{visit['state']}, {lasting(seconds)} from {clock(visit['entered_at'])}"
    kinds = ["visit", _kind(visit["state"])]
    kinds += ["failed"] * bool(visit["failures"]) + ["running"] * lasts(item, number)
    fits = width > LETTER * len(visit["state"]) + 4
    text = None
    if fits:
        text = element("text", visit["state"], x=x0 + 4, y=y + BAR / 2 + 4, class_="name")
    group = element(
        "g",
        element("title", said),
        element("rect", x=x0, y=y, width=width, height=BAR, rx=2),
        text,
        class_=" ".join(kinds),
    )
    if link is None:
        return group
    # Hundreds of visits would be hundreds of stops of the Tab key; the table has the same links.
    return element("a", group, href=link(item["name"], number), aria_label=said, tabindex=-1)


def _kind(state: str) -> str:
    if state in ROLLS_BACK:
        return "back"
    if state == ASKS:
        return "asks"
    if state in WAITS:
        return "waits"
    return "judges" if state in JUDGES else "works"
