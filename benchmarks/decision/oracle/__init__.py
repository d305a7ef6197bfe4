"""A judge that is told what harm is coming: what the others are to be seen against."""

from benchmarks.decision.oracle.told import judged

__all__ = ["judged"]
