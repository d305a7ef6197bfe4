"""Work that is put off: all of it is done once, in order, when somebody asks."""

from copy import deepcopy

from rollout.domain.later import MOST, Later


class Notes:
    def __init__(self) -> None:
        self.taken: list[int] = []
        self.later = Later(self.take)

    def take(self, number: int) -> None:
        self.taken.append(number)


def test_nothing_is_done_until_somebody_asks_and_then_all_of_it_once_and_in_order() -> None:
    notes = Notes()
    for number in range(3):
        notes.later.put_off(number)
    assert notes.taken == []
    notes.later.catch_up()
    notes.later.catch_up()
    assert notes.taken == [0, 1, 2]


def test_what_waits_has_a_bound() -> None:
    notes = Notes()
    for number in range(MOST - 1):
        notes.later.put_off(number)
    assert notes.taken == []
    notes.later.put_off(MOST - 1)
    assert notes.taken == list(range(MOST))


def test_a_copy_goes_its_own_way_with_what_waits() -> None:
    notes = Notes()
    notes.later.put_off(1)
    copied = deepcopy(notes)
    notes.later.put_off(2)
    notes.later.catch_up()
    copied.later.put_off(3)
    copied.later.catch_up()
    assert notes.taken == [1, 2]
    assert copied.taken == [1, 3]
