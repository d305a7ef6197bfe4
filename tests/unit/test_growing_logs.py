"""Reading the emulator's logs while they are written."""

import pytest

from ops.local.emulator_main import READS, again_when_grown


def test_what_grew_while_it_was_read_is_read_again() -> None:
    tries: list[str] = []

    def reader(data: str) -> str:
        tries.append(data)
        if len(tries) < 3:
            raise RuntimeError("dictionary changed size during iteration")
        return "all"

    assert again_when_grown(reader)("group") == "all"
    assert tries == ["group"] * 3


def test_what_never_stands_still_is_told() -> None:
    tries: list[str] = []

    def reader(data: str) -> str:
        tries.append(data)
        raise RuntimeError("dictionary changed size during iteration")

    with pytest.raises(RuntimeError):
        again_when_grown(reader)("group")
    assert len(tries) == READS


def test_another_failure_is_told_at_once() -> None:
    def reader(_: str) -> str:
        raise KeyError("no such group")

    with pytest.raises(KeyError):
        again_when_grown(reader)("group")
