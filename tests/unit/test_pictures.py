"""Pictures of a rollout: what they show, and that a strict page can show them."""

import json
import re
import xml.etree.ElementTree as ET
from itertools import combinations, pairwise
from typing import Any

import pytest

from ops.pictures import charts, labels, style
from ops.pictures.evidence import evidence
from ops.pictures.graph import _places as places_of
from ops.pictures.graph import graph
from ops.pictures.layout import NODE, apart, layout
from ops.pictures.machine import edges
from ops.pictures.scale import clock, scale
from ops.pictures.svg import lasting
from ops.pictures.timeline import timeline
from rollout.domain.response import STEP_DOWN
from rollout.domain.verdict import Call
from tests.recorded import (
    DAY,
    DECIDES,
    LAUNCHED,
    MACHINE,
    RAMP_PATH,
    execution,
    record,
    visit,
    visits,
)

NAMES = list(charts.ALL)


def parsed(svg: str) -> ET.Element:
    return ET.fromstring(svg)


def classes(root: ET.Element, name: str) -> dict[str, set[str]]:
    """data-state -> its classes."""
    return {
        str(item.get("data-state")): set(str(item.get("class")).split())
        for item in root.iter()
        if item.get("data-state") and name in str(item.get("class"))
    }


def titles(root: ET.Element) -> list[str]:
    return [str(item.text) for item in root.iter() if item.tag.endswith("title")]


def pictures(found: dict[str, Any]) -> list[str]:
    return [graph(MACHINE, found), timeline(found), *(draw(found) for draw in charts.ALL.values())]


@pytest.fixture(scope="module")
def drawn() -> list[str]:
    """All pictures of the record."""
    return pictures(record())


# The graph


def test_every_state_of_the_machine_is_drawn_once() -> None:
    drawn = [item.get("data-state") for item in parsed(graph(MACHINE, record())).iter()]
    assert sorted(name for name in drawn if name) == sorted(MACHINE["States"])


def test_only_the_state_that_runs_is_lit() -> None:
    found = classes(parsed(graph(MACHINE, record())), "state")
    assert [name for name, words in found.items() if "running" in words] == ["Bake"]


def test_of_an_execution_that_ended_nothing_is_lit() -> None:
    found = classes(parsed(graph(MACHINE, record(), execution="beta-1")), "state")
    assert not [name for name, words in found.items() if "running" in words]
    assert "passed" in found["Launched"]
    assert "passed" not in found["Raise Exposure"]


def test_visits_and_their_time_are_added_over_all_executions() -> None:
    # Twice in the launch, twice in the ramp step, of which one lasts since 4 s.
    assert "Bake: running, 3 visits, 8.0 s" in titles(parsed(graph(MACHINE, record())))


def test_a_way_that_was_gone_is_marked_and_another_is_not() -> None:
    root = parsed(graph(MACHINE, record(), execution="beta-1"))
    passed = [item for item in root.iter() if "way" in str(item.get("class")).split()]
    marked = [item for item in passed if "passed" in str(item.get("class"))]
    paths = record()["executions"][0]["visits"]
    moves = {(a["state"], b["state"]) for a, b in pairwise(paths)}
    assert len(marked) == len(moves)
    assert len(passed) == len(edges(MACHINE))


def test_a_task_that_failed_for_good_shows_the_way_it_went() -> None:
    broken = visits(("Preflight", "Fit to Start?", "Raise Exposure", "Roll Back"), LAUNCHED)
    broken[2]["failures"] = [{"error": "States.Timeout", "cause": ""}]
    root = parsed(graph(MACHINE, record(executions=[execution("x-1", "ramp", "p", broken)])))
    ways = [str(item.get("class")) for item in root.iter()]
    assert "way catch passed back" in ways
    assert {"failed", "passed"} <= classes(root, "state")["Raise Exposure"]
    assert "back" in classes(root, "state")["Roll Back"]


def test_only_states_that_were_visited_can_be_followed() -> None:
    root = parsed(graph(MACHINE, record(), link=lambda state: f"/there?{state}"))
    followed = {str(item.get("href")) for item in root.iter() if item.get("href")}
    assert "/there?Bake" in followed
    assert "/there?Cleanup" not in followed
    assert all(item.get("aria-label") for item in root.iter() if item.get("href"))


def test_no_state_stands_upon_another() -> None:
    places = list(layout(MACHINE).places.values())
    for number, (x, y) in enumerate(places):
        for other_x, other_y in places[:number]:
            assert abs(x - other_x) >= NODE[0] or abs(y - other_y) >= NODE[1]


