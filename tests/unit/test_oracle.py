"""The judge that is told what harm is coming: worked examples, its promise, and that it is best."""

import json
import math
from statistics import mean

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks.decision.judge import Ours
from benchmarks.decision.levels import BUCKETS, LEVELS
from benchmarks.decision.loops import open_loop
from benchmarks.decision.oracle import __main__ as command
from benchmarks.decision.oracle import judged, told
from benchmarks.decision.oracle.evidence import Events, Evidence, Times
from benchmarks.decision.oracle.truth import evidence, tolerated_tail
from benchmarks.decision.scenarios import HARMFUL, HEALTHY, SCENARIOS, TOLERABLE
from benchmarks.decision.simulate import Rollout
from rollout.domain.protocol import ALPHA

MID = LEVELS["mid"]
CLUMP = 0.01


def events(requests, counted, harmful, tolerated, clump=0.0):
    """The same minute, as often as there are counts."""
    minutes = len(counted)
    return Events(
        np.full(minutes, requests),
        np.array(counted),
        np.full(minutes, harmful),
        np.full(minutes, tolerated),
        clump,
    )


def simulated(name, level=MID, replicate=0):
    rollout = Rollout(level, SCENARIOS[name], (1, replicate))
    return rollout, rollout.whole()


def known(name, level=MID, replicate=0):
    return evidence(*simulated(name, level, replicate))


def beta_binomial(count, requests, rate, clump):
    """The chance of that count, by the textbook."""
    yes, no = rate * (1 / clump - 1), (1 - rate) * (1 / clump - 1)
    terms = (
        math.log(math.comb(requests, count)),
        math.lgamma(count + yes) + math.lgamma(requests - count + no),
        -math.lgamma(requests + yes + no),
        math.lgamma(yes + no) - math.lgamma(yes) - math.lgamma(no),
    )
    return math.exp(math.fsum(terms))


# The evidence of one minute


def test_three_errors_of_ten_weigh_as_by_hand():
    (part,) = [events(10, [3], 0.10, 0.01)]

    assert part.seen(0) == pytest.approx(3 * math.log(10) + 7 * math.log(0.90 / 0.99))


def test_clumped_errors_weigh_as_the_beta_binomial_says():
    part = events(40, [0, 1, 7, 40], 0.10, 0.01, CLUMP)

    for minute, count in enumerate((0, 1, 7, 40)):
        harmful, tolerated = (beta_binomial(count, 40, rate, CLUMP) for rate in (0.10, 0.01))
        assert part.seen(minute) == pytest.approx(math.log(harmful / tolerated))


def test_what_is_tolerated_is_expected_to_leave_the_wealth_as_it_is():
    ratios = events(40, [0], 0.10, 0.01, CLUMP).ratios(0)

    chances = [beta_binomial(count, 40, 0.01, CLUMP) for count in range(41)]
    assert np.dot(chances, np.exp(ratios)) == pytest.approx(1)


def test_a_candidate_better_than_what_is_tolerated_is_expected_to_lose():
    ratios = events(40, [0], 0.10, 0.01, CLUMP).ratios(0)

    chances = [beta_binomial(count, 40, 0.002, CLUMP) for count in range(41)]
    assert np.dot(chances, np.exp(ratios)) < 1


def test_times_weigh_request_by_request():
    counts = np.array([[5, 1, 2]])
    part = Times(counts, np.array([[0.5, 0.2, 0.3]]), np.array([[0.7, 0.2, 0.1]]))

    assert part.seen(0) == pytest.approx(5 * math.log(5 / 7) + 2 * math.log(3))


@pytest.mark.parametrize("requests", [20, 2000])
def test_drawn_times_have_the_mean_of_their_law(requests):
    shares = np.array([[0.5, 0.2, 0.3]])
    part = Times(np.array([[requests, 0, 0]]), shares, np.array([[0.7, 0.2, 0.1]]))

    drawn = part.drawn(0, np.random.default_rng(1), 4000)

    each = float(shares[0] @ part.ratios(0))
    assert drawn.mean() == pytest.approx(requests * each, rel=0.05)


# Which minutes speak


@pytest.mark.parametrize(
    "name", [name for name, one in SCENARIOS.items() if one.kind in (HEALTHY, TOLERABLE)]
)
def test_where_nothing_is_intolerable_there_is_no_evidence(name):
    assert not len(known(name).minutes)


@pytest.mark.parametrize("name", [name for name, one in SCENARIOS.items() if one.kind == HARMFUL])
def test_nothing_speaks_before_the_harm(name):
    rollout, chunk = simulated(name)
    assert len(evidence(rollout, chunk).minutes)
    assert chunk.active[evidence(rollout, chunk).minutes].all()


def test_the_shadow_speaks_only_where_it_shows_the_harm():
    assert known("shadow-error-10%").minutes[0] < MID.minutes
    assert known("error-10%").minutes[0] >= MID.minutes


def test_a_growing_harm_speaks_when_it_is_above_what_is_tolerated():
    rollout, chunk = simulated("ramp-slow-10%")
    first = evidence(rollout, chunk).minutes[0]
    assert chunk.effect.error[first] > 0.01
    assert first > chunk.active.argmax()


def test_a_minute_without_telemetry_does_not_speak():
    rollout, chunk = simulated("error-10%")
    spoken = int(evidence(rollout, chunk).minutes[3])
    chunk.messages[spoken].update(control=None, candidate=None, shadow=None, tenants=None)
    assert spoken not in evidence(rollout, chunk).minutes


