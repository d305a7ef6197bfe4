"""The stories that a rehearsal can tell: what happens on the way, and how each must end."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from ops.local.faults import Faults

APPROVE: Final = "approve"
REJECT: Final = "reject"
# In the emulator a read of the candidate takes some 100 ms, more on a busy machine.
SLOW_MS: Final = 600
# Long enough to be seen, short enough to wait for.
SILENCE_SECONDS: Final = 6


@dataclass(frozen=True)
class Story:
    """A named run, the ending it must have, and the fault it meets on the way.

    fault_from_bps: the exposure, as served, from which `fault` is switched on. edit: changes the
    plan's document. noise: share of the control's answers that vary by themselves. culprit: the
    field that the mismatch report must name first. answer: what whoever is asked says, APPROVE or
    REJECT; "" stays silent. Who approves has ended the fault; who rejects gives the first reason
    why answers differ. asked_at_bps: the exposure that must be served while somebody is asked,
    where the story is about it. orphaned: the fault takes away everybody who could act
    (ops/local/orphaned.py), and uses the stack up.
    """

    name: str
    ending: str
    final_bps: int
    fault_from_bps: int | None = None
    fault: Callable[[Faults], None] = lambda faults: None
    edit: Callable[[dict[str, Any]], None] = lambda document: None
    noise: float = 0
    culprit: str = ""
    answer: str = ""
    asked_at_bps: int | None = None
    orphaned: bool = False


def fail_a_fifth(faults: Faults) -> None:
    """The candidate fails 20 % of its reads."""
    faults.errors(0.2)


def slow_down_half(faults: Faults) -> None:
    """Half of the candidate's reads, and so its p95, take 60 % longer than they may."""
    faults.slow(1.6 * SLOW_MS, 0.5)


def take_away(faults: Faults) -> None:
    """PostgreSQL is gone until the end of the story."""
    faults.outage()


def falsify_many(faults: Faults) -> None:
    """The candidate answers a fifth of its reads with a wrong balance."""
    faults.mismatches(0.2)


def falsify_balances(faults: Faults) -> None:
    """The candidate answers 3 % of its reads with a balance that is a cent too high."""
    faults.mismatches(0.03)


def be_strict_about_time(document: dict[str, Any]) -> None:
    """The plan's limit leaves room for the emulator; this one can be exceeded."""
    document["slowness"]["absolute_ms"] = SLOW_MS


def step_down_first(document: dict[str, Any]) -> None:
    """Harm that a person is asked about first gives back what the phase has added."""
    document["response"] = "step_down"
    document["approval"]["timeout_seconds"] = 60


def ask_early(document: dict[str, Any]) -> None:
    """The soak is too short to certify what it must, so a person is asked."""
    soak = document["phases"][0]
    soak.update(bake_seconds=1, maximum_bake_seconds=1, certify={"mismatches": 0.0001})
    document["approval"]["timeout_seconds"] = 60


def ask_and_wait_briefly(document: dict[str, Any]) -> None:
    """The same, and the answer is expected soon."""
    ask_early(document)
    document["approval"]["timeout_seconds"] = SILENCE_SECONDS


def expose_many_for_a_short_time(document: dict[str, Any]) -> None:
    """A canary of a quarter of the users, so that reads show when it ends, and a lease of 20 s."""
    soak, canary, *ramp = document["phases"]
    canary.update(exposure_bps=2500, bake_seconds=5, maximum_bake_seconds=10)
    document["phases"] = [soak, canary, *(phase for phase in ramp if phase["exposure_bps"] > 2500)]
    document["approval"]["timeout_seconds"] = 5
    document["lease"]["grace_seconds"] = 5


KNOWN: Final = (
    Story("healthy", "COMPLETED", 10_000),
    Story("errors", "ROLLED_BACK", 0, 2_500, fail_a_fifth),
    Story("slow", "ROLLED_BACK", 0, 2_500, slow_down_half, be_strict_about_time),
    Story(
        "step-down",
        "COMPLETED",
        10_000,
        2_500,
        falsify_many,
        step_down_first,
        answer=APPROVE,
        asked_at_bps=500,
    ),
    Story("outage", "ROLLED_BACK", 0, 100, take_away),
    Story(
        "mismatch",
        "ROLLED_BACK",
        0,
        0,
        falsify_balances,
        noise=0.3,
        culprit="balance",
        answer=REJECT,
    ),
    Story("approval-given", "COMPLETED", 10_000, edit=ask_early, answer=APPROVE),
    Story("approval-refused", "ROLLED_BACK", 0, edit=ask_early, answer=REJECT),
    Story("approval-timeout", "ROLLED_BACK", 0, edit=ask_and_wait_briefly),
    Story(
        "orchestrator-killed",
        "LEASE_ENDED",
        0,
        100,
        edit=expose_many_for_a_short_time,
        orphaned=True,
    ),
)
STORIES: Final = {story.name: story for story in KNOWN}
