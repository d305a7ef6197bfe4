"""python -m benchmarks.decision: who rolls back what, and at what price."""

import json
import platform
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.progress import track

from benchmarks.decision import score, tables
from benchmarks.decision.judges import JUDGES, OURS
from benchmarks.decision.levels import LEVELS
from benchmarks.decision.options import COMMAND, Options
from benchmarks.decision.plot import draw
from benchmarks.decision.run import Record, Setting, run
from benchmarks.decision.scenarios import SCENARIOS
from ops.local.traffic import read_csv
from rollout.domain.errors import InvalidInputError

SEED: Final = 1
RESULTS: Final = Path(__file__).parent.parent / "results"


@click.command()
@click.option("--quick", is_flag=True, help="One rollout of each kind: under a minute.")
@click.option(
    "--judge", "names", multiple=True, type=click.Choice([*JUDGES, COMMAND]), help="Only this one."
)
@click.option(
    "--scenario", "scenarios", multiple=True, type=click.Choice(list(SCENARIOS)), metavar="NAME"
)
@click.option("--level", "levels", multiple=True, type=click.Choice(list(LEVELS)))
@click.option("--rollouts", type=click.IntRange(1), help="So many of each kind at each level.")
@click.option("--command", help="Also score a command: JSON lines in, an answer a minute out.")
@click.option(
    "--traffic",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Volume in the shape of recorded counts: CSV with the columns timestamp and value.",
)
@click.option("--seed", type=click.IntRange(0), default=SEED, show_default=True)
@click.option("--jobs", type=click.IntRange(1), default=2, show_default=True)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Where to write.")
@click.option("--closed/--no-closed", default=True, help="Also rollouts led by the judge.")
@click.option("--json", "as_json", is_flag=True, help="The measures as the last line, in JSON.")
def main(**given: Any) -> None:
    """Compare judges on simulated rollouts.

    \b
    Examples:
      python -m benchmarks.decision --quick
      python -m benchmarks.decision --judge ours --level mid --rollouts 20
      python -m benchmarks.decision --judge command --command 'rollout judge --jsonl'
    """
    options = Options(**given)
    if COMMAND in options.names and options.command is None:
        raise click.UsageError("--judge command needs --command")
    console = Console()
    begun = time.monotonic()
    records = _records(options, console)
    judges = score.summary(records)
    result = {**_about(options, records), "seconds": round(time.monotonic() - begun, 1)}
    result |= {"ratios": _ratios(judges), "judges": judges}
    tables.show(result, console)
    _write(options, result, console)
    if options.as_json:
        click.echo(json.dumps(_brief(result), separators=(",", ":")))


def _records(options: Options, console: Console) -> list[Record]:
    try:
        trace = read_csv(options.traffic) if options.traffic else None
    except InvalidInputError as error:
        raise click.ClickException(str(error)) from None
    tasks = options.tasks()
    setting = Setting(options.judges(), options.seed, options.command, trace)
    found = run(tasks, setting, options.jobs)
    shown = track(
        found,
        "Rollouts",
        len(tasks),
        console=Console(stderr=True),
        transient=not console.is_terminal,
    )
    return [record for records in shown for record in records]


def _ratios(judges: dict[str, score.Summary]) -> dict[str, dict[str, float | None]]:
    """Judge -> bad answers served over ours."""
    if OURS not in judges:
        return {}
    return {
        name: {key: score.ratio(judge, judges[OURS], key) for key in ("bad_mean", "bad_median")}
        for name, judge in judges.items()
    }


def _about(options: Options, records: list[Record]) -> dict[str, Any]:
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {_processor()}",
        "seed": options.seed,
        "traffic": options.traffic.name if options.traffic else None,
        "command": options.command,
        "rollouts": len(options.tasks()),
        "judged": len(records),
    }


def _commit() -> str:
    found = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=RESULTS.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.strip() or "unknown"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} x {names[0]}" if names else platform.processor() or "unknown processor"


def _write(options: Options, result: dict[str, Any], console: Console) -> None:
    out = options.out
    if out is None and options.whole:
        out = RESULTS / f"decision-{result['date'][:10]}.json"
    if out is None:
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(_rounded(result), separators=(",", ":")) + "\n", encoding="utf-8")
    picture = out.with_suffix(".svg")
    draw(result, picture)
    console.print(f"Written: {out}, {picture}")


def _rounded(value: Any) -> Any:
    """Floats to four digits: more would be noise, and a result is kept for good."""
    if isinstance(value, dict):
        return {name: _rounded(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_rounded(inner) for inner in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


def _brief(result: dict[str, Any]) -> dict[str, Any]:
    """Everything but the single scenarios."""
    judges = {
        name: {key: value for key, value in judge.items() if key != "scenarios"}
        for name, judge in result["judges"].items()
    }
    return {**result, "judges": judges}


if __name__ == "__main__":
    main()
