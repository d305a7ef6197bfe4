"""python -m benchmarks.scale: one rollout at any traffic, and a thousand in one account."""

import json
import logging
from pathlib import Path

import click

from benchmarks.scale.page import tables
from benchmarks.scale.simulation import run
from benchmarks.timing import tell

SEED, SEEDS = 1, 20


@click.command()
@click.option("--seed", type=click.IntRange(0), default=SEED, show_default=True)
@click.option("--seeds", type=click.IntRange(1), default=SEEDS, show_default=True, help="Soaks.")
@click.option("--jobs", type=click.IntRange(1), default=2, show_default=True)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Where to write.")
def main(seed: int, seeds: int, jobs: int, out: Path | None) -> None:
    """Simulate, print the tables of docs/scale.md, and one JSON line."""
    logging.disable(logging.CRITICAL)  # the functions' own lines would bury the tables
    found = run(seed, seeds, jobs)
    for name, table in tables(found).items():
        click.echo(f"{name}\n\n{table}\n")
    if out is not None:
        out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    tell("scale", found)


if __name__ == "__main__":
    main()
