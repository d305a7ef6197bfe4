"""One rollout from launch to its end, on the local stack, and whether it ended as it should."""

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ops import approving, mismatching, rollouts
from ops.executions import RUNNING, executions, now_in, outcome
from ops.local import orphaned
from ops.local.faults import Faults
from ops.local.load import Load
from ops.local.stack import LocalStack, found
from ops.local.stories import APPROVE, REJECT, Story
from rollout.adapters import plan_documents

POLL_SECONDS: Final = 0.7
LONGEST_SECONDS: Final = 600
# Answers that were wrong before a repair are still being compared for some seconds after it.
REPAIR_SECONDS: Final = 10.0
ENDINGS: Final = ("COMPLETED", "ROLLED_BACK", "REFUSED")
ASKS: Final = "Ask a Person"
UNFINISHED: Final = "UNFINISHED"


@dataclass
class Progress:
    """What a display shows of a story while it runs."""

    story: str
    phase: str = ""
    state: str = ""
    exposure_bps: int = 0
    sentence: str = ""
    requests: int = 0
    user_errors: int = 0
    phases_done: int = 0
    phases: int = 1


@dataclass
class Followed:
    """What following a rollout has gathered so far."""

    max_exposure_bps: int = 0
    faulty: bool = False
    answered: bool = False
    asked_at: float | None = None
    asked_at_bps: int | None = None
    outcome: str = UNFINISHED
    reason: str = ""
    late_s: float | None = None
    names: set[str] = field(default_factory=set)
    known: dict[str, Any] = field(default_factory=dict)


def run(
    story: Story,
    stack: LocalStack,
    load: Load,
    plan_file: Path,
    show: Callable[[Progress], None],
) -> dict[str, Any]:
    """Launch, follow to the end, and report.

    Returns {"story", "rollout", "outcome", "as_it_should", "executions", "requests", "user_errors",
    "max_exposure_bps", "final_exposure_bps", "wall_seconds", "reason", "mismatches",
    "candidate_after_lease_s": orphaned.Outlived.late_s, None in the other stories, …}.
    """
    plan, _ = plan_documents.load(plan_file)
    deployed, faults = found(stack), Faults(stack.database)
    before, started = load.snapshot(), time.monotonic()
    stack.control_noise.set(story.noise)
    with _plan_of(story, plan_file) as own_file:
        launched = rollouts.launch(deployed, own_file)
    followed, progress = Followed(), Progress(story.name, phases=len(plan.phases) + 1)
    names = [phase.name for phase in plan.phases]
    try:
        while followed.outcome == UNFINISHED and time.monotonic() - started < LONGEST_SECONDS:
            _look(story, followed, progress, deployed, launched["rollout"], faults)
            if story.answer and progress.state == ASKS and not followed.answered:
                _answer(story, followed, deployed, launched["rollout"], faults)
            counted = load.snapshot()
            progress.requests = counted.requests - before.requests
            progress.user_errors = counted.user_errors - before.user_errors
            progress.phases_done = names.index(progress.phase) if progress.phase in names else 0
            show(progress)
            if story.orphaned and followed.faulty:
                end = orphaned.outlive(stack, load)
                followed.outcome, followed.reason = end.outcome, end.reason
                followed.late_s = end.late_s
            time.sleep(POLL_SECONDS)
    finally:
        faults.clear()
        stack.control_noise.set(0)
    rollout_id, both = launched["rollout"], (before, load.snapshot())
    report = _report(story, followed, both, deployed, rollout_id, started)
    # An orphaned rollout has no execution left that could say which answers differed.
    none: dict[str, Any] = {"reasons": []}
    reasons = none if story.orphaned else mismatching.mismatches(deployed, rollout_id)
    return _with_reasons(report, story, reasons)


def _with_reasons(report: dict[str, Any], story: Story, found: dict[str, Any]) -> dict[str, Any]:
    """The report with the reasons why answers differ, of which the culprit must be the first."""
    named = [reason["path"] for reason in found["reasons"] if reason["count"]]
    as_named = named[:1] == [story.culprit] and story.culprit in report["reason"]
    return {
        **report,
        "as_it_should": report["as_it_should"] and (as_named or not story.culprit),
        "mismatches": found["reasons"],
    }


