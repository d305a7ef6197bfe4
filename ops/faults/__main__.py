"""Run the fault matrix: a table of what is unsafe, and one JSON line at the end."""

import argparse
import json
import logging
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence

from ops.faults.cases import Case, every_case, pairs
from ops.faults.invariants import Result, run


def main() -> int:
    """Returns 0 when every case is safe, 1 when one is not, 2 when there is no such case."""
    asked = _asked()
    started = time.monotonic()
    _quiet()
    cases = pairs(asked.pairs, asked.seed) if asked.pairs else every_case()
    if asked.case:
        cases = [case for case in cases if asked.case in case.name]
    if not cases:
        print("no case has that in its name", file=sys.stderr)
        return 2
    results = list(_results(cases, asked.jobs))
    if not asked.json:
        _table(results, verbose=bool(asked.case))
    print(json.dumps(_summary(results, time.monotonic() - started)))
    return 1 if any(result.problems for result in results) else 0


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m ops.faults", description=__doc__)
    parser.add_argument("--json", action="store_true", help="Only the JSON line.")
    parser.add_argument("--pairs", type=int, default=0, metavar="N", help="N pairs of faults.")
    parser.add_argument("--seed", type=int, default=1, help="Which pairs; 1 unless given.")
    parser.add_argument("--case", default="", metavar="TEXT", help="Only cases with that name.")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="Processes at once.")
    return parser.parse_args()


def _results(cases: Sequence[Case], jobs: int) -> Iterator[Result]:
    """As they come, with the count of them where somebody watches."""
    with multiprocessing.Pool(jobs, _quiet) as pool:
        for number, result in enumerate(pool.imap(run, cases, chunksize=8), 1):
            if sys.stderr.isatty():
                end = "" if number < len(cases) else "\r\x1b[K"
                print(f"\r{number} of {len(cases)}", end=end, file=sys.stderr, flush=True)
            yield result


def _quiet() -> None:
    logging.disable(logging.CRITICAL)  # the functions' own lines would bury the table


def _table(results: list[Result], *, verbose: bool) -> None:
    for result in results:
        if result.problems or verbose:
            print(f"{'UNSAFE' if result.problems else 'safe':6}  {result.case.name}")
            print(f"        {result.ending}" + "".join(f"\n        {p}" for p in result.problems))
    endings = Counter(result.ending for result in results)
    for ending, count in endings.most_common():
        print(f"{count:6}  {ending}")


def _summary(results: list[Result], seconds: float) -> dict[str, object]:
    unsafe = sum(1 for result in results if result.problems)
    return {
        "cases": len(results),
        "safe": len(results) - unsafe,
        "unsafe": unsafe,
        "not_struck": sum(1 for result in results if not result.struck),
        "reads": sum(result.reads for result in results),
        "failed_reads": sum(
            1 for result in results if any("a read failed" in p for p in result.problems)
        ),
        "seconds": round(seconds, 1),
    }


if __name__ == "__main__":
    sys.exit(main())
