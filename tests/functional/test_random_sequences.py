"""Anything in any order: launches, steps, alarms, people, outages; and what must hold all along."""

import json
import logging
from typing import Any

from hypothesis import HealthCheck, Phase, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ops.faults.invariants import judge
from ops.faults.machine import Execution
from ops.faults.plan import launch
from ops.faults.scenarios import before
from ops.faults.world import ended_badly

SECONDS = st.sampled_from([1, 45, 120, 600, 1200, 3600])
A_WHILE = st.sampled_from([1, 120, 600])
OUTAGES = st.sampled_from(
    [("appconfig",), ("appconfigdata",), ("appconfig", "appconfigdata"), ("cloudwatch",), ("sns",)]
)


class Sequences(RuleBasedStateMachine):
    """One account; what is done to it is drawn."""

    @initialize(steps=st.sampled_from([0, 1, 1, 2, 4, 5]))
    def begin(self, steps: int) -> None:
        """So many steps of a healthy rollout are over."""
        logging.disable(logging.CRITICAL)
        self.world = before(steps).copy()
        self.launched = 1 if steps else 0

    def advance(self, seconds: float) -> None:
        self.world.agenda.advance(self.world.clock() + seconds)

    def running(self) -> list[Execution]:
        return [e for e in self.world.executions if e.name in self.world.running]

    @rule(then=SECONDS)
    def a_rollout_is_launched(self, then: float) -> None:
        self.launched += 1
        name = f"r-{self.launched}"
        self.world.start(name, launch(name))
        self.advance(then)

    @rule(seconds=SECONDS)
    def time_passes(self, seconds: float) -> None:
        self.advance(seconds)

    @precondition(lambda self: self.world.account.scheduler.pending)
    @rule(early=st.booleans(), twice=st.booleans(), then=SECONDS)
    def a_step_fires(self, early: bool, twice: bool, then: float) -> None:
        name, (at, document) = min(self.world.account.scheduler.pending.items())
        del self.world.account.scheduler.pending[name]
        if not early:
            self.world.agenda.advance(max(at, self.world.clock()))
        for number in range(1 + twice):
            copy = json.loads(json.dumps(document))
            self.world.start(f"{name}-{number}-{len(self.world.executions)}", copy)
        self.advance(then)

    @rule()
    def the_watchdog_looks(self) -> None:
        self.world.watch()

    @rule()
    def the_alarm_rings(self) -> None:
        self.world.ring()
        self.advance(2)
        self.world.account.cloudwatch.ringing = False

    @rule(failing=st.sampled_from([0.0, 0.0, 1.0]), differing=st.sampled_from([0.0, 0.0, 0.2]))
    def the_candidate_changes(self, failing: float, differing: float) -> None:
        self.world.account.cloudwatch.failing = failing
        self.world.account.cloudwatch.differing = differing

    @precondition(lambda self: self.running())
    @rule(data=st.data())
    def an_execution_is_aborted(self, data: Any) -> None:
        self.world.stop(data.draw(st.sampled_from(self.running())))
        self.advance(2)

    @precondition(lambda self: self.running())
    @rule(word=st.sampled_from(["APPROVED", "REJECTED"]))
    def a_person_answers(self, word: str) -> None:
        for execution in self.running():
            if execution.path and execution.path[-1] == "Ask a Person":
                self.world.answer(execution, {"word": word, "by": "ada", "why": "seen"})
        self.advance(2)

    @rule()
    def a_person_rolls_back(self) -> None:
        try:
            holder = self.world.roll_back()["holder"]
        except Exception:  # told to the person; AppConfig may be out
            return
        for execution in self.running():
            if execution.given["rollout_id"] == holder:
                self.world.stop(execution)

    @precondition(lambda self: self.world.ended)
    @rule(data=st.data())
    def an_execution_is_redriven(self, data: Any) -> None:
        self.world.redrive(data.draw(st.sampled_from(self.world.ended)))
        self.advance(1)

    @precondition(lambda self: any(e.status == "ABORTED" for e in self.world.ended))
    @rule(data=st.data())
    def an_event_comes_again(self, data: Any) -> None:
        aborted = [e for e in self.world.ended if e.status == "ABORTED"]
        self.world.deliver(ended_badly(data.draw(st.sampled_from(aborted))))
        self.advance(2)

    @rule(services=OUTAGES, seconds=A_WHILE)
    def something_is_out(self, services: tuple[str, ...], seconds: float) -> None:
        until = self.world.clock() + seconds
        self.world.strikes.outages.update(dict.fromkeys(services, until))

    @rule(seconds=A_WHILE)
    def an_old_document_is_served(self, seconds: float) -> None:
        self.world.account.appconfigdata.freeze(seconds)

    @invariant()
    def nobody_is_hurt(self) -> None:
        self.world.read()
        assert self.world.users.problems == []

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.agenda.settle()
            problems, ending = judge(self.world)
            event(ending)
            event(f"at most {self.world.users.most_bps} bps")
            assert problems == [], ending
        logging.disable(logging.NOTSET)


# Without shrinking, which takes minutes here; the steps of a failure are printed as they were.
Sequences.TestCase.settings = settings(
    max_examples=30,
    stateful_step_count=10,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
TestSequences = Sequences.TestCase
