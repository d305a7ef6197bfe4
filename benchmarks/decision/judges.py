"""Every judge by name."""

from collections.abc import Callable, Mapping
from typing import Final

from benchmarks.decision.judge import Command, Judge, Ours


def ours() -> Judge:
    """The judge of this repository."""
    return Ours()


OURS: Final = "ours"
JUDGES: Final[Mapping[str, Callable[[], Judge]]] = {OURS: ours}


def build(name: str, command: str | None = None) -> Judge:
    """The judge of that name; any other name is the external command's."""
    if name in JUDGES:
        return JUDGES[name]()
    if command is None:
        raise KeyError(name)
    return Command(command)
