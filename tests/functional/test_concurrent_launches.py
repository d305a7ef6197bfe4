"""Twenty launches at once: their calls to AWS interleave as chance will have it, and one wins."""

import logging
import random
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ops.faults import wire
from ops.faults.functions import functions
from ops.faults.plan import launch
from ops.faults.services import Account
from rollout.domain.flag import Flag

LAUNCHES = 20
PREFLIGHT, SET_EXPOSURE = "${PreflightFunctionArn}", "${SetExposureFunctionArn}"


@pytest.fixture(autouse=True, scope="module")
def quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


class Interleaved:
    """Threads of which one runs at a time; before every call to AWS another may be chosen."""

    def __init__(self, account: Account, seed: int) -> None:
        self.account, self.chance = account, random.Random(seed)
        self.turns: dict[str, threading.Semaphore] = {}
        self.done = threading.Semaphore(0)

    def answer(self, service: str, operation: str, given: dict[str, Any]) -> dict[str, Any]:
        self._let_another(leave=False)
        return self.account.answer(service, operation, given)

    def run(self, jobs: dict[str, Callable[[], None]]) -> None:
        """All of them to their ends; each begins when it is first chosen."""
        self.turns = {name: threading.Semaphore(0) for name in jobs}
        for name, job in jobs.items():
            threading.Thread(target=self._whole, args=(name, job), name=name).start()
        self._choose()
        assert self.done.acquire(timeout=60)

    def _whole(self, name: str, job: Callable[[], None]) -> None:
        self.turns[name].acquire()
        try:
            job()
        finally:
            self._let_another(leave=True)

    def _let_another(self, *, leave: bool) -> None:
        mine = threading.current_thread().name
        turn = self.turns.get(mine)
        if leave:
            del self.turns[mine]
        if turn is None:  # the test itself asks
            return
        self._choose()
        if not leave:
            turn.acquire()

    def _choose(self) -> None:
        if not self.turns:
            self.done.release()
            return
        self.turns[self.chance.choice(sorted(self.turns))].release()


def launched(seed: int) -> tuple[dict[str, str], Account]:
    """(rollout -> the word with which its Start Shadow, or its Preflight, ended; the account)."""
    account, words = Account(), dict[str, str]()
    interleaved = Interleaved(account, seed)
    wire.connect(interleaved.answer)
    known = functions(account.clock, lambda _: None)

    def start(name: str) -> None:
        document = launch(name)
        fit = known[PREFLIGHT]({"document": document, "execution_name": name})
        words[name] = fit["word"]
        if fit["word"] == "LAUNCH":
            event = {"plan": document["plan"], "step": fit["step"], "phase": "SHADOW"}
            words[name] = known[SET_EXPOSURE](event)["word"]

    names = [f"r-{number}" for number in range(1, LAUNCHES + 1)]
    interleaved.run({name: lambda name=name: start(name) for name in names})  # type: ignore[misc]
    return words, account


def flag_of(account: Account) -> Flag:
    return account.appconfig.flag(account.clock())


@pytest.mark.parametrize("seed", range(15))
def test_of_twenty_launches_at_once_exactly_one_wins(seed: int) -> None:
    words, account = launched(seed)
    winners = [name for name, word in words.items() if word == "DEPLOYING"]
    assert len(words) == LAUNCHES
    assert winners == [flag_of(account).rollout_id], words
    assert set(words.values()) <= {"DEPLOYING", "LOST", "REFUSED"}


def test_the_losers_leave_one_deployment_and_no_exposure() -> None:
    _, account = launched(seed=1)
    assert len(account.appconfig.deployments) == 2
    assert flag_of(account).exposure_at(account.clock()) == 0


def test_they_do_interleave() -> None:
    """Many a launch is past its preflight when another takes the flag."""
    words = [list(launched(seed)[0].values()) for seed in range(5)]
    assert min(found.count("LOST") for found in words) >= 1, words