def _answer(
    story: Story, followed: Followed, deployed: Any, rollout_id: str, faults: Faults
) -> None:
    """As a person would: look at what is asked, and at why answers differ, then say yes or no."""
    if followed.asked_at is None:
        followed.asked_at = time.monotonic()
        followed.asked_at_bps = rollouts.served(deployed).exposure_at(time.time())
    if story.answer == APPROVE and followed.faulty:
        faults.clear()
        if time.monotonic() < followed.asked_at + REPAIR_SECONDS:
            return
    with suppress(rollouts.RolloutError):  # the question is not there yet; at the next look it is
        if story.answer == APPROVE:
            asked = approving.question(deployed, rollout_id)
            why, seen = "as expected so early", asked.evidence if asked else ""
            approving.approve(deployed, rollout_id, who="rehearsal", why=why, evidence=seen)
        elif story.answer == REJECT:
            reasons = mismatching.mismatches(deployed, rollout_id)["reasons"]
            why = reasons[0]["sentence"] if reasons else "not enough evidence for me"
            approving.reject(deployed, rollout_id, who="rehearsal", why=why)
        followed.answered = True


@contextmanager
def _plan_of(story: Story, plan_file: Path) -> Iterator[Path]:
    """The plan as the story wants it, in a file."""
    document = json.loads(plan_file.read_text(encoding="utf-8"))
    story.edit(document)
    with tempfile.TemporaryDirectory() as folder:
        own = Path(folder) / plan_file.name
        own.write_text(json.dumps(document), encoding="utf-8")
        yield own


def _look(
    story: Story,
    followed: Followed,
    progress: Progress,
    deployed: Any,
    rollout_id: str,
    faults: Faults,
) -> None:
    """One look at what is served and at the executions; the fault is switched on in time."""
    flag = rollouts.served(deployed)
    exposure = flag.exposure_at(time.time())
    followed.max_exposure_bps = max(followed.max_exposure_bps, exposure)
    due = story.fault_from_bps is not None and exposure >= story.fault_from_bps
    if due and not followed.faulty:
        story.fault(faults)
        followed.faulty = True
    progress.exposure_bps, progress.phase = exposure, flag.phase or progress.phase
    for item in executions(deployed, rollout_id, followed.known):
        followed.names.add(item["name"])
        if item["status"] == RUNNING:
            progress.state, verdict = now_in(item["arn"])
            progress.sentence = verdict.get("sentence", "")
            continue
        word, reason = outcome(item)
        if word in ENDINGS or item["status"] != "SUCCEEDED":
            followed.outcome, followed.reason = word, reason


def _report(
    story: Story,
    followed: Followed,
    counted: tuple[Any, Any],
    deployed: Any,
    rollout_id: str,
    started: float,
) -> dict[str, Any]:
    before, after = counted
    final = rollouts.served(deployed).exposure_at(time.time())
    user_errors = after.user_errors - before.user_errors
    still_asks = approving.question(deployed, rollout_id) is not None
    as_it_should = (
        (followed.outcome, final, user_errors) == (story.ending, story.final_bps, 0)
        and followed.answered == bool(story.answer)
        and story.asked_at_bps in (None, followed.asked_at_bps)
        and not still_asks
    )
    return {
        "story": story.name,
        "rollout": rollout_id,
        "outcome": followed.outcome,
        "as_it_should": as_it_should,
        "executions": len(followed.names),
        "requests": after.requests - before.requests,
        "by_candidate": after.arms.get("candidate", 0) - before.arms.get("candidate", 0),
        "user_errors": user_errors,
        "max_exposure_bps": followed.max_exposure_bps,
        "asked_at_bps": followed.asked_at_bps,
        "final_exposure_bps": final,
        "still_asks": still_asks,
        "wall_seconds": round(time.monotonic() - started, 1),
        "candidate_after_lease_s": None if followed.late_s is None else round(followed.late_s, 1),
        "reason": followed.reason,
    }
