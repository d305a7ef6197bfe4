"""How many made-up inputs each parser was tried with: told at the end of every test run."""

from collections import Counter
from typing import Any

import pytest

COUNTS: Counter[str] = Counter()


def tried(parser: str, times: int = 1) -> None:
    """Count inputs of a parser."""
    COUNTS[parser] += times


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker of xdist hands its counts to the process that reports."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["fuzz_counts"] = dict(COUNTS)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: Any) -> None:
    """The reporting process adds up what its workers counted."""
    COUNTS.update(getattr(node, "workeroutput", {}).get("fuzz_counts", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line, when anything was tried."""
    if COUNTS:
        parts = ", ".join(f"{name} {count}" for name, count in sorted(COUNTS.items()))
        terminalreporter.write_line(f"inputs tried: {COUNTS.total()} ({parts})")
