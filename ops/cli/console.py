"""The web page of a rollout."""

import contextlib
from typing import Final

import click

from ops import deployed
from ops.cli.options import against_stack
from ops.rollouts import RolloutError

EXTRA: Final = "pip install 'rollout-playbook[console]'"


@click.command(epilog="Example: rollout console --allow-actions")
@click.option("--port", type=click.IntRange(0, 65_535), default=8765, show_default=True)
@click.option("--every", type=click.FloatRange(0.5, 300), default=2.0, show_default=True)
@click.option("--allow-actions", is_flag=True, help="Approve, reject, roll back from the page.")
@against_stack
def console(stack: deployed.Stack, port: int, every: float, allow_actions: bool) -> None:
    """Show a rollout as a web page on this machine, live, until Ctrl-C.

    The playbook as a graph, all executions on one time line, and the evidence as it grows. AWS is
    asked every --every seconds, and only while a browser looks. Read-only without --allow-actions;
    with it, the address that is printed has a token, and only who opens that address may act.
    """
    try:
        from ops.console import serve  # the rest of the command line does without it
    except ModuleNotFoundError as error:
        raise RolloutError(f"the console needs {error.name}: {EXTRA}") from error
    listens = serve.listening(port)
    with contextlib.closing(listens):
        made = serve.console(stack, every, allow_actions)
        click.echo(serve.address(listens.getsockname()[1], made))
        click.echo("Ctrl-C ends it", err=True)
        serve.serve(made, listens)


COMMANDS: Final = (console,)
