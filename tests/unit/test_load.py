"""The load driver: every arrival is sent once, and no failure stops it."""

import threading

import pytest

from ops.local.load import Load, Reply
from rollout.domain.errors import InvalidInputError

PATIENCE_S = 30


def answered_by_control(_user_id: str) -> Reply:
    return Reply(200, "control")


def users(number):
    return iter([f"user-{n}" for n in range(number)])


def finished(load):
    load.start()
    assert load.join(PATIENCE_S)
    return load.snapshot()


def test_every_arrival_is_sent_once_with_its_visitor():
    seen = []

    def read(user_id):
        seen.append(user_id)
        return Reply(200, "control")

    totals = finished(Load(read, iter([0.0] * 500), users(500), workers=8))

    assert sorted(seen) == sorted(users(500))
    assert totals.requests == 500
    assert totals.arms == {"control": 500}
    assert totals.user_errors == totals.in_flight == 0


def test_each_arm_is_counted():
    arms = iter(["control", "candidate", "control"])

    totals = finished(Load(lambda _: Reply(200, next(arms)), iter([0.0] * 3), users(3), workers=1))

    assert totals.arms == {"control": 2, "candidate": 1}


def test_exceptions_and_statuses_other_than_2xx_are_user_errors():
    statuses = {"user-0": 200, "user-1": 404, "user-2": 500, "user-3": 204}

    def read(user_id):
        return Reply(statuses[user_id], "control")  # user-4 raises KeyError

    totals = finished(Load(read, iter([0.0] * 5), users(5), workers=2))

    assert totals.requests == 5
    assert totals.user_errors == 3
    assert totals.arms == {"control": 2}


def test_never_more_than_workers_in_flight_and_all_of_them_used():
    lock = threading.Lock()
    together = threading.Barrier(3)
    now = most = 0

    def read(_user_id):
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        together.wait(PATIENCE_S)  # passes only when three reads are in flight at once
        with lock:
            now -= 1
        return Reply(200, "control")

    finished(Load(read, iter([0.0] * 30), users(30), workers=3))

    assert most == 3


def test_snapshot_shows_reads_in_flight_and_stop_waits_for_them():
    entered, leave = threading.Event(), threading.Event()

    def read(_user_id):
        entered.set()
        leave.wait(PATIENCE_S)
        return Reply(200, "control")

    load = Load(read, iter([0.0, 0.0]), users(2), workers=1)
    load.start()
    assert entered.wait(PATIENCE_S)
    assert load.snapshot().in_flight == 1
    assert load.snapshot().requests == 0

    load.stop(timeout_s=0)
    leave.set()
    assert load.join(PATIENCE_S)
    assert load.snapshot().requests == 1, "the second arrival is not sent after stop()"


def test_stop_ends_a_load_that_waits_for_a_distant_arrival():
    load = Load(answered_by_control, iter([1e9]), users(1), workers=4)
    load.start()

    load.stop(PATIENCE_S)

    assert load.join(0)
    assert load.snapshot().requests == 0


def test_stop_before_start_and_twice_is_harmless():
    load = Load(answered_by_control, iter([0.0]), users(1), workers=1)

    load.stop()
    load.stop()

    assert load.snapshot().requests == 0


def test_mark_starts_a_second_count():
    gate = threading.Semaphore(0)
    answered = threading.Semaphore(0)

    def read(_user_id):
        answered.release()
        gate.acquire()
        return Reply(200, "candidate")

    load = Load(read, iter([0.0] * 3), users(3), workers=1)
    load.start()
    assert answered.acquire(timeout=PATIENCE_S)
    gate.release()
    assert answered.acquire(timeout=PATIENCE_S)  # so the first is counted: one worker
    load.mark()
    assert load.snapshot().since_mark == {}
    gate.release(2)
    assert load.join(PATIENCE_S)

    assert load.snapshot().arms == {"candidate": 3}
    assert load.snapshot().since_mark == {"candidate": 2}


def test_lag_is_how_late_a_request_left():
    times = iter([100.0])  # start(), and from then on ten seconds later

    load = Load(
        answered_by_control,
        iter([1.0, 7.0]),
        users(2),
        workers=1,
        clock=lambda: next(times, 110.0),
    )
    totals = finished(load)

    assert totals.lag_s == pytest.approx(3)
    assert totals.max_lag_s == pytest.approx(9)


def test_a_request_is_not_sent_before_its_time():
    clock = iter(range(1000))  # each look at the clock costs a second
    seen = []
    ticks = []

    def now():
        ticks.append(next(clock))
        return ticks[-1]

    def read(user_id):
        seen.append(ticks[-1])
        return Reply(200, "control")

    load = Load(read, iter([0.0, 0.01]), users(2), workers=1, clock=now)
    finished(load)

    assert len(seen) == 2
    assert all(at >= due for at, due in zip(seen, [0.0, 0.01], strict=True))


def test_no_workers_are_refused():
    with pytest.raises(InvalidInputError, match="workers is 0; expected 1 or more"):
        Load(answered_by_control, iter([]), users(0), workers=0)
