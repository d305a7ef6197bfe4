"""How commands end: exit codes, and one line for every expected failure."""

import json
import sys
from typing import Any, Final, NoReturn

import click
from botocore.exceptions import BotoCoreError, ClientError

from ops import deployed, refusals, rollouts
from rollout.adapters.closing import NotRolledBackError
from rollout.adapters.flags import FlagConflictError, FlagMissingError
from rollout.adapters.metrics import MetricsUnavailableError
from rollout.domain.errors import InvalidInputError

FAILED, BAD_INPUT, INTERRUPTED = 1, 2, 130
KNOWN: Final = (
    deployed.StackError,
    rollouts.RolloutError,
    FlagConflictError,
    FlagMissingError,
    MetricsUnavailableError,
    NotRolledBackError,
)


class Explained(click.Group):
    """A group whose commands end with one line instead of a traceback, and with an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; exit 2 for bad input, 1 for other failures, 130 for Ctrl-C."""
        try:
            return super().invoke(ctx)
        except InvalidInputError as error:
            _fail(str(error), BAD_INPUT)
        except KNOWN as error:
            _fail(str(error), FAILED)
        except ClientError as error:
            _fail(refusals.refused(error), FAILED)
        except BotoCoreError as error:
            _fail(refusals.not_asked(error), FAILED)
        except (KeyboardInterrupt, click.Abort):
            _fail("interrupted", INTERRUPTED)


def _fail(text: str, code: int) -> NoReturn:
    click.echo(f"rollout: {text}", err=True)
    sys.exit(code)


def show(result: dict[str, Any], as_json: bool, text: str) -> None:
    """The result, as one JSON line for programs or as the text for people."""
    click.echo(json.dumps(result) if as_json else text)
