"""`rollout judge --jsonl`: one answer a minute, and a line and a field for whatever is wrong."""

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ops.cli import main

START: dict[str, Any] = {
    "type": "start",
    "schedule": [
        {"stage": "shadow", "weight": 0.0, "minutes": 60},
        {"stage": "canary", "weight": 0.01, "minutes": 60},
        {"stage": "full", "weight": 1.0, "minutes": 60},
    ],
    "hist": {"first_ms": 5.0, "ratio": 1.03, "bins": 256},
    "tenants": 1,
    "thresholds": {
        "error": {"go": 0.02, "rollback": 0.02},
        "p95_ratio": {"go": 1.15, "investigate": 1.3},
        "mismatch": {"go": 0.005, "investigate": 0.01},
    },
}


def minute(t: int, stage: int = 0, **changes: Any) -> dict[str, Any]:
    weight = START["schedule"][stage]["weight"]
    return {
        "type": "minute",
        "t": t,
        "stage_index": stage,
        "weight": weight,
        "control": {"n": 100, "err": 0, "lat": [[100, 100]]},
        "candidate": {"n": 0, "err": 0, "lat": []},
        "shadow": {"n": 100, "mismatch": 0, "err": 0},
        "tenants": [[100, 0, 0, 0]],
        **changes,
    }


def answers(*messages: Any) -> Result:
    text = "\n".join(m if isinstance(m, str) else json.dumps(m) for m in messages)
    return CliRunner().invoke(main, ["judge", "--jsonl"], input=text + "\n")


def words(result: Result) -> list[str]:
    assert result.exit_code == 0, result.output
    return [line.split()[0] for line in result.output.splitlines()]


def test_every_minute_is_answered_and_no_start() -> None:
    found = words(answers(START, *(minute(t) for t in range(12))))
    assert len(found) == 12
    assert set(found) == {"HOLD", "GO"}
    assert (found[0], found[-1]) == ("HOLD", "GO")


def test_a_stage_is_left_soon_but_not_the_one_before_everyone_is_exposed() -> None:
    answer = {"n": 100, "err": 0, "lat": [[100, 100]]}
    canary = [minute(t, 1, candidate=answer) for t in range(4, 30)]
    found = words(answers(START, *(minute(t) for t in range(4)), *canary))
    assert found.index("GO") == 3
    assert found[4:].index("GO") == 17


def test_a_candidate_that_fails_more_often_than_its_control_is_not_hurried() -> None:
    """Though what it does is tolerated: what grows or comes and goes looks like this at first."""

    def answer(t: int) -> dict[str, Any]:
        return {"n": 100, "err": int(t % 4 == 0), "lat": [[100, 100]]}

    canary = [minute(t, 1, candidate=answer(t)) for t in range(4, 66)]
    said = answers(START, *(minute(t) for t in range(4)), *canary).output.splitlines()[4:]
    assert "GO certified" not in said[:59]
    assert said[58] == "HOLD more errors than the control, so all planned minutes"
    assert said[59] == "GO certified"


ONE = {"n": 1, "err": 0, "lat": [[100, 1]]}
SOAK = [minute(t) for t in range(4)]
CANARY = [minute(t, 1, candidate=ONE) for t in range(4, 22)]
BUSY = minute(22, 1, control={"n": 1000, "err": 0, "lat": []})
FAILING = minute(22, 1, candidate={"n": 20, "err": 3, "lat": []})


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        (SOAK[:2], "baking"),
        (SOAK[:3], "not certified: mismatches"),
        ([*SOAK, *CANARY], "not certified: errors"),
        ([*SOAK, *CANARY, BUSY], "answers are owed"),
        ([*SOAK, *CANARY, FAILING], "suspicion: bad minutes lately (errors)"),
    ],
)
def test_a_hold_says_what_it_waits_for(messages: list[Any], said: str) -> None:
    assert answers(START, *messages).output.splitlines()[-1] == f"HOLD {said}"


def test_harm_in_the_shadow_is_rolled_back_and_stays_so() -> None:
    bad = {"n": 100, "mismatch": 0, "err": 50}
    found = words(answers(START, *(minute(t, shadow=bad) for t in range(4)), minute(4)))
    assert found[-2:] == ["ROLLBACK", "ROLLBACK"]


def test_a_start_forgets_the_rollout_before() -> None:
    bad = {"n": 100, "mismatch": 0, "err": 50}
    found = words(answers(START, *(minute(t, shadow=bad) for t in range(4)), START, minute(0)))
    assert found[-2:] == ["ROLLBACK", "HOLD"]


def test_a_telemetry_outage_holds() -> None:
    gone = dict.fromkeys(("control", "candidate", "shadow", "tenants"))
    assert words(answers(START, *(minute(t, **gone) for t in range(90)))) == ["HOLD"] * 90


