"""Freeze a rollout at its present exposure, and let it go on."""

import getpass
from typing import Any, Final

import click

from ops import deployed, holding
from ops.cli.endings import show
from ops.cli.options import against_stack, as_json, with_reason
from rollout.domain.holding import HOLD, RESUME
from rollout.domain.notice import percent


@click.command(epilog="Example: rollout hold --why 'the p95 looks odd, asking the database team'")
@click.option("--rollout", default="", help="Only that one; default: the one that holds the flag.")
@with_reason
@as_json
@against_stack
def hold(stack: deployed.Stack, rollout: str, who: str, why: str, as_json: bool) -> None:
    """Freeze the running rollout at its present exposure.

    It is not promoted and no schedule moves it; harm still rolls back. Unless `rollout resume`
    comes within the plan's approval time, it rolls back, and its lease ends with that time.
    """
    _change(stack, HOLD, rollout, (who, why), as_json=as_json)


@click.command(epilog="Example: rollout resume --why 'the p95 was a backup of the database'")
@click.option("--rollout", default="", help="Only that one; default: the one that holds the flag.")
@with_reason
@as_json
@against_stack
def resume(stack: deployed.Stack, rollout: str, who: str, why: str, as_json: bool) -> None:
    """Let a rollout that is held go on, from the phase it is in.

    What was seen meanwhile counts as evidence. A step whose time has come meanwhile begins at its
    next look.
    """
    _change(stack, RESUME, rollout, (who, why), as_json=as_json)


def _change(
    stack: deployed.Stack, word: str, rollout: str, said: tuple[str, str], *, as_json: bool
) -> None:
    who, why = said[0] or getpass.getuser(), said[1]
    change = holding.prepared(stack, word, rollout, who, why)
    # On standard error: what it will do comes before it is done, and a program reads the result.
    click.echo(change.sentence, err=True)
    result: dict[str, Any] = {**holding.done(stack, change), "by": who, "why": why}
    ends = "held until" if result["word"] == "HELD" else "resumed, leased until"
    share, took = percent(result["exposure_bps"]), f"{result['seconds']:.1f} s"
    text = (
        f"{result['rollout']}: {ends} {result['until']}, {share} of users in {result['phase']}, "
        f"verified at the data plane after {took}"
    )
    show(result, as_json, text)


COMMANDS: Final = (hold, resume)
