"""The axis of time: labelled sensibly however long a rollout was."""

import warnings

import pytest

from ops.pictures.plotting import axes, moments, written

LENGTHS = [1, 50, 170, 200, 240, 500, 3_000, 9_000, 40_000, 86_400, 250_000, 600_000, 8_000_000]


@pytest.mark.parametrize("seconds", LENGTHS)
def test_a_rollout_of_any_length_has_a_few_ticks_and_no_complaint(seconds: float) -> None:
    figure, found = axes()
    found.plot(moments([1.7e9, 1.7e9 + seconds]), [0, 1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        written(figure, "x", "title", "words")
        low, high = found.get_xlim()
        shown = [tick for tick in found.get_xticks() if low <= tick <= high]
    assert 2 <= len(shown) <= 8