def test_a_minute_without_telemetry_promotes_nobody_though_all_is_certified() -> None:
    gone = dict.fromkeys(("control", "candidate", "shadow", "tenants"))
    messages = [*(minute(t) for t in range(12)), minute(12, **gone), minute(13)]
    assert answers(START, *messages).output.splitlines()[-3:] == [
        "GO certified",
        "HOLD no telemetry",
        "GO certified",
    ]


def test_nobody_is_promoted_while_the_control_is_in_trouble() -> None:
    trouble = {"n": 100, "err": 20, "lat": [[100, 100]]}
    messages = [*(minute(t) for t in range(12)), minute(12, control=trouble), minute(13)]
    assert answers(START, *messages).output.splitlines()[-3:] == [
        "GO certified",
        "HOLD the control is in trouble",
        "GO certified",
    ]


def test_a_candidate_that_is_silent_is_never_passed_and_in_the_end_rolled_back() -> None:
    busy = {"n": 10_000, "err": 0, "lat": []}
    silent = [minute(t, 1, control=busy) for t in range(1, 30)]
    found = words(answers(START, minute(0), *silent))
    assert "GO" not in found[1:]
    assert found[-1] == "ROLLBACK"


@pytest.mark.parametrize("count", [10**9, 10**12])
def test_very_many_requests_a_minute_are_judged(count: int) -> None:
    crowd = {"n": count, "err": 0, "lat": [[100, count]]}
    some = {"n": count // 100, "err": count // 1000, "lat": [[100, count // 100]]}
    minutes = [minute(t, 1, control=crowd, candidate=some) for t in range(4)]
    assert words(answers(START, *minutes))[-1] == "ROLLBACK"


def test_days_without_traffic_are_neither_passed_nor_failed() -> None:
    none = {"n": 0, "err": 0, "lat": []}
    quiet = minute(0, 1, control=none, candidate=none, shadow={"n": 0, "mismatch": 0, "err": 0})
    found = words(answers(START, *({**quiet, "t": t} for t in range(4320))))
    assert set(found) == {"HOLD"}


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("{", "line 2: message is"),
        ("[]", "line 2: message is"),
        ('{"type": "minute", "t": NaN}', "NaN is no JSON"),
        ({"type": "hour"}, "line 2: type is 'hour'; expected"),
        (minute(-1), "line 2: t is -1; expected a whole number from 0"),
        (minute(0, stage_index=3), "line 2: stage_index is 3; expected a whole number from 0 to 2"),
        (minute(0, weight=1.5), "line 2: weight is 1.5; expected a number from 0 to 1"),
        (minute(0, control={"n": -1, "err": 0}), "line 2: control.n is -1"),
        (minute(0, control={"n": 1.5, "err": 0}), "line 2: control.n is 1.5"),
        (minute(0, control={"n": 5, "err": 6}), "line 2: control.err is 6; expected a whole"),
        (minute(0, candidate={"n": 1, "err": 0, "lat": [[256, 1]]}), "candidate.lat[0][0] is 256"),
        (minute(0, candidate={"n": 1, "err": 0, "lat": [[1, 2]]}), "candidate.lat is 2"),
        (minute(0, shadow={"n": 1, "mismatch": 2, "err": 0}), "line 2: shadow.mismatch is 2"),
        (minute(0, tenants=[[1, 2, 0, 0]]), "line 2: tenants[0][1] is 2"),
        (minute(0, tenants=[[1, 0]]), "line 2: tenants[0] is [1, 0]"),
    ],
)
def test_a_message_that_cannot_be_used_is_named_by_line_and_field(message: Any, said: str) -> None:
    result = answers(START, message)
    assert result.exit_code == 2
    assert said in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"schedule": []}, "line 1: schedule is []; expected at least one stage"),
        ({"schedule": [{"weight": 2, "minutes": 1}]}, "line 1: schedule[0].weight is 2"),
        ({"schedule": [{"weight": 0, "minutes": 0}]}, "line 1: schedule[0].minutes is 0"),
        ({"thresholds": None}, "line 1: thresholds is missing; expected an object"),
        ({"hist": {"ratio": 1.0, "bins": 10}}, "line 1: hist.ratio is 1.0"),
    ],
)
def test_a_start_that_cannot_be_used_is_named_by_its_field(
    changes: dict[str, Any], said: str
) -> None:
    result = answers({**START, **changes})
    assert result.exit_code == 2
    assert said in result.output


def test_absurd_limits_are_refused() -> None:
    limits = {**START["thresholds"], "error": {"go": 0.5, "rollback": 0.02}}
    result = answers({**START, "thresholds": limits})
    assert "line 1: thresholds.error.rollback is 0.02; expected a number from 0.5" in result.output


@pytest.mark.parametrize("times", [(3, 3), (3, 2)])
def test_a_minute_twice_or_out_of_order_is_refused(times: tuple[int, int]) -> None:
    result = answers(START, *(minute(t) for t in times))
    assert result.exit_code == 2
    assert f"line 3: t is {times[1]}; expected a whole number from 4" in result.output


def test_a_minute_before_any_start_is_refused() -> None:
    assert 'expected a "start" before the first minute' in answers(minute(0)).output
