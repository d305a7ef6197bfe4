"""The comparator's log lines -> why answers differ: the top reasons, each against its noise."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from rollout.domain import noted
from rollout.domain.noise import Counts, beyond
from rollout.domain.noted import field_of
from rollout.domain.pooling import Pool, Recount

EXAMPLES: Final = 5
TOP: Final = 10


@dataclass(frozen=True)
class Totals:
    """Answers compared, those that count as mismatches, and shadow reads that failed."""

    compared: int
    mismatched: int
    failed: int


@dataclass(frozen=True)
class Reason:
    """One field and kind of difference.

    count: requests in which it counts against the candidate; excused: in which it was noise.
    share: count over answers compared, 0..1, None without any. first_seen, last_seen: epoch
    seconds. noise_rate: how often the control differs from itself in the field, over the random
    pairs, None without any. beyond_noise: the pairs prove that the candidate differs more often.
    examples: shapes of both values, never the values, and the user's keyed hash.
    """

    path: str
    kind: str
    count: int
    excused: int
    share: float | None
    first_seen: float
    last_seen: float
    noise_rate: float | None
    beyond_noise: bool
    examples: tuple[Mapping[str, str], ...]


@dataclass(frozen=True)
class Report:
    """Top reasons, most frequent first.

    recount: mismatches with the noise of all comparators. unused_rules: met by no difference ever.
    """

    totals: Totals
    recount: Recount
    pairs: int
    reasons: tuple[Reason, ...]
    unused_rules: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values."""
        return {
            **asdict(self.totals),
            "recount": asdict(self.recount),
            "pairs": self.pairs,
            "reasons": [
                {**asdict(reason), "sentence": sentence(reason)} for reason in self.reasons
            ],
            "unused_rules": list(self.unused_rules),
        }


@dataclass
class _Seen:
    """What the lines say of one reason."""

    count: int = 0
    excused: int = 0
    times: list[float] = field(default_factory=list)
    examples: list[dict[str, str]] = field(default_factory=list)


class _Reading:
    """Adds up lines."""

    def __init__(self) -> None:
        self.reasons: dict[str, _Seen] = defaultdict(_Seen)
        self.fields: dict[str, Counts] = defaultdict(Counts)
        self.unstable: Counter[str] = Counter()
        self.pairs = 0
        self.rules: dict[str, bool] = {}
        self.pool = Pool()

    def add(self, line: Mapping[str, Any]) -> None:
        """One line that has something to say."""
        self.pool.add(line)
        counted, excused, at = noted.counted(line), noted.excused(line), noted.seconds(line)
        for reason in (*counted, *excused):
            seen = self.reasons[reason]
            seen.count += reason in counted
            seen.excused += reason not in counted
            seen.times.append(at)
            example = _example(line, reason)
            if example and len(seen.examples) < EXAMPLES:
                seen.examples.append(example)
        if line.get("at_random"):
            self._add_pair({field_of(reason) for reason in (*counted, *excused)}, line)
        rules = noted.texts(line, "rules")
        self.rules.update((rule, False) for rule in rules if rule not in self.rules)
        self.rules.update((rule, True) for rule in noted.texts(line, "rules_matched"))

    def _add_pair(self, differing: set[str], line: Mapping[str, Any]) -> None:
        unstable = set(noted.texts(line, "unstable"))
        self.pairs += 1
        self.unstable.update(unstable)
        for name in differing ^ unstable:
            self.fields[name].alone += name in differing
            self.fields[name].itself += name in unstable


def report(lines: Iterable[Mapping[str, Any]], totals: Totals, top: int = TOP) -> Report:
    """What the lines of one rollout say, oldest first. Those with nothing noted are passed over."""
    reading = _Reading()
    for line in lines:
        if line.get("noted"):
            reading.add(line)
    worse = beyond(reading.fields)
    ranked = sorted(reading.reasons.items(), key=lambda item: (-item[1].count, -item[1].excused))
    return Report(
        totals,
        reading.pool.recount(),
        reading.pairs,
        tuple(_reason(name, seen, reading, totals, worse) for name, seen in ranked[:top]),
        tuple(rule for rule, matched in reading.rules.items() if not matched),
    )


def _reason(
    name: str, seen: _Seen, reading: _Reading, totals: Totals, worse: frozenset[str]
) -> Reason:
    path = field_of(name)
    return Reason(
        path=path,
        kind=noted.kind_of(name),
        count=seen.count,
        excused=seen.excused,
        share=min(1.0, seen.count / totals.compared) if totals.compared else None,
        first_seen=min(seen.times),
        last_seen=max(seen.times),
        noise_rate=reading.unstable[path] / reading.pairs if reading.pairs else None,
        beyond_noise=path in worse,
        examples=tuple(seen.examples),
    )


def _example(line: Mapping[str, Any], reason: str) -> dict[str, str] | None:
    """What a line shows of a reason, as texts."""
    examples = line.get("examples")
    found = examples.get(reason) if isinstance(examples, Mapping) else None
    if not isinstance(found, Mapping):
        return None
    shown = {key: str(found.get(key, "")) for key in ("control", "candidate", "hint")}
    return {**shown, "user_hash": str(line.get("user_hash", ""))}


def sentence(reason: Reason) -> str:
    """One reason in words: "balance differs (value): 12 of 400 answers, 3.00 %"."""
    where = reason.path or "the whole answer"
    share = "" if reason.share is None else f", {reason.share:.2%} of answers"
    text = f"{where} differs ({reason.kind}): {_times(reason.count)}{share}"
    if not reason.count:
        text = f"{where} ({reason.kind}): {_times(reason.excused)}, all of it noise of the control"
    elif reason.excused:
        text += f"; {_times(reason.excused)} as noise of the control"
    if reason.noise_rate is not None:
        text += f"; the control differs from itself in {reason.noise_rate:.2%}"
    return text + (", the candidate surely more often" if reason.beyond_noise else "")


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
