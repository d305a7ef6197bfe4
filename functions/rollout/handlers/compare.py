"""The shadow comparator: ask the arm that did not serve, compare the two answers, count."""

import json
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from rollout.adapters import request_log, sources
from rollout.adapters.candidate import TIMED_OUT, Candidate, LambdaCandidate
from rollout.adapters.observed import observed, told
from rollout.adapters.request_log import SHADOW_UNITS, RequestLog
from rollout.adapters.shadow import Shadow
from rollout.domain import rules
from rollout.domain.cohort import CONTROL
from rollout.domain.compare import comparison
from rollout.domain.difference import DIGEST, ERROR
from rollout.domain.digest import digest
from rollout.domain.finding import DIFF, FAILED, OK, SHOWN, Finding, different, notes
from rollout.domain.flag import FULL_BPS
from rollout.domain.noise import Noise, counted
from rollout.domain.observation import Observation
from rollout.domain.rules import Rule
from rollout.settings import Settings

SHADOW: Final = "shadow"
DROPPED: Final = "SHADOW-DROPPED"
HASH: Final = re.compile(r"[0-9a-f]{16}")
# At import, while Lambda starts the sandbox. Not by settings(): they are read at first use.
CONTROL_READ: Final = sources.control(Settings.from_environ())


@dataclass
class Memory:
    """What this sandbox has learnt of the noise, in the rollout and under the rules it serves."""

    known: tuple[str, tuple[str, ...]] | None = None
    noise: Noise = field(default_factory=Noise)

    def turn_to(self, shadow: Shadow) -> bool:
        """Whether the comparison is the first of its rollout here, which begins with no noise."""
        now = (shadow.rollout_id, shadow.rules)
        if self.known == now:
            return False
        self.known, self.noise = now, Noise()
        return True


@dataclass(frozen=True)
class Ports:
    """What a comparison needs from outside. chance: a number from 0 to 1, anew each time."""

    candidate: Candidate
    log: RequestLog
    control: sources.Read = CONTROL_READ
    memory: Memory = field(default_factory=Memory)
    chance: Callable[[], float] = random.random


def compare(event: dict[str, Any], ports: Ports) -> dict[str, Any]:
    """Compare the answer of the arm that served with the other arm's.

    Event: {"userId", "userHash", "bucket", "served": arm, arm: {"value", "error", "duration_ms"},
    "rules": [text], "noiseBps", "rolloutId", "digest"}. Returns {"outcome": SHADOW-OK, SHADOW-DIFF
    or SHADOW-FAILED, "paths": ["field:kind" of every difference that counts]}.
    """
    shadow = Shadow.from_json(event)
    first = ports.memory.turn_to(shadow)
    if shadow.served == CONTROL:
        control, candidate = shadow.answer, ports.candidate.read(shadow.user_id)
    else:
        control, candidate = observed(ports.control, shadow.user_id), shadow.answer
    finding = _finding(shadow, control, candidate, ports)
    facts = {
        **_facts(shadow, control, candidate, finding),
        **notes(finding, shadow.rules, first=first),
    }
    ports.log.write(SHADOW, SHADOW_UNITS, _metrics(candidate, finding), facts)
    return {"outcome": finding.outcome, "paths": finding.paths}


def _finding(shadow: Shadow, control: Observation, candidate: Observation, ports: Ports) -> Finding:
    if candidate.failed:
        return Finding(FAILED)  # also when both have failed: that speaks for no candidate
    if control.failed:
        return different(ERROR)  # the control failed where the candidate answered
    cleaning = tuple(rules.from_text(text) for text in shadow.rules)
    if shadow.digest:
        return _by_digest(shadow, control, candidate, cleaning, ports)
    noise = ports.memory.noise
    found = comparison(control.value, candidate.value, cleaning)
    at_random = ports.chance() * FULL_BPS < shadow.noise_bps
    unstable = None
    if at_random or (shadow.noise_bps and found.fields and noise.must_ask(found.fields)):
        unstable = _unstable(shadow, control, cleaning, ports)
    if unstable is not None:
        noise.see(found.fields, unstable, at_random=at_random)
    counts = counted(found.fields, unstable or (), noise)
    return Finding(DIFF if counts else OK, found, counts, unstable, at_random)


def _unstable(
    shadow: Shadow, control: Observation, cleaning: tuple[Rule, ...], ports: Ports
) -> frozenset[str] | None:
    """The fields in which the control differs from itself; None when it does not answer."""
    again = observed(ports.control, shadow.user_id)
    return None if again.failed else comparison(control.value, again.value, cleaning).fields


def _by_digest(
    shadow: Shadow,
    control: Observation,
    candidate: Observation,
    cleaning: tuple[Rule, ...],
    ports: Ports,
) -> Finding:
    """Rules do not apply to a digest: when it differs, the arm that served is asked once more."""
    by_control = shadow.served == CONTROL
    if digest((candidate if by_control else control).value) == shadow.digest:
        return Finding(OK)
    if by_control:
        control = again = observed(ports.control, shadow.user_id)
    else:
        candidate = again = ports.candidate.read(shadow.user_id)
    if again.failed:
        return different(DIGEST)
    found = comparison(control.value, candidate.value, cleaning)
    return Finding(DIFF if found.differences else OK, found, found.fields)


def _metrics(candidate: Observation, finding: Finding) -> dict[str, float]:
    return {
        "Compared": int(not candidate.failed),
        "Mismatched": int(finding.outcome == DIFF),
        "Failed": int(candidate.failed),
        "Slow": int(candidate.error == TIMED_OUT),
        "Latency": round(candidate.duration_ms, 3),
    }


def _facts(
    shadow: Shadow, control: Observation, candidate: Observation, finding: Finding
) -> dict[str, Any]:
    return {
        "event": "shadow.failed" if candidate.failed else "shadow.compared",
        "served": shadow.served,
        "outcome": finding.outcome,
        "mismatch": int(finding.outcome == DIFF),
        "timed_out": int(candidate.error == TIMED_OUT),
        "control_ms": round(control.duration_ms, 3),
        "candidate_ms": round(candidate.duration_ms, 3),
        "diff_paths": ",".join(finding.paths[:SHOWN]),
        "error_type": candidate.error,
        "control_error": control.error,
        "user_hash": shadow.user_hash,
        "bucket": shadow.bucket,
        "rollout_id": shadow.rollout_id,
    }


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """The Lambda entry point.

    Never raises: Lambda would log what was raised, and keep the event, which holds a user's id
    and answer, in the queue for failures.
    """
    try:
        return compare(event, _ports())
    except Exception as error:
        return _dropped(event, error)


def _dropped(event: Any, error: Exception) -> dict[str, Any]:
    """A comparison that could not be made counts for nobody; this line stays of it."""
    given = event if isinstance(event, dict) else {}
    line = {
        "event": "shadow.dropped",
        "error_type": type(error).__name__,
        "error_message": told(error),
        "user_hash": _as_hash(given.get("userHash")),
    }
    print(json.dumps(line, separators=(",", ":")), flush=True)
    return {"outcome": DROPPED, "paths": []}


def _as_hash(value: Any) -> str:
    """The hash in an event that may be anything: sixteen hexadecimal digits, or nothing."""
    return value if isinstance(value, str) and HASH.fullmatch(value) else ""


@cache
def _ports() -> Ports:
    return Ports(LambdaCandidate.connect(), request_log.connect())
