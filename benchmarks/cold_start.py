"""python -m benchmarks.cold_start: what a fresh interpreter spends before a handler can answer.

Every handler of the template.
Each in a new process, in turn, wall time over that of a bare interpreter. "Ready" is the import
of the handler and what it makes once per sandbox; the baseline is `import boto3` and the clients
that the handler needs, made the ordinary way.
"""

import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

import click

from benchmarks.timing import tell

ROOT: Final = Path(__file__).parents[1]
FUNCTIONS: Final = ROOT / "functions"
HANDLERS: Final = re.findall(
    r"Handler: rollout\.handlers\.(\w+)\.handler", (ROOT / "template.yaml").read_text("utf-8")
)
CLIENTS: Final = "import boto3; [boto3.client(n) for n in {names}]"
READY: Final = "from rollout.handlers import read; read._reader()"
CANDIDATE: Final = "from rollout.handlers import candidate; candidate._source()"
IMPORTED: Final = {name: f"from rollout.handlers import {name}" for name in HANDLERS}
PROGRAMS: Final = {
    "bare": "pass",
    "boto3": "import boto3",
    "lambda": CLIENTS.format(names=["lambda"]),
    "lambda_appconfigdata": CLIENTS.format(names=["lambda", "appconfigdata"]),
    **IMPORTED,
    "read": READY,
    "read_by_extension": READY,
    "compare": "from rollout.handlers import compare; compare._ports()",
    "candidate": CANDIDATE,
}
BASELINES: Final = {
    **dict.fromkeys(HANDLERS, "boto3"),
    "read": "lambda_appconfigdata",
    "read_by_extension": "lambda",
    "compare": "lambda",
}
EXTENSION: Final = {"AWS_APPCONFIG_EXTENSION_HTTP_PORT": "2772"}
ENVIRONMENT: Final = {
    "PYTHONPATH": str(FUNCTIONS),
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "a",
    "AWS_SECRET_ACCESS_KEY": "b",
    "METRIC_NAMESPACE": "n",
    "SERVICE_NAME": "s",
    "METRIC_RESOLUTION_SECONDS": "60",
    "USER_HASH_KEY": "k",
    "FLAG_NAME": "f",
    "FLAG_POLL_SECONDS": "45",
    "APPCONFIG_APPLICATION_ID": "a",
    "APPCONFIG_ENVIRONMENT_ID": "e",
    "APPCONFIG_PROFILE_ID": "p",
    "CANDIDATE_FUNCTION": "c",
    "CANDIDATE_BUDGET_MS": "500",
    "COMPARE_FUNCTION": "c",
    "DATABASE_URL": "postgresql://u:p@127.0.0.1:9/d",
}
# The first read of a candidate whose password comes by environment, or by extension.
FIRST_READ: Final = """
import sys
from rollout.handlers import candidate
candidate.handler({"userId": "user-1"}, None)
print("botocore" in sys.modules, file=sys.stderr)
"""


def run(name: str, program: str, **more: str) -> subprocess.CompletedProcess[str]:
    """The program in a fresh interpreter; raises CalledProcessError."""
    own = EXTENSION if name.endswith("_by_extension") else {}
    environment = {**ENVIRONMENT, **own, **more}
    command = [sys.executable, "-c", program]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True)


def milliseconds(turns: int, programs: Mapping[str, str]) -> dict[str, float]:
    """The median wall time of each program over that of the bare interpreter."""
    found: dict[str, list[float]] = {name: [] for name in programs}
    for turn in range(-1, turns):  # the first only fills the caches
        for name, program in programs.items():
            begun = time.perf_counter()
            run(name, program)
            if turn >= 0:
                found[name].append((time.perf_counter() - begun) * 1000)
    known = {name: median(values) for name, values in found.items()}
    return {name: round(value - known["bare"], 1) for name, value in known.items()}


def loads_botocore() -> dict[str, bool]:
    """Whether the candidate has loaded botocore after its first read, which fails here."""
    secret = {"DATABASE_URL": "", "DATABASE_SECRET_ARN": "arn"}
    secret["PARAMETERS_SECRETS_EXTENSION_HTTP_PORT"] = "9"
    return {
        "by_environment": "True" in run("candidate", FIRST_READ).stderr,
        "by_extension": "True" in run("candidate", FIRST_READ, **secret).stderr,
    }


@click.command()
@click.option("--turns", type=click.IntRange(1), default=15, show_default=True)
@click.option(
    "--handler", "names", type=click.Choice(list(BASELINES)), multiple=True, help="Only this one."
)
def main(turns: int, names: Sequence[str]) -> None:
    """Measure cold starts; one JSON line."""
    wanted = {name: BASELINES[name] for name in names or BASELINES}
    known = {"bare", *wanted, *wanted.values()}
    found = milliseconds(turns, {name: text for name, text in PROGRAMS.items() if name in known})
    ratios: dict[str, Any] = {
        f"{name}_over_{base}": round(found[name] / found[base], 3) for name, base in wanted.items()
    }
    tell(
        "cold_start",
        {"over_bare_ms": found, **ratios, "candidate_loads_botocore": loads_botocore()},
    )


if __name__ == "__main__":
    main()
