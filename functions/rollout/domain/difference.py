"""What a comparison finds."""

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rollout.domain import paths
from rollout.domain.paths import Segment

MISSING, EXTRA, TYPE, VALUE = "missing", "extra", "type", "value"
ORDER, SIZE, ERROR, DIGEST = "order", "size", "error", "digest"


@dataclass(frozen=True)
class Difference:
    """One place where the answers disagree.

    path: see `paths`; "" is the whole answer. kind: missing (control only), extra (candidate
    only), type, value, size, order (a list has the same items in another order), error (the
    control failed, the candidate did not), digest (too large to compare). control, candidate: what
    is there; never shown as they are.
    """

    path: str
    kind: str
    segments: tuple[Segment, ...] = dataclasses.field(default=(), compare=False, repr=False)
    control: Any = dataclasses.field(default=None, compare=False, repr=False)
    candidate: Any = dataclasses.field(default=None, compare=False, repr=False)

    @cached_property
    def field(self) -> str:
        """The path without positions and without names that are data."""
        return paths.general(self.segments)


@dataclass(frozen=True)
class Comparison:
    """What was found. matched: the numbers of the rules that met a difference, in order."""

    differences: tuple[Difference, ...] = ()
    matched: tuple[int, ...] = ()

    @property
    def fields(self) -> frozenset[str]:
        """The fields that differ."""
        return frozenset(difference.field for difference in self.differences)
