"""The command `rollout`: against AWS or a local stack alike.

Each module here is a group of commands and names them in COMMANDS; to add one, list it below.
"""

import os
from itertools import chain
from typing import Final

import click

from ops.cli import (
    checking,
    console,
    costing,
    deciding,
    following,
    holding,
    judging,
    launching,
    local,
    plans,
    reporting,
)
from ops.cli.endings import Explained

GROUPS: Final = (
    checking,
    launching,
    following,
    reporting,
    costing,
    holding,
    deciding,
    judging,
    plans,
    local,
    console,
)


@click.group(cls=Explained, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="rollout-playbook")
def main() -> None:
    """Move a read path from control to candidate, step by step, or back.

    Exit codes: 0 done, 1 failed or ended otherwise than it should, 2 bad input, 130 interrupted
    (Ctrl-C).
    """
    # The functions' log lines are for CloudWatch; here the result itself is shown.
    os.environ.setdefault("POWERTOOLS_LOG_LEVEL", "CRITICAL")


for command in chain.from_iterable(group.COMMANDS for group in GROUPS):
    main.add_command(command)
