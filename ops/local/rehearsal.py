"""The rehearsal: the local stack, real traffic, and the stories one after the other."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from ops import reporting, rollouts
from ops.local import stories
from ops.local import story as telling
from ops.local.display import Display, table
from ops.local.load import Load
from ops.local.stack import ALARM_PERIOD_SECONDS, ROOT, LocalStack, found
from ops.local.traffic import Interval, arrivals, generate, read_csv
from rollout.adapters import plan_documents
from rollout.domain.errors import InvalidInputError

REPORTS: Final = Path("reports")
DEFAULT_PLAN: Final = ROOT / "plans" / "rehearsal.json"
SEED: Final = 20140410
# Recorded seconds per second of rehearsal: five minutes pass in one.
SPEED: Final = 300
WORKERS: Final = 6
# The alarm looks back over five periods, and one more has to be counted.
QUIET_SECONDS: Final = 6 * ALARM_PERIOD_SECONDS
# Told when nobody asks for others; all of them would take twice as long.
TOLD: Final = ("healthy", "errors")


def rehearse(
    names: Sequence[str] = (),
    plan: Path | None = None,
    traffic: Path | None = None,
    calls: Path | None = None,
) -> dict[str, Any]:
    """Run the named stories (default: TOLD) and print a table.

    calls: the file to write each call to that a role of the template made, as JSON {"recorded",
    "stories", "calls": [{"role", "action", "resource", "refused"}]}. Returns {"stories": [report],
    "traffic": where the arrivals came from}. Raises InvalidInputError before anything is started.
    """
    chosen = [_story(name) for name in names or TOLD]
    plan_file = plan or DEFAULT_PLAN
    plan_documents.load(plan_file)
    trace = read_csv(traffic) if traffic else generate(SEED)
    with Display() as display:
        display.say("starting the emulator and PostgreSQL, deploying template.yaml")
        reports, made = [], list[dict[str, Any]]()
        for some in _stacks(chosen):
            with LocalStack() as stack, _load(stack, trace) as load:
                for before, story in zip([None, *some], some, strict=False):
                    if before and before.fault_from_bps is not None:
                        _let_pass(display)
                    reports.append(_run(story, stack, load, plan_file, display))
                made += stack.calls()
    if calls:
        _write(calls, {"stories": [story.name for story in chosen], "calls": made})
    table(reports)
    for report in reports:
        if report["report"]:
            print(f"{report['story']}: the report is {report['report']}")
    source = str(traffic) if traffic else f"generated, seed {SEED}"
    return {"stories": reports, "traffic": source, "speed": SPEED}


def _write(calls: Path, recorded: dict[str, Any]) -> None:
    """A line per call, so that a later recording can be compared."""
    head = {"recorded": datetime.now(UTC).date().isoformat(), "stories": recorded["stories"]}
    lines = ",\n".join(json.dumps(call) for call in recorded["calls"])
    calls.write_text(f'{json.dumps(head)[:-1]}, "calls": [\n{lines}\n]}}\n', encoding="utf-8")


def _stacks(chosen: Sequence[stories.Story]) -> Iterator[list[stories.Story]]:
    """The stories of each stack: one that uses its stack up is its last."""
    some: list[stories.Story] = []
    for story in chosen:
        some.append(story)
        if story.orphaned:
            yield some
            some = []
    if some:
        yield some


def keep_up(traffic: bool) -> None:
    """Keep a stack running until Ctrl-C, and print how to reach it."""
    with Display() as display, LocalStack() as stack:
        for name, value in stack.emulator.environment().items():
            print(f"export {name}={value}", flush=True)
        display.say(f"what people are told stands in the queue {stack.people}")
        display.say(f"stack {stack.name} is up; try `rollout status`; Ctrl-C ends it")
        try:
            if traffic:
                with _load(stack, generate(SEED)):
                    _wait()
            _wait()
        except KeyboardInterrupt:
            display.say("ending")


def _wait() -> None:
    while True:
        time.sleep(60)


def _story(name: str) -> stories.Story:
    if name not in stories.STORIES:
        raise InvalidInputError(
            field="--story", value=name, expected=f"one of {', '.join(stories.STORIES)}"
        )
    return stories.STORIES[name]


@contextmanager
def _load(stack: LocalStack, trace: Sequence[Interval]) -> Iterator[Load]:
    load = Load(stack.read, arrivals(trace, SPEED, SEED), stack.service.visitors(SEED), WORKERS)
    load.start()
    try:
        yield load
    finally:
        load.stop()


def _let_pass(display: Display) -> None:
    """Errors of the last story must not ring the alarm in the next one."""
    display.say("waiting until the alarm no longer looks at the last story")
    time.sleep(QUIET_SECONDS)


def _run(
    story: stories.Story, stack: LocalStack, load: Load, plan_file: Path, display: Display
) -> dict[str, Any]:
    if rollouts.served(found(stack)).enabled:
        display.say("rolling back what the last story left, so that this one starts from 0")
        rollouts.roll_back(found(stack), "rehearsal", f"before story {story.name}")
    display.say(f"story {story.name}: must end {story.ending}")
    report = telling.run(story, stack, load, plan_file, display.show)
    display.say(f"story {story.name} ended {report['outcome']}: {report['reason']}")
    return {**report, "report": _written(story, report["rollout"], stack, display)}


def _written(story: stories.Story, rollout_id: str, stack: LocalStack, display: Display) -> str:
    """The file of the story's report; "" for a story that leaves nobody who could be asked."""
    if story.orphaned:
        return ""
    found_report = reporting.report(found(stack), rollout_id, "html")
    file = reporting.write(found_report.text, REPORTS / f"{rollout_id}.html")
    display.say(f"story {story.name}: wrote {file}")
    return str(file)
