"""The fault matrix: every fault in every state, and that what judges it sees what is wrong."""

import logging
from collections import Counter
from collections.abc import Iterator

import pytest

from ops.faults import plan
from ops.faults.cases import Case, every_case, pairs
from ops.faults.faults import CALL, INVOCATION, Fault
from ops.faults.happenings import DEATHS, WORLD
from ops.faults.invariants import judge, run
from ops.faults.machine import MACHINE
from ops.faults.plan import launch
from ops.faults.scenarios import SCENARIOS, TASKS, YES, Scenario, before
from ops.faults.world import GUARD, World
from rollout.domain.flag import Flag

TURNS = 4


@pytest.fixture(autouse=True, scope="module")
def quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return every_case()


def test_every_state_that_does_something_is_struck_by_every_kind_of_fault(
    cases: list[Case],
) -> None:
    faults = [fault for case in cases for fault in case.faults]
    assert {fault.state for fault in faults} >= {*TASKS, GUARD}
    assert {fault.kind for fault in faults} == {*CALL, *INVOCATION, *WORLD}
    per_state = Counter(fault.state for fault in faults if fault.state in (*TASKS, GUARD))
    assert min(per_state.values()) >= 40, per_state


@pytest.mark.parametrize("kind", DEATHS)
def test_the_orchestrator_dies_in_every_state(cases: list[Case], kind: str) -> None:
    """But in the one whose entry is itself the end."""
    struck = {fault.state for case in cases for fault in case.faults if fault.kind == kind}
    assert struck == set(MACHINE["States"]) - {"Control Not Confirmed"}


@pytest.mark.parametrize("kind", DEATHS)
def test_whatever_kills_it_users_return_to_the_control(cases: list[Case], kind: str) -> None:
    """Each state once, in the first scenario that enters it; `make faults` has the others."""
    first = {case.faults[0].state: case for case in reversed(cases) if case.faults[0].kind == kind}
    results = [run(case) for case in first.values()]
    assert {r.case.name: r.problems for r in results if r.problems} == {}
    endings = {result.ending for result in results}
    left = {"ended by its lease"} if kind == DEATHS[-1] else set()
    assert left <= endings <= {"rolled back by the guard", *left}


def test_no_two_cases_are_the_same(cases: list[Case]) -> None:
    names = Counter(case.name for case in cases)
    assert len(names) == len(cases) >= 2000


def parts(case: Case) -> set[tuple[str, ...]]:
    (fault,) = case.faults
    where = (fault.state, fault.action)
    kind = ("kind", fault.kind, "first" if case.scenario.after == 0 else "later")
    return {kind, ("call", *where), ("state", case.scenario.name, fault.state)}


@pytest.fixture(scope="module")
def some(cases: list[Case]) -> list[Case]:
    """So few that each kind, in a launch and later, each call and each scenario's states are in.

    `make faults` runs them all; states without a function know only DEATHS, tried above.
    """
    cases = [case for case in cases if case.faults[0].state in (*TASKS, GUARD)]
    left, used = set[tuple[str, ...]]().union(*map(parts, cases)), Counter[str]()
    chosen: list[Case] = []
    while left:
        # Of two that add as much, the one of the rarer kind.
        case = max(cases, key=lambda c: (len(parts(c) & left), -used[c.faults[0].kind]))
        chosen.append(case)
        left -= parts(case)
        used[case.faults[0].kind] += 1
    return chosen


@pytest.mark.parametrize("turn", range(TURNS))
def test_a_fault_leaves_nothing_behind_that_hurts(some: list[Case], turn: int) -> None:
    results = [run(case) for case in some[turn::TURNS]]
    unsafe = {result.case.name: result.problems for result in results if result.problems}
    assert unsafe == {}
    assert [result.case.name for result in results if not result.struck] == []


def test_two_faults_at_once_leave_nothing_behind_that_hurts() -> None:
    results = [run(case) for case in pairs(20, seed=1)]
    assert {r.case.name: r.problems for r in results if r.problems} == {}