def test_no_word_of_a_way_stands_upon_another_or_upon_a_state() -> None:
    found, words = places_of(json.dumps(MACHINE))
    boxes = [labels._box(edge.word, (x, y - labels.BASE)) for edge, (x, y) in words.items()]
    boxes += [
        (x - NODE[0] / 2, y - NODE[1] / 2, x + NODE[0] / 2, y + NODE[1] / 2)
        for x, y in found.places.values()
    ]
    assert len(words) > 25
    covered = [(one, other) for one, other in combinations(boxes, 2) if labels._overlap(one, other)]
    assert covered == []


def test_a_machine_looks_the_same_in_whatever_order_its_states_are_written() -> None:
    turned = {**MACHINE, "States": dict(sorted(MACHINE["States"].items()))}
    assert layout(turned) == layout(MACHINE)


def test_every_way_leads_from_its_state_to_the_other() -> None:
    found = layout(MACHINE)
    for edge, points in found.lines:
        assert (points[0], points[-1]) == (found.places[edge.start], found.places[edge.end])


def test_a_definition_that_names_a_state_that_is_none_is_refused() -> None:
    broken = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}}}
    with pytest.raises(KeyError):
        graph(broken, record())


def test_places_keep_their_gaps_and_move_no_more_than_they_must() -> None:
    assert apart([0, 100], [10]) == [0, 100]
    assert apart([50, 50], [10]) == [45, 55]
    assert apart([0, 0, 90], [30, 30]) == [-15, 15, 90]


# The time line


def test_all_executions_stand_on_one_time_line() -> None:
    root = parsed(timeline(record()))
    lanes = [item.get("data-execution") for item in root.iter() if item.get("data-execution")]
    assert lanes == ["beta-1", "beta-1-ramp-5"]


def test_a_lane_says_how_its_execution_ended_and_not_only_that_it_did() -> None:
    launch = record()["executions"][0]
    back = execution("beta-1", "ramp", "ramp-5", visits((*RAMP_PATH, "Rolled Back"), LAUNCHED))
    cut = {**execution("b", "ramp", "ramp-5", visits(RAMP_PATH, LAUNCHED)), "status": "ABORTED"}
    svg = timeline(record(executions=[launch, back, cut]))
    for said in ("launch · launched after", "· rolled back after", "· aborted after"):
        assert said in svg


def test_of_thousands_of_visits_those_that_can_be_told_apart_are_drawn() -> None:
    path = ("Bake", "Evaluate Metrics", "Go / No-Go?") * 3000
    long = execution("x-1", "launch", "", visits((*path, "Ask a Person", "Roll Back"), LAUNCHED))
    long["visits"][5000]["failures"] = [{"error": "States.Timeout", "cause": ""}]
    drawn = [
        str(item.get("class")).split()
        for item in parsed(timeline(record(executions=[long]))).iter()
        if "visit" in str(item.get("class")).split()
    ]
    assert 300 < len(drawn) < 1500
    assert sum("asks" in words for words in drawn) == 1
    assert sum("back" in words for words in drawn) == 1
    assert sum("failed" in words for words in drawn) == 1


def test_a_day_without_an_execution_is_cut_short_and_says_so() -> None:
    found = record()
    cut = scale([(LAUNCHED, LAUNCHED + 48), (LAUNCHED + DAY, LAUNCHED + DAY + 20)], 0, 1000)
    assert [round(one.seconds) for one in cut.breaks] == [round(DAY - 48)]
    assert cut.x(LAUNCHED + DAY) - cut.x(LAUNCHED + 48) < 150
    assert f"⋯ {lasting(DAY - 48)}" in timeline(found)


def test_a_scale_never_goes_back() -> None:
    cut = scale([(0, 10), (100, 130), (5, 12)], 0, 1000)
    at = [cut.x(second) for second in range(-5, 140)]
    assert at == sorted(at)
    assert (at[0], at[-1]) == (0, 1000)


def test_a_scale_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no stretch"):
        scale([], 0, 1)


def test_a_visit_of_the_time_line_leads_to_it() -> None:
    root = parsed(timeline(record(), link=lambda name, number: f"/{name}/{number}"))
    assert any(item.get("href") == "/beta-1-ramp-5/8" for item in root.iter())


def test_what_is_scheduled_is_told() -> None:
    coming = [{"name": "beta-1-ramp-25", "at": "2026-11-28T10:00:00Z"}]
    assert "scheduled: beta-1-ramp-25 at 2026-11-28T10:00:00Z" in timeline(record(scheduled=coming))