def test_the_tolerated_tail_makes_the_p95_slower_by_15_percent():
    latency = simulated("slow-tail")[0].latency
    cutoff = np.array([latency.p95_log_ms() + math.log(1.15)])
    tail = np.array([tolerated_tail(latency)])
    assert latency.below(cutoff, np.ones(1), tail)[0] == pytest.approx(0.95)
    assert tail[0] > latency.tail_share


# Nearest: a better candidate than the tolerated one is no likelier to be accused


@pytest.mark.parametrize(
    ("name", "scale"),
    [("slow-tail", 1.0)]
    + [
        (name, scale)
        for name in ("slow-x1.35", "slow-x1.6", "slow-x3")
        for scale in (1.0, 1.05, 1.1)
    ],
)
def test_a_candidate_less_slow_than_tolerated_is_expected_to_lose(name, scale):
    rollout, _ = simulated(name)
    latency, change = rollout.latency, rollout.scenario.change
    usual = latency.tail_share
    tolerated = (1.15, usual) if change.scale > 1 else (1.0, tolerated_tail(latency))
    laws = [(change.scale, usual + change.tail), tolerated, (scale, usual)]
    harmful, nearest, candidate = latency.shares(*np.array(laws).T)
    part = Times(np.ones((1, BUCKETS), dtype=np.int64), harmful[None], nearest[None])
    assert candidate @ np.exp(part.ratios(0)) < 1


# The promise


@pytest.mark.parametrize("name", ["error-4%", "slow-x1.6", "tenant-15%-of-traffic", "mismatch-5%"])
@pytest.mark.parametrize("least", [1, 2])
def test_the_tolerable_candidate_is_rolled_back_with_at_most_alpha(name, least):
    evidence_of = known(name)
    chance, draws = np.random.default_rng(5), 3000
    exact = told.spending_mark(told.drawn_paths(evidence_of, chance, draws), least=least)

    minutes = evidence_of.minutes[:150]
    drawn = [evidence_of.drawn(minute, chance, draws, harmful=False) for minute in minutes]
    stopped = [
        [told.crossed(path, mark, least) is not None for path in np.transpose(drawn)]
        for mark in (told.MARK, exact)
    ]

    noise = 3 * math.sqrt(ALPHA / draws)
    assert mean(stopped[0]) <= ALPHA
    assert mean(stopped[1]) == pytest.approx(ALPHA, abs=noise)


def test_spending_alpha_in_full_never_waits_longer_and_a_second_minute_never_less():
    for replicate in range(4):
        found = judged(*simulated("error-4%", MID, replicate), np.random.default_rng(1), 500)
        spent = {name: record["minutes"] for name, record in found.items()}
        assert spent["oracle-exact"] <= spent["oracle"] <= spent["oracle-2min"]
        assert spent["oracle-exact"] <= spent["oracle-2min-exact"] <= spent["oracle-2min"]


def test_a_gross_minute_decides_alone_unless_two_are_asked_for():
    found = judged(*simulated("error-50%", LEVELS["high"]), np.random.default_rng(1), 100)
    first = {name: record["rolled_back"] - record["onset"] for name, record in found.items()}
    assert first == {"oracle": 0, "oracle-exact": 0, "oracle-2min": 1, "oracle-2min-exact": 1}


# The bounds


def test_the_least_missed_is_that_of_the_most_powerful_test():
    requests, harmful, tolerated = 40, 0.10, 0.01
    part = events(requests, [0], harmful, tolerated)
    totals = part.drawn(0, np.random.default_rng(2), 40_000)

    left, power = ALPHA, 0.0
    for count in range(requests, -1, -1):
        ways = math.comb(requests, count)
        null = ways * tolerated**count * (1 - tolerated) ** (requests - count)
        part_taken = min(1.0, left / null)
        left -= part_taken * null
        power += part_taken * ways * harmful**count * (1 - harmful) ** (requests - count)
        if left <= 0:
            break
    assert told.least_missed(totals) == pytest.approx(1 - power, abs=0.01)


def test_without_any_evidence_all_but_alpha_is_missed():
    nothing = Evidence([events(0, [0, 0], 0.10, 0.01)])
    paths = told.drawn_paths(nothing, np.random.default_rng(1), 10)
    assert len(paths) == 0
    assert told.least_missed(np.zeros(100)) == pytest.approx(1 - ALPHA)


def test_one_minute_alone_does_not_decide_where_two_are_asked_for():
    seen = np.array([0.5, -1.0, 9.0, -0.1, 0.2])
    assert told.crossed(seen, told.MARK) == 2
    assert told.crossed(seen[2:], told.MARK, least=2) == 2
    assert told.crossed(seen[:2], told.MARK) is None


def test_it_serves_no_more_of_a_plain_harm_than_our_judge():
    ours, best = [], []
    for replicate in range(8):
        rollout, chunk = simulated("error-10%", MID, replicate)
        ours.append(open_loop(Ours(), rollout, chunk).bad)
        best.append(judged(rollout, chunk, np.random.default_rng(1), 200)["oracle"]["bad"])
    assert mean(best) <= mean(ours)


# The command


def test_the_command_sets_the_judges_against_the_bounds(tmp_path):
    out = tmp_path / "bounds.json"
    words = ["--judge", "ours", "--level", "mid", "--scenario", "error-10%", "--rollouts", "2"]
    done = CliRunner().invoke(
        command.main, [*words, "--jobs", "1", "--draws", "50", "--out", str(out)]
    )
    assert done.exit_code == 0, done.output
    assert "Missed at least" in done.output
    found = json.loads(out.read_text("utf-8"))
    assert found["judges"].keys() == {"ours", *told.ORACLES}
    assert found["ratios"]["oracle"]["oracle"] == 1
    assert found["ratios"]["ours"]["oracle"] >= 1
    assert found["least_missed"]["cells"] == {"mid/error-10%": 0}