def test_what_could_not_be_told_is_excused_though_a_schedule_fires_in_vain_later(
    cases: list[Case],
) -> None:
    known = {case.name: case for case in cases}
    killed, silenced = (
        known["launch: Notify a person kills"],
        known["launch: Start Shadow nobody can be told"],
    )
    assert run(Case(killed.scenario, (*killed.faults, *silenced.faults))).problems == ()


def test_the_same_seed_gives_the_same_pairs() -> None:
    assert pairs(5, seed=7) == pairs(5, seed=7) != pairs(5, seed=8)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_without_a_fault_every_scenario_is_safe(scenario: Scenario) -> None:
    result = run(Case(scenario, ()))
    assert result.problems == ()
    assert result.reads > 0


def baked(world: World) -> float:
    """Seconds that the first bake of a launch lasts."""
    seen: list[float] = []
    for state in ("Bake", "Evaluate Metrics"):
        world.meanwhile[state] = lambda: seen.append(world.clock())
    world.start("r-1", launch("r-1"))
    world.agenda.settle()
    return seen[1] - seen[0]


def test_an_answer_ends_the_wait_for_it_and_no_later_one() -> None:
    asked = World(says=YES)
    asked.account.cloudwatch.differing = 0.2
    assert baked(asked) == baked(World())


def test_what_is_frozen_does_not_serve_what_is_deployed_at_that_moment() -> None:
    world = exposed()
    world.account.appconfigdata.freeze()
    world.account.appconfig.edit(candidate_bps=0)
    assert world.account.appconfigdata.flag().candidate_bps == 100


# That what judges is not blind


def exposed() -> World:
    """A world in which the canary is served and the ramp is scheduled."""
    return before(1).copy()


def test_an_exposure_that_nobody_vouches_for_is_seen() -> None:
    world = exposed()
    world.ended.clear()
    problems, _ = judge(world)
    assert "100 bps are exposed after the end" in problems


def test_what_is_left_exposed_after_its_lease_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though nobody is left to act, and so nothing else is wrong."""
    world = exposed()
    world.orphaned = True
    monkeypatch.setattr(Flag, "exposure_at", lambda self, now: self.candidate_bps)
    assert "100 bps are exposed after the lease" in judge(world)[0]


def test_a_failed_read_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    monkeypatch.setattr(plan, "users", lambda: ("nobody",))
    assert "a read failed with 404" in judge(world)[0]


def test_an_exposure_above_what_the_evidence_allows_is_seen() -> None:
    world = exposed()
    world.users.certified["r-1"] = 50
    world.agenda.advance(world.clock() + 60)
    assert "100 bps were exposed where the evidence allows 50" in judge(world)[0]


def test_a_schedule_that_was_left_behind_is_seen_and_is_refused() -> None:
    world = exposed()
    left = dict(world.account.scheduler.pending)
    world.roll_back("r-1")
    world.account.scheduler.pending.update(left)
    problems, _ = judge(world)
    assert problems == ["schedule r-1.ramp-5 was left behind"]


def test_an_ending_without_a_reason_is_seen() -> None:
    world = World()
    execution = world.start("r-1", launch("r-1"))
    world.agenda.settle()
    execution.document["outcome"]["sentence"] = ""
    assert "r-1 ended LAUNCHED without a reason" in judge(world)[0]


def test_a_rollback_that_does_something_twice_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    world = exposed()
    monkeypatch.setattr(
        World, "roll_back", lambda self: self.account.appconfig.interfere() or {"changed": True}
    )
    assert "rolling back twice made 1 deployments" in judge(world)[0]


def test_an_alarm_that_was_left_silent_is_seen() -> None:
    world = World()
    world.account.cloudwatch.actions_enabled = False
    assert judge(world)[0] == ["the alarm was left without its actions"]


def test_a_case_can_be_found_by_its_name(cases: list[Case]) -> None:
    wanted = Case(SCENARIOS[0], (Fault("raises", "Preflight", times=1),))
    assert wanted.name == "launch: Preflight once raises"
    assert wanted.name in {case.name for case in cases}
