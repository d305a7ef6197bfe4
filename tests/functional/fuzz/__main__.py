"""`make fuzz`: every parser with many inputs; the last line is JSON, inputs tried per parser."""

import json
import sys
from pathlib import Path

import pytest

from tests.fuzz_counts import COUNTS

if __name__ == "__main__":
    folder = str(Path(__file__).parent)
    code = pytest.main([folder, "-q", "--hypothesis-profile", "deep", "-p", "no:cacheprovider"])
    counts = dict(sorted(COUNTS.items()))
    print(json.dumps({"passed": code == 0, "inputs": COUNTS.total(), "parsers": counts}))
    sys.exit(int(code))
