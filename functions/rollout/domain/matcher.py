"""Which cleaning rules apply where: all paths of a plan's rules, followed at once.

A place in an answer is a State; `step` leads to the next. States are made when first met and then
kept, so following any number of rules costs one look-up per field.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from rollout.domain.paths import Segment, Wild
from rollout.domain.rules import IGNORE, Rule

# Patterns can multiply; beyond this many kept states further ones are made anew each time.
MOST_STATES: Final = 4096
_Progress = frozenset[tuple[int, int]]


class Program:
    """The rules of one plan."""

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        self.rules = rules
        self.tolerant = any(rule.within or rule.within_percent for rule in rules)
        self.states: dict[_Progress, State | None] = {}
        self.start = self.state((number, 0) for number in range(len(rules)))

    def state(self, reached: Iterable[tuple[int, int]]) -> "State | None":
        """The state in which these rules have got so far; None when no rule can apply any more."""
        progress = frozenset(self._without_deep(reached))
        if progress in self.states:
            return self.states[progress]
        found = State(self, progress) if progress else None
        if len(self.states) < MOST_STATES:
            self.states[progress] = found
        return found

    def _without_deep(self, reached: Iterable[tuple[int, int]]) -> Iterable[tuple[int, int]]:
        """Each place reached, and those behind a "**", which may stand for nothing."""
        for number, at in reached:
            segments = self.rules[number].segments
            yield number, at
            while at < len(segments) and segments[at] is Wild.DEEP:
                at += 1
                yield number, at


class State:
    """A place in an answer, as the rules see it.

    here: the numbers of the rules that apply exactly here. words: rule word -> those rules.
    tolerant: some rule of the plan allows values to be close instead of equal.
    """

    __slots__ = (
        *("_literals", "_next", "_program", "_progress"),
        *("here", "ignored", "tolerant", "words"),
    )

    def __init__(self, program: Program, progress: _Progress) -> None:
        self._program, self._progress = program, progress
        known = [(n, at, program.rules[n].segments) for n, at in sorted(progress)]
        self.here = tuple(n for n, at, segments in known if at == len(segments))
        self.words = {program.rules[n].word: program.rules[n] for n in self.here}
        self.ignored, self.tolerant = IGNORE in self.words, program.tolerant
        waiting = (segments[at] for _, at, segments in known if at < len(segments))
        self._literals = frozenset(s for s in waiting if not isinstance(s, Wild))
        self._next: dict[Segment, State | None] = {}

    def step(self, segment: Segment) -> "State | None":
        """The state of a field or position inside; None when no rule applies there or below."""
        # What no rule names is all the same, so answers cannot make this memory grow.
        if segment not in self._literals:
            segment = Wild.NAME if isinstance(segment, str) else Wild.POSITION
        if segment in self._next:
            return self._next[segment]
        found = self._program.state(self._followed(segment))
        self._next[segment] = found
        return found

    def _followed(self, segment: Segment) -> Iterable[tuple[int, int]]:
        wild = Wild.NAME if isinstance(segment, str) or segment is Wild.NAME else Wild.POSITION
        for number, at in self._progress:
            segments = self._program.rules[number].segments
            if at == len(segments):
                continue
            if segments[at] is Wild.DEEP:
                yield number, at
            elif segments[at] == segment or segments[at] is wild:
                yield number, at + 1


@lru_cache(maxsize=16)
def compiled(rules: tuple[Rule, ...]) -> Program:
    """The program of these rules, made once."""
    return Program(rules)