def test_a_visit_that_was_cut_off_lasted_until_its_execution_stopped() -> None:
    cut_off = execution("x-1", "launch", "", [visit("Bake", LAUNCHED, None)], "ABORTED")
    cut_off["stopped_at"] = LAUNCHED + 12
    assert "Bake, 12 s from" in timeline(record(executions=[cut_off]))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (-1.0, "0.0 s"),
        (0.42, "0.4 s"),
        (12, "12 s"),
        (59.7, "1 min"),
        (185, "3 min 5 s"),
        (7200, "2 h"),
        (165_600, "1 d 22 h"),
    ],
)
def test_lengths_of_time_are_written_in_two_units(seconds: float | None, text: str) -> None:
    assert lasting(seconds) == text


def test_moments_are_in_utc() -> None:
    assert (clock(0), clock(DAY, with_day=True)) == ("00:00:00", "01-02 00:00")


# The charts


@pytest.mark.parametrize("name", NAMES)
def test_a_chart_says_in_words_what_it_shows(name: str) -> None:
    root = parsed(charts.ALL[name](record()))
    (words,) = [item.text for item in root if item.tag.endswith("desc")]
    assert any(letter.isdigit() for letter in str(words))


@pytest.mark.parametrize("name", NAMES)
def test_a_chart_without_evidence_says_why(name: str) -> None:
    why = "CloudWatch: AccessDenied"
    nothing = record(exposure=[], minutes=[], looks=[], verdicts=[], unavailable=why)
    text = "".join(parsed(charts.ALL[name](nothing)).itertext())
    assert why in text or (name == "exposure" and "Nobody has been exposed yet" in text)


def test_a_verdict_is_a_mark_with_its_sentence() -> None:
    root = parsed(evidence(record()))
    (mark,) = [item for item in root.iter() if item.get("id") == "evidence-verdict-0"]
    assert titles(mark) == ["HOLD: errors 0 of 36 (0.00%), to certify 4.00%."]


@pytest.mark.parametrize("word", [*Call, STEP_DOWN])
def test_every_word_of_a_verdict_has_a_mark(word: str) -> None:
    verdict = {**record()["verdicts"][0], "word": str(word), "sentence": f"{word}: so"}
    assert f"{word}: so" in evidence(record(verdicts=[verdict]))


def test_a_word_that_no_verdict_has_is_refused() -> None:
    verdict = {**record()["verdicts"][0], "word": "PERHAPS"}
    with pytest.raises(KeyError, match="PERHAPS"):
        evidence(record(verdicts=[verdict]))


def test_evidence_beyond_any_decision_does_not_flatten_the_rest() -> None:
    looks = record()["looks"]
    looks[-1]["against"] = 1e60
    text = "".join(parsed(evidence(record(looks=looks))).itertext())
    assert f"{DECIDES:g} rolls back" in text
    assert "1e+60" in text


def test_an_unknown_metric_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(ValueError, match="expected one of errors, slow"):
        charts.rate(record(), "cost")


def test_missing_telemetry_is_no_zero() -> None:
    minutes = record()["minutes"]
    for one in minutes[2:4]:
        one["candidate"] = None
    root = parsed(charts.requests(record(minutes=minutes)))
    assert "candidate 12" in "".join(root.itertext())


# On a strict page


def test_no_picture_has_a_style_or_a_script_of_its_own(drawn: list[str]) -> None:
    for svg in drawn:
        for item in parsed(svg).iter():
            assert not item.tag.endswith(("style", "script"))
            assert not [name for name in item.attrib if name == "style" or name.startswith("on")]


def test_pictures_of_one_page_share_no_id_and_refer_to_their_own(drawn: list[str]) -> None:
    known: set[str] = set()
    for svg in drawn:
        ids = [str(item.get("id")) for item in parsed(svg).iter() if item.get("id")]
        assert len(ids) == len(set(ids))
        assert not known & set(ids)
        known |= set(ids)
        assert set(re.findall(r"url\(#([^)]+)\)", svg)) <= set(ids)
        assert set(re.findall(r'href="#([^"]+)"', svg)) <= set(ids)


def test_every_colour_is_a_variable_that_the_style_sheet_sets_light_and_dark(
    drawn: list[str],
) -> None:
    light, dark = style().split("prefers-color-scheme: dark", 1)
    for svg in drawn:
        used = set(re.findall(r"var\(--([\w-]+)\)", svg))
        assert not re.findall(r"#[0-9a-f]{6}\b", svg)
        assert all(f"--{name}:" in light and f"--{name}:" in dark for name in used)


def test_what_comes_from_outside_is_text_in_a_picture() -> None:
    found = record(rollout="<script>x</script>")
    found["executions"][0]["phase"] = '"><script>y</script>'
    for svg in pictures(found):
        assert "<script" not in svg


def test_a_picture_is_the_same_each_time(drawn: list[str]) -> None:
    assert drawn == pictures(record())
